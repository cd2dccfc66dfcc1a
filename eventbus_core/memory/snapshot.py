"""One bus as a monitor sees it. Every function runs under the store's lock and changes nothing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import structs

from ..clock import Clock
from ..snapshots import (
    BusSnapshot,
    ConsumerSnapshot,
    DeadLettersSnapshot,
    GroupSnapshot,
    InstanceSnapshot,
    ServerSnapshot,
    StreamSnapshot,
)
from ..transport import ChannelKind
from .broadcasts import BroadcastLog
from .bus import StoredBus
from .inbox import Inbox
from .presence import Presence
from .queue import Queue
from .work import Group, WorkStream

UnixMs = Callable[[float], int]
"""From the store's monotonic clock to Unix milliseconds."""
Stream = BroadcastLog | Inbox | WorkStream
Consumers = Mapping[Queue, Sequence[ConsumerSnapshot]]


def ahead_of(clock: Clock) -> float:
    """By how much the Unix time is ahead of the monotonic one at this moment."""
    return clock.time() - clock.monotonic()


def unix_ms(clock: Clock) -> UnixMs:
    """How to convert as `clock` stands at this moment."""
    ahead = ahead_of(clock)
    return lambda moment: round((moment + ahead) * 1000)


def snapshot(
    name: str, bus: StoredBus, server: ServerSnapshot, *, now: float, ms: UnixMs
) -> BusSnapshot:
    """Everything of one bus."""
    consumers = _consumers(bus)
    return BusSnapshot(
        bus=name,
        at_ms=ms(now),
        streams=tuple(_streams(bus, ms)),
        groups=tuple(_groups(bus, consumers, now, ms)),
        instances=tuple(_instance(bus, bus.holders[id], now) for id in sorted(bus.holders)),
        absent=tuple(sorted(bus.remembered)),
        dead_letters=_dead_letters(bus),
        totals=dict(bus.accounts.totals),
        journal=tuple(bus.accounts.journal),
        options=bus.options,
        server=server,
    )


def empty_snapshot(name: str, server: ServerSnapshot, *, at_ms: int) -> BusSnapshot:
    """A bus that is not stored."""
    return BusSnapshot(
        bus=name,
        at_ms=at_ms,
        streams=(),
        groups=(),
        instances=(),
        absent=(),
        dead_letters=DeadLettersSnapshot(count=0, oldest_ms=None, newest_ms=None),
        totals={},
        journal=(),
        options=None,
        server=server,
    )


def _streams(bus: StoredBus, ms: UnixMs) -> Iterator[StreamSnapshot]:
    behind = max((_behind(bus, p) for p in bus.presences.values()), default=0)
    yield _stream(ChannelKind.BROADCAST, "", bus.log, behind, ms)
    for name, inbox in sorted(bus.inboxes.items()):
        yield _stream(ChannelKind.INBOX, name, inbox, inbox.backlog, ms)
    for event, stream in sorted(bus.streams.items()):
        yield _stream(ChannelKind.WORK, event, stream, stream.backlog, ms)


def _stream(kind: ChannelKind, name: str, kept: Stream, backlog: int, ms: UnixMs) -> StreamSnapshot:
    oldest, newest = kept.ends or (None, None)
    return StreamSnapshot(
        kind=kind,
        name=name,
        length=len(kept),
        bytes=kept.bytes,
        added=kept.added,
        backlog=backlog,
        oldest_ms=None if oldest is None else ms(oldest.stored_at),
        newest_ms=None if newest is None else ms(newest.stored_at),
    )


def _groups(
    bus: StoredBus, consumers: Consumers, now: float, ms: UnixMs
) -> Iterator[GroupSnapshot]:
    for name, inbox in sorted(bus.inboxes.items()):
        yield _group(ChannelKind.INBOX, "", name, inbox, consumers, now, ms, member_at=None)
    seen: dict[tuple[str, str], float] = {}
    for presence in bus.presences.values():
        for work in presence.work():
            seen[work] = max(seen.get(work, 0.0), presence.last_alive(now))
    for event, stream in sorted(bus.streams.items()):
        for name, group in sorted(stream.groups.items()):
            member_at = max(group.last_member_at, seen.get((event, name), 0.0))
            yield _group(ChannelKind.WORK, event, name, group, consumers, now, ms, member_at)


def _group(
    kind: ChannelKind,
    event: str,
    name: str,
    queue: Inbox | Group,
    consumers: Consumers,
    now: float,
    ms: UnixMs,
    member_at: float | None,
) -> GroupSnapshot:
    queue.return_due(now)
    oldest = queue.oldest_seen
    return GroupSnapshot(
        kind=kind,
        event=event,
        name=name,
        lag=queue.lag,
        pending=queue.pending,
        waiting=queue.waiting,
        delayed=queue.delayed,
        settled=queue.settled,
        oldest_pending_ms=None if oldest is None else ms(oldest.stored_at),
        consumers=tuple(consumers.get(queue, ())),
        last_member_ms=None if member_at is None else ms(member_at),
    )


def _consumers(bus: StoredBus) -> Consumers:
    """Who is subscribed to a queue or has something of it in hand, sorted by instance."""
    found: dict[Queue, list[ConsumerSnapshot]] = defaultdict(list)
    for name in sorted(bus.holders):
        presence = bus.holders[name]
        held = Counter(hold.queue for hold in presence.held)
        for work in presence.work():
            if (group := bus.group(*work)) is not None:
                held[group] += 0
        if presence.reader is not None:
            held[bus.inboxes[name]] += 0
        for queue, pending in held.items():
            found[queue].append(
                ConsumerSnapshot(
                    incarnation=presence.member.incarnation,
                    instance=name,
                    alive=True,
                    pending=pending,
                )
            )
    return found


def _instance(bus: StoredBus, presence: Presence, now: float) -> InstanceSnapshot:
    return InstanceSnapshot.of(
        structs.replace(presence.member, subscriptions=presence.subscriptions),
        lease_left=presence.expires_at - now,
        behind=None if presence.reader is None else _behind(bus, presence),
        pending=len(presence.held),
        vitals=presence.vitals,
    )


def _behind(bus: StoredBus, presence: Presence) -> int:
    return 0 if presence.reader is None else bus.log.newest - presence.reader.cursor


def _dead_letters(bus: StoredBus) -> DeadLettersSnapshot:
    oldest, newest = bus.dead.died_ms or (None, None)
    return DeadLettersSnapshot(count=len(bus.dead), oldest_ms=oldest, newest_ms=newest)
