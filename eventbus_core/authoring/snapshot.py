"""From books and counted messages to the snapshot that a monitor shows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..snapshots import (
    BusSnapshot,
    ConsumerSnapshot,
    DeliverySnapshot,
    GroupSnapshot,
    InstanceSnapshot,
    StoredMessage,
    StreamSnapshot,
)
from ..transport import ChannelKind
from .books import Life, Queue
from .bus import BusTransaction
from .rows import State, Stored


def snapshot_of(bus: BusTransaction) -> BusSnapshot:
    """The bus now."""
    books = bus.books
    counted = Counted(bus.states())
    queues = sorted(books.queues.values(), key=lambda queue: queue.key)
    lives = sorted(books.lives.values(), key=lambda life: life.member.instance_id)
    return BusSnapshot(
        bus=bus.bus,
        at_ms=int(bus.now * 1000),
        streams=tuple(
            _stream(bus, queue, counted)
            for queue in queues
            if not queue.owner or queue.kind is ChannelKind.INBOX
        ),
        groups=tuple(
            _group(bus, queue, lives, counted)
            for queue in queues
            if queue.owner and queue.kind is not ChannelKind.BROADCAST
        ),
        instances=tuple(_instance(bus, life, counted) for life in lives),
        absent=tuple(
            queue.owner
            for queue in queues
            if queue.kind is ChannelKind.INBOX and queue.owner not in books.lives
        ),
        dead_letters=bus.letters(),
        totals=books.totals,
        journal=(),
        options=books.options if books.lives or books.used else None,
        server=bus.server(),
    )


class Counted:
    """States of all queues of a bus."""

    def __init__(self, states: Sequence[State]) -> None:
        self._states = states
        self._by_queue: defaultdict[str, list[State]] = defaultdict(list)
        for state in states:
            self._by_queue[state.queue].append(state)

    def of(self, queue: str) -> "Counted":
        """Those of one queue."""
        return Counted(self._by_queue.get(queue, ()))

    def messages(self, state: str | None = None, holder: str | None = None) -> int:
        return sum(
            s.messages
            for s in self._states
            if state in (None, s.state) and holder in (None, s.holder)
        )

    def bytes(self) -> int:
        return sum(state.bytes for state in self._states)

    def oldest_ms(self, *, but: str = "") -> int | None:
        return min((s.oldest_ms for s in self._states if s.state != but), default=None)

    def newest_ms(self) -> int | None:
        return max((s.newest_ms for s in self._states), default=None)


def _stream(bus: BusTransaction, log: Queue, counted: Counted) -> StreamSnapshot:
    readers = bus.books.readers(log.kind, log.name)
    if log.kind is ChannelKind.BROADCAST:
        readers = [queue for queue in readers if queue.owner in bus.books.lives]
    elif not readers:
        readers = [log]
    mine = counted.of(log.key)
    return StreamSnapshot(
        kind=log.kind,
        name=log.name,
        length=log.backlog,
        bytes=mine.bytes(),
        added=log.backlog + log.settled,
        backlog=max((queue.backlog for queue in readers), default=0),
        oldest_ms=mine.oldest_ms(),
        newest_ms=mine.newest_ms(),
    )


def _group(
    bus: BusTransaction, queue: Queue, lives: Sequence[Life], counted: Counted
) -> GroupSnapshot:
    mine = counted.of(queue.key)
    work = queue.kind is ChannelKind.WORK
    workers = [life.member for life in lives if queue.key in {q.key for q in life.queues()}]
    consumers = tuple(
        ConsumerSnapshot(
            incarnation=life.member.incarnation,
            instance=life.member.instance_id,
            alive=True,
            pending=mine.messages(holder=life.member.incarnation),
        )
        for life in lives
        if life.member in workers or mine.messages(holder=life.member.incarnation)
    )
    return GroupSnapshot(
        kind=queue.kind,
        event=queue.name if work else "",
        name=queue.owner,
        lag=mine.messages("new"),
        pending=mine.messages("pending"),
        waiting=mine.messages("waiting"),
        delayed=mine.messages("delayed"),
        settled=queue.settled,
        oldest_pending_ms=mine.oldest_ms(but="new"),
        consumers=consumers,
        last_member_ms=int((bus.now if workers else queue.seen) * 1000) if work else None,
    )


def _instance(bus: BusTransaction, life: Life, counted: Counted) -> InstanceSnapshot:
    member = life.member
    queues = [bus.books.queues[queue.key] for queue in life.queues()]
    behind = [queue.backlog for queue in queues if queue.kind is ChannelKind.BROADCAST]
    broadcasts = sum(
        counted.of(queue.key).messages("pending")
        for queue in queues
        if queue.kind is ChannelKind.BROADCAST
    )
    return InstanceSnapshot.of(
        member,
        lease_left=life.until - bus.now,
        behind=behind[0] if behind else None,
        pending=counted.messages(holder=member.incarnation) - broadcasts,
        vitals=life.vitals,
    )


def stored_message(stored: Stored) -> StoredMessage:
    """What a monitor is given of a message."""
    kind, name, _ = stored.queue.split(" ")
    return StoredMessage(
        kind=ChannelKind(kind),
        name=name,
        position=str(stored.position),
        stored_ms=stored.stored_ms,
        data=stored.data,
    )


def deliveries_of(bus: BusTransaction, message: StoredMessage) -> Iterable[DeliverySnapshot]:
    """Where a message stands with each group or inbox that gets it."""
    if message.kind is ChannelKind.BROADCAST:
        return
    copies = {copy.queue: copy for copy in bus.copies(int(message.position))}
    for queue in bus.books.readers(message.kind, message.name):
        copy = copies.get(queue.key)
        yield DeliverySnapshot(
            group=queue.owner,
            state=copy.state if copy else "settled",
            holder=(copy.holder if copy else "") or "",
            starts=copy.starts if copy and copy.state != "new" else None,
            due_ms=int(copy.due * 1000) if copy and copy.state == "delayed" else None,
        )
