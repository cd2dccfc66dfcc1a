"""What a monitor reads of a memory store, and the few things that an operator may do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from itertools import dropwhile, islice

from .._version import __version__
from ..snapshots import BusSnapshot, DeliverySnapshot, ServerSnapshot, StoredMessage
from ..transport import ChannelKind, Redriven, StoredDeadLetter
from .bus import StoredBus
from .dead import GROUP_DROPPED
from .queue import EARLY, Entry, Queue
from .snapshot import Stream, UnixMs, ahead_of, empty_snapshot, snapshot, unix_ms
from .store import MemoryStore
from .work import Group

Place = tuple[ChannelKind, str, Entry]
"""A stored message and its stream."""


class MemoryMonitor:
    """See `MonitorSource` for what every method promises. Each is one step of the store."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    @contextmanager
    def _step(self, name: str) -> Iterator[tuple[StoredBus | None, float]]:
        """One atomic step; gives the bus, if it is stored, and the time on the store's clock."""
        with self._store.step() as now:
            yield self._store.find(name), now

    # Looking

    async def buses(self) -> Sequence[str]:
        with self._store.step():
            return sorted(self._store.names())

    async def snapshot(self, bus: str) -> BusSnapshot:
        with self._step(bus) as (stored, now):
            ms, server = unix_ms(self._store.clock), self._server(now)
            if stored is None:
                return empty_snapshot(bus, server, at_ms=ms(now))
            return snapshot(bus, stored, server, now=now, ms=ms)

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        with self._step(bus) as (stored, now):
            if stored is None:
                return []
            ms, ahead = unix_ms(self._store.clock), ahead_of(self._store.clock)
            # On the store's clock: thousands of messages may be compared.
            since = (since_ms - 0.5) / 1000 - ahead
            until = now if until_ms is None else (until_ms + 0.5) / 1000 - ahead
            found = list(islice(_newest_first(stored, since, until), limit))
        found.reverse()
        return [_message(*place, ms) for place in found]

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        with self._step(bus) as (stored, now):
            if stored is None:
                return ()
            ms = unix_ms(self._store.clock)
            return [
                _delivery(name, queue, message.position, now, ms)
                for name, queue in _queues(stored, message)
            ]

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        with self._step(bus) as (stored, _):
            return [] if stored is None else stored.dead.page(limit, after, event, group)

    # Acting

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        with self._step(bus) as (stored, now):
            return Redriven.UNKNOWN if stored is None else stored.redrive(dead_letter_id, now)

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        with self._step(bus) as (stored, _):
            return stored is not None and stored.discard(dead_letter_id)

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        with self._step(bus) as (stored, now):
            found = None if stored is None else stored.group(event, group)
            if stored is None or found is None or _in_use(stored, found):
                return False
            stored.drop_group(found.stream, found, GROUP_DROPPED, now)
            return True

    async def close(self) -> None:
        """There is nothing to free."""

    def _server(self, now: float) -> ServerSnapshot:
        return ServerSnapshot(
            product="memory",
            version=__version__,
            where=f"memory://{self._store.name}",
            used_bytes=self._store.size,
            max_bytes=0,
            clients=None,
            uptime=now - self._store.made_at,
            unknown={"clients": "a memory store has no connections"},
        )


def _newest_first(bus: StoredBus, since: float, until: float) -> Iterator[Place]:
    """The kept messages of all streams that were stored in that time."""
    streams = [_places(ChannelKind.BROADCAST, "", bus.log, since, until)]
    for name, inbox in bus.inboxes.items():
        streams.append(_places(ChannelKind.INBOX, name, inbox, since, until))
    for event, stream in bus.streams.items():
        streams.append(_places(ChannelKind.WORK, event, stream, since, until))
    return merge(*streams, key=lambda place: place[2].number, reverse=True)


def _places(
    kind: ChannelKind, name: str, stream: Stream, since: float, until: float
) -> Iterator[Place]:
    for entry in dropwhile(lambda entry: entry.stored_at > until, reversed(stream)):
        if entry.stored_at < since:
            return
        yield kind, name, entry


def _message(kind: ChannelKind, name: str, entry: Entry, ms: UnixMs) -> StoredMessage:
    position = entry.position if kind is ChannelKind.BROADCAST else entry.number
    return StoredMessage(
        kind=kind,
        name=name,
        position=str(position),
        stored_ms=ms(entry.stored_at),
        data=entry.data,
    )


def _queues(bus: StoredBus, message: StoredMessage) -> Sequence[tuple[str, Queue]]:
    """Those that get a message, by name."""
    if message.kind is ChannelKind.INBOX:
        inbox = bus.inboxes.get(message.name)
        return [] if inbox is None else [(message.name, inbox)]
    stream = bus.streams.get(message.name) if message.kind is ChannelKind.WORK else None
    if stream is None:
        return []
    entry = stream.get(int(message.position))
    return [
        (name, group)
        for name, group in sorted(stream.groups.items())
        if entry is None or group.gets(entry)
    ]


def _delivery(name: str, queue: Queue, position: str, now: float, ms: UnixMs) -> DeliverySnapshot:
    item, due = queue.item(int(position)), None
    if item is None:
        state = "new" if queue.is_fresh(int(position)) else "settled"
    elif item.hold is not None:
        state = "pending"
    elif item.due is not None and item.due > now + EARLY:
        state, due = "delayed", item.due
    else:
        state = "waiting"
    return DeliverySnapshot(
        group=name,
        state=state,
        holder="" if item is None else item.holder,
        starts=None if item is None else item.starts,
        due_ms=None if due is None else ms(due),
    )


def _in_use(bus: StoredBus, group: Group) -> bool:
    """Whether somebody who is not known to be dead is subscribed, or has something in hand."""
    return any(
        (group.stream.event, group.name) in presence.work()
        or any(hold.queue is group for hold in presence.held)
        for presence in bus.presences.values()
    )
