"""What made-up buses consist of: pictures, and views of them without a Watch."""

from collections.abc import Sequence
from typing import Final

from eventbus_core.monitoring import (
    BusSnapshot,
    BusView,
    ChannelKind,
    ConsumerSnapshot,
    DeadLettersSnapshot,
    EventMode,
    Finding,
    GroupSnapshot,
    GroupView,
    InstanceSnapshot,
    InstanceState,
    InstanceView,
    JournalEntry,
    ServerSnapshot,
    Severity,
    SharedOptions,
    StreamSnapshot,
    StreamView,
    Subject,
    Subscription,
    TotalsView,
    Vitals,
)

AT: Final = 1_772_373_802_000
"""2026-03-01 14:03:22 UTC, the time of every picture."""
FLAT: Final = (8.0,) * 8
RISING: Final = (100.0, 220.0, 400.0, 610.0, 800.0, 990.0, 1100.0, 1204.0)
FALLING: Final = (90.0, 70.0, 50.0, 41.0, 30.0, 22.0, 15.0, 12.0)
TOTALS: Final = TotalsView(
    rate_in=4_812.0,
    rate_out=4_702.0,
    settle_rate=4_100.0,
    fail_rate=12.0,
    history_in=FLAT,
    history_out=FLAT,
    history_settle=FLAT,
    history_fail=(0.0,) * 5 + (12.0,) * 3,
)
SILENT: Final = TotalsView(
    rate_in=0.0,
    rate_out=0.0,
    settle_rate=0.0,
    fail_rate=0.0,
    history_in=(0.0,) * 8,
    history_out=(0.0,) * 8,
    history_settle=(0.0,) * 8,
    history_fail=(0.0,) * 8,
)


def finding(code: str, severity: Severity, subject: Subject, text: str, since: float) -> Finding:
    """`since`: seconds before the picture."""
    since_ms = AT - round(since * 1000)
    return Finding(code=code, severity=severity, subject=subject, text=text, since_ms=since_ms)


# Pictures


def stream(
    name: str,
    kind: ChannelKind = ChannelKind.WORK,
    *,
    length: int | None = 5_000,
    size: int | None = 1_288_490,
    added: int | None = 1_000_000,
    backlog: int | None = 12,
    oldest: float | None = 290.0,
    unknown: dict[str, str] | None = None,
) -> StreamSnapshot:
    """`oldest`: seconds before the picture."""
    return StreamSnapshot(
        kind=kind,
        name=name,
        length=length,
        bytes=size,
        added=added,
        backlog=backlog,
        oldest_ms=None if oldest is None else AT - round(oldest * 1000),
        newest_ms=None if oldest is None else AT - 20,
        unknown=unknown or {},
    )


def consumer(instance: str, pending: int = 0, *, alive: bool = True) -> ConsumerSnapshot:
    return ConsumerSnapshot(
        incarnation=f"life-{instance}", instance=instance, alive=alive, pending=pending
    )


def group(
    name: str,
    event: str = "",
    *,
    lag: int | None = 0,
    pending: int | None = 12,
    waiting: int | None = 0,
    delayed: int | None = 0,
    settled: int | None = 988_788,
    oldest: float | None = 1.2,
    consumers: Sequence[ConsumerSnapshot] = (),
    memberless: float | None = 0.0,
    unknown: dict[str, str] | None = None,
) -> GroupSnapshot:
    """Of work when `event` is given, else the reader of an inbox. `oldest`, `memberless`: seconds
    before the picture."""
    last_member_ms = None if memberless is None else AT - round(memberless * 1000)
    return GroupSnapshot(
        kind=ChannelKind.WORK if event else ChannelKind.INBOX,
        event=event,
        name=name,
        lag=lag,
        pending=pending,
        waiting=waiting,
        delayed=delayed,
        settled=settled,
        oldest_pending_ms=None if oldest is None else AT - round(oldest * 1000),
        consumers=tuple(consumers),
        last_member_ms=last_member_ms if event else None,
        unknown=unknown or {},
    )


def instance(
    id: str,
    service: str = "billing",
    *,
    subscriptions: Sequence[Subscription] | None = None,
    pending: int | None = 4,
    behind: int | None = 0,
    lease_left: float = 8.8,
    vitals: Vitals | None = None,
    host: str = "worker-1.example",
    pid: int = 4711,
    version: str = "1.4.0",
    up: float = 7_300.0,
    options: SharedOptions | None = None,
    role: str = "both",
    unknown: dict[str, str] | None = None,
) -> InstanceSnapshot:
    if subscriptions is None:
        subscriptions = (
            Subscription(EventMode.ANYCAST, "orders", service),
            Subscription(EventMode.BROADCAST, "prices"),
        )
    return InstanceSnapshot(
        id=id,
        incarnation=f"life-{id}",
        fixed=True,
        role=role,
        group=service,
        host=host,
        pid=pid,
        version=version,
        started_ms=AT - round(up * 1000),
        lease=10.0,
        lease_left=lease_left,
        subscriptions=tuple(subscriptions),
        options=options or SharedOptions(),
        behind=behind,
        pending=pending,
        vitals=vitals or Vitals(received=90_321, handled=90_300, running=3, waiting=1),
        unknown=unknown or {},
    )


def snapshot(
    streams: Sequence[StreamSnapshot] = (),
    groups: Sequence[GroupSnapshot] = (),
    instances: Sequence[InstanceSnapshot] = (),
    *,
    bus: str = "default",
    absent: Sequence[str] = (),
    dead_letters: int | None = 0,
    journal: Sequence[JournalEntry] = (),
    options: SharedOptions | None = None,
    where: str = "10.0.0.5:6379/0",
    at_ms: int = AT,
) -> BusSnapshot:
    return BusSnapshot(
        bus=bus,
        at_ms=at_ms,
        streams=tuple(streams),
        groups=tuple(groups),
        instances=tuple(instances),
        absent=tuple(absent),
        dead_letters=DeadLettersSnapshot(
            count=dead_letters,
            oldest_ms=AT - 3_600_000 if dead_letters else None,
            newest_ms=AT - 60_000 if dead_letters else None,
            unknown={} if dead_letters is not None else {"count": "the server refuses XLEN"},
        ),
        totals={"dead letters": dead_letters or 0, "taken over": 0, "retries": 7},
        journal=tuple(journal),
        options=options or SharedOptions(),
        server=ServerSnapshot(
            product="redis",
            version="7.4.1",
            where=where,
            used_bytes=52_428_800,
            max_bytes=0,
            clients=12,
            uptime=864_000.0,
        ),
    )


# Views


def stream_key(of: StreamSnapshot) -> str:
    return f"{of.kind} {of.name}".strip()


def group_key(of: GroupSnapshot) -> str:
    return f"work {of.event} {of.name}" if of.event else f"inbox {of.name}"


def group_subject(of: GroupSnapshot) -> Subject:
    return Subject("group", group_key(of), group_name(of))


def group_name(of: GroupSnapshot) -> str:
    return f"{of.name}@{of.event}" if of.event else f"{of.name} (inbox)"


def instance_subject(id: str) -> Subject:
    return Subject("instance", f"life-{id}", id)


def stream_view(
    of: StreamSnapshot,
    *,
    rate_in: float | None = 2_104.0,
    rate_out: float | None = 2_103.0,
    margin: float | None = 0.99,
    history: Sequence[float] = FLAT,
    findings: Sequence[Finding] = (),
) -> StreamView:
    return StreamView(
        key=stream_key(of),
        snapshot=of,
        rate_in=rate_in,
        rate_out=rate_out,
        margin=margin,
        history=tuple(history),
        findings=tuple(findings),
    )


def group_view(
    of: GroupSnapshot,
    *,
    settle_rate: float | None = 410.0,
    growth: float | None = 0.0,
    drain: float | None = 1.0,
    members: int | None = None,
    orphaned: int = 0,
    history: Sequence[float] = FLAT,
    findings: Sequence[Finding] = (),
    at_ms: int = AT,
) -> GroupView:
    oldest = of.oldest_pending_ms
    return GroupView(
        key=group_key(of),
        name=group_name(of),
        snapshot=of,
        settle_rate=settle_rate,
        growth=growth,
        drain_seconds=drain,
        oldest_age=None if oldest is None else (at_ms - oldest) / 1000,
        members=sum(each.alive for each in of.consumers) if members is None else members,
        orphaned=orphaned,
        history=tuple(history),
        findings=tuple(findings),
    )


def instance_view(
    of: InstanceSnapshot,
    state: InstanceState = InstanceState.LIVE,
    *,
    handled: float | None = 120.0,
    failed: float | None = 0.0,
    seen: float = 1.2,
    orphaned: int = 0,
    taken_over: int = 0,
    declared: bool = False,
    findings: Sequence[Finding] = (),
    history: Sequence[float] = FLAT,
) -> InstanceView:
    """`seen`: seconds before the picture."""
    return InstanceView(
        key=of.incarnation,
        id=of.id,
        state=state,
        declared=declared,
        last_seen_ms=AT - round(seen * 1000),
        snapshot=of,
        uptime=(AT - of.started_ms) / 1000,
        handled_rate=handled,
        failed_rate=failed,
        orphaned=orphaned,
        taken_over=taken_over,
        history=tuple(history),
        findings=tuple(findings),
    )


def bus_view(
    picture: BusSnapshot,
    streams: Sequence[StreamView] | None = None,
    groups: Sequence[GroupView] | None = None,
    instances: Sequence[InstanceView] | None = None,
    *,
    looks: int = 30,
    dead_letter_growth: int = 0,
    findings: Sequence[Finding] = (),
    totals: TotalsView | None = None,
) -> BusView:
    """What is not given is made of the picture. `findings`: those of no view."""
    streams = [stream_view(each) for each in picture.streams] if streams is None else streams
    groups = [group_view(each) for each in picture.groups] if groups is None else groups
    if instances is None:
        instances = [instance_view(each) for each in picture.instances]
    found = [
        *findings,
        *(each for stream in streams for each in stream.findings),
        *(each for group in groups for each in group.findings),
        *(each for instance in instances for each in instance.findings),
    ]
    found.sort(key=lambda each: (each.severity is not Severity.CRITICAL, each.since_ms))
    return BusView(
        snapshot=picture,
        poll_seconds=0.038,
        looks=looks,
        streams=tuple(streams),
        groups=tuple(groups),
        instances=tuple(instances),
        totals=totals or TOTALS,
        dead_letter_growth=dead_letter_growth,
        findings=tuple(found),
    )
