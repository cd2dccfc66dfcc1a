"""Made-up buses to show. Every world is a function that gives a BusView; its picture is in
`.snapshot`."""

from itertools import chain
from typing import Final

from eventbus_core.monitoring import (
    BusView,
    ChannelKind,
    EventMode,
    Finding,
    InstanceState,
    JournalEntry,
    Severity,
    SharedOptions,
    Subscription,
    Vitals,
)
from eventbus_tui.update import Link, Update
from tests.tui.pieces import (
    AT,
    FALLING,
    RISING,
    SILENT,
    bus_view,
    consumer,
    finding,
    group,
    group_subject,
    group_view,
    instance,
    instance_subject,
    instance_view,
    snapshot,
    stream,
    stream_view,
)

NAMES: Final = ("bill-1", "bill-2", "mail-1", "ship-7")
HOSTILE: Final = (
    "[/x]",
    "[bold red]x[/bold red]",
    "[@click=app.quit]x[/]",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J",
    "a\u202egnp.exe\u2066",
    "\N{FIRE}\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}\N{VARIATION SELECTOR-16}",
    "世界" * 30,
    "e" + "\u0301" * 40,
    "W" * 255,
    "bad\ufffdutf\udcff8",
    "nul\x00tab\tline\r\nend",
    "\u2028sep\u2029\u200b\ufeff\ue000",
    " ",
    "-",
)
"""Texts that break naive programs: markup, escapes, directions, widths, bytes."""
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def healthy() -> BusView:
    """Three streams, two groups and an inbox, four instances."""
    streams = [
        stream("", ChannelKind.BROADCAST, backlog=3),
        stream("orders"),
        stream("ship-7", ChannelKind.INBOX, length=0, size=120, backlog=0, oldest=None),
    ]
    groups = [
        group("billing", "orders", consumers=[consumer("bill-1", 8), consumer("bill-2", 4)]),
        group("mail", "orders", pending=0, oldest=None, consumers=[consumer("mail-1")]),
        group("ship-7", pending=0, oldest=None, consumers=[consumer("ship-7")]),
    ]
    picture = snapshot(streams, groups, [instance(name, name[:4]) for name in NAMES])
    return bus_view(picture)


def stuck() -> BusView:
    """A group that settles nothing, one that falls behind, one that recovers."""
    members = [consumer("bill-1", 1_004), consumer("bill-2", 150), consumer("mail-1", 50)]
    billing = group("billing", "orders", pending=1_204, oldest=245.0, consumers=members)
    search = group(
        "search", "products", lag=18_200, pending=90, oldest=2.0, consumers=[consumer("mail-1", 90)]
    )
    mail = group("mail", "orders", lag=12, consumers=[consumer("mail-1", 12)])
    found = finding(
        "STUCK", CRITICAL, group_subject(billing), "nothing settled for 3m, 1,204 pending", 192
    )
    lags = finding("LAGGING", WARNING, group_subject(search), "18.2k behind, growing 310/s", 740)
    picture = snapshot(
        [stream("orders", backlog=1_204), stream("products", backlog=18_290)],
        [billing, search, mail],
        [instance("bill-1"), instance("bill-2"), instance("mail-1", "mail")],
        dead_letters=31,
    )
    return bus_view(
        picture,
        groups=[
            group_view(
                billing,
                settle_rate=0.0,
                growth=40.0,
                drain=float("inf"),
                history=RISING,
                findings=[found],
            ),
            group_view(search, growth=310.0, drain=float("inf"), history=RISING, findings=[lags]),
            group_view(mail, growth=-9.0, drain=1.3, history=FALLING),
        ],
    )


def dead() -> BusView:
    """An instance died with work in hand; some of it was taken over already."""
    ship = group(
        "shipping",
        "orders",
        pending=3,
        waiting=38,
        consumers=[consumer("ship-7", 38, alive=False), consumer("ship-8", 3)],
    )
    gone, late = instance("ship-7", "shipping", lease_left=-37.0), instance("ship-9", "shipping")
    heir = instance("ship-8", "shipping", host="worker-2.example")
    picture = snapshot(
        [stream("orders", backlog=41)],
        [ship],
        [heir, late],
        absent=["ship-7"],
        journal=[
            entry("retry", 300, channel="orders billing", count="1", by="life-bill-1"),
            entry("declared dead", 40, instance="ship-7", incarnation="life-ship-7"),
            entry(
                "takeover",
                30,
                channel="orders shipping",
                count="12",
                by="life-ship-8",
                positions="7-0 8-0",
                **{"from": "life-ship-7"},
            ),
            entry("dead letter", 20, event="orders", group="shipping", count="1", reason="poison"),
        ],
    )
    died = finding("DEAD", CRITICAL, instance_subject("ship-7"), "last heartbeat 47s ago", 47)
    left = finding("ORPHANED", CRITICAL, group_subject(ship), "38 of dead instances", 40)
    slow = finding("LATE", WARNING, instance_subject("ship-9"), "no heartbeat for 5s", 5)
    return bus_view(
        picture,
        groups=[group_view(ship, orphaned=38, history=RISING, findings=[left])],
        instances=[
            instance_view(
                gone,
                InstanceState.DEAD,
                seen=47.0,
                orphaned=38,
                taken_over=12,
                declared=True,
                handled=None,
                failed=None,
                findings=[died],
            ),
            instance_view(heir),
            instance_view(late, InstanceState.LATE, seen=5.0, findings=[slow]),
        ],
    )


def memberless() -> BusView:
    """A group that nobody is subscribed to any more, and an inbox whose owner is away."""
    left = group("legacy", "audit", lag=4_000, pending=0, oldest=None, memberless=7_200.0)
    inbox = group("ship-7", lag=5, pending=0, oldest=None)
    found = finding(
        "MEMBERLESS-GROUP", WARNING, group_subject(left), "no member for 2h, 4,000 kept", 7_200
    )
    full = finding("RETENTION-RISK", WARNING, group_subject(left), "4% left", 600)
    picture = snapshot(
        [stream("audit", backlog=4_000), stream("ship-7", ChannelKind.INBOX, backlog=5)],
        [left, inbox],
        absent=["ship-7"],
        options=SharedOptions(max_backlog=4_100),
    )
    return bus_view(
        picture,
        streams=[
            stream_view(picture.streams[0], margin=0.02, findings=[full]),
            stream_view(picture.streams[1]),
        ],
        groups=[
            group_view(left, settle_rate=0.0, drain=float("inf"), findings=[found, full]),
            group_view(inbox, settle_rate=0.0, drain=None),
        ],
    )


def unknown() -> BusView:
    """A store that refuses most questions, seen for the first time."""
    why = "the server refuses XINFO"
    fields = ("length", "bytes", "added", "backlog", "oldest_ms")
    blind = stream(
        "audit",
        length=None,
        size=None,
        added=None,
        backlog=None,
        oldest=None,
        unknown=dict.fromkeys(fields, why),
    )
    legacy = group(
        "legacy",
        "audit",
        lag=None,
        settled=None,
        consumers=[consumer("old-1", 3)],
        unknown={"lag": why, "settled": why},
    )
    old = instance("old-1", "legacy", pending=None, behind=None, unknown={"pending": why})
    found = finding("LAG-UNKNOWN", WARNING, group_subject(legacy), why, 600)
    picture = snapshot([blind], [legacy], [old], dead_letters=None)
    return bus_view(
        picture,
        streams=[stream_view(blind, rate_in=None, rate_out=None, margin=None, history=())],
        groups=[
            group_view(
                legacy, settle_rate=None, growth=None, drain=None, history=(), findings=[found]
            )
        ],
        instances=[instance_view(old, handled=None, failed=None, history=())],
        looks=1,
    )


def empty() -> BusView:
    """A bus on which nothing ever happened."""
    return bus_view(snapshot(), totals=SILENT)


def big(streams: int = 200, groups: int = 400, instances: int = 500, *, sick: int = 5) -> BusView:
    """A quarter of the streams are inboxes; the first `sick` groups are stuck."""
    inboxes = streams // 4
    ids = [f"instance-{number:04}" for number in range(instances)]
    events = [f"event-{number:03}" for number in range(streams - inboxes - 1)]
    kept = [
        stream("", ChannelKind.BROADCAST),
        *(stream(id, ChannelKind.INBOX) for id in ids[:inboxes]),
        *(stream(event) for event in events),
    ]
    sharing = [
        group(
            f"group-{number // len(events):02}",
            events[number % len(events)],
            lag=number,
            consumers=[consumer(ids[(number * 7 + k) % len(ids)], k) for k in range(3)],
        )
        for number in range(groups - inboxes)
    ]
    readers = [group(id, pending=0, consumers=[consumer(id)]) for id in ids[:inboxes]]
    picture = snapshot(kept, [*readers, *sharing], [instance(id) for id in ids])
    bad: dict[int, list[Finding]] = {}
    for number, each in enumerate(sharing[:sick]):
        text = "nothing settled for 2m, 12 pending"
        bad[number] = [finding("STUCK", CRITICAL, group_subject(each), text, 120 + number)]
    views = chain(
        (group_view(each) for each in readers),
        (group_view(each, findings=bad.get(n, [])) for n, each in enumerate(sharing)),
    )
    return bus_view(picture, groups=list(views))


def drifting() -> BusView:
    """Instances that disagree: options, versions, and one with a handler that never ends."""
    slow = instance(
        "slow-1",
        "slow",
        pending=100,
        version="1.3.9",
        options=SharedOptions(max_backlog=50),
        subscriptions=[
            Subscription(EventMode.ANYCAST, "orders", "slow"),
            Subscription(EventMode.UNICAST, "cmd.stop"),
            Subscription(EventMode.BROADCAST, "prices"),
        ],
        vitals=Vitals(
            emitted=5,
            received=1_000,
            handled=900,
            failed=44,
            dead_lettered=3,
            running=8,
            waiting=92,
            unsettled=1,
            slowest="app.handlers.render",
            slowest_seconds=310.0,
        ),
    )
    subject = instance_subject("slow-1")
    found = [
        finding("SLOW-HANDLER", WARNING, subject, "app.handlers.render runs for 5m", 310),
        finding("CONFIG-DRIFT", WARNING, subject, "max_backlog 50, in force 100000", 900),
    ]
    busy = group("slow", "orders", lag=40, pending=100, consumers=[consumer("slow-1", 100)])
    picture = snapshot([stream("orders")], [busy], [slow, instance("fast-1", "fast")])
    return bus_view(
        picture,
        instances=[
            instance_view(slow, failed=4.4, findings=found),
            instance_view(picture.instances[1]),
        ],
    )


def entry(kind: str, seconds_ago: float, **details: str) -> JournalEntry:
    return JournalEntry(at_ms=AT - round(seconds_ago * 1000), kind=kind, details=details)


def hostile(text: str) -> BusView:
    """One of everything, named `text` wherever something takes a text of a user."""
    vitals = Vitals(running=1, slowest=text, slowest_seconds=99.0)
    subscriptions = [Subscription(EventMode.ANYCAST, text, text)]
    bad = instance(
        text,
        text,
        subscriptions=subscriptions,
        vitals=vitals,
        host=text,
        version=text,
        role=text,
        unknown={"pending": text},
        options=SharedOptions(max_backlog=7),
        pending=None,
    )
    shared = group(
        text, text, lag=None, consumers=[consumer(text, 3)], memberless=9_000, unknown={"lag": text}
    )
    inbox = group(text, consumers=[consumer(text)], unknown={"settled": text}, settled=None)
    picture = snapshot(
        [
            stream(text, unknown={"bytes": text}, size=None),
            stream(text, ChannelKind.INBOX),
            stream("", ChannelKind.BROADCAST),
        ],
        [shared, inbox],
        [bad],
        bus=text,
        where=text,
        absent=[text],
        dead_letters=3,
        journal=[
            entry("takeover", 9, channel=f"{text} {text}", count=text, by=bad.incarnation),
            entry("dead letter", 8, event=text, group=text, instance=text, reason=text),
            entry("declared dead", 7, instance=text, incarnation=f"life-{text}"),
            entry(text, 6, channel=f"{text} {text}", **{"field": text}),
            entry("loss", 5, event=text, group=text, count="9", cause=text),
        ],
    )
    told = finding("STUCK", CRITICAL, group_subject(shared), text, 100)
    slow = finding("SLOW-HANDLER", WARNING, instance_subject(text), text, 100)
    return bus_view(
        picture,
        groups=[group_view(shared, members=0, findings=[told]), group_view(inbox)],
        instances=[
            instance_view(bad, findings=[slow]),
            instance_view(
                instance(text + "2", text, host=text), InstanceState.DEAD, seen=30.0, orphaned=3
            ),
        ],
    )


def update(view: BusView | None, *, sequence: int = 1, link: Link | None = None) -> Update:
    """What a feed would tell of it."""
    bus = "" if view is None else view.snapshot.bus
    return Update(
        view=view,
        link=link or Link(state="live" if view else "connecting", seen_at=0.0 if view else None),
        bus=bus,
        buses=(bus,) if bus else (),
        interval=1.0,
        sequence=sequence,
    )
