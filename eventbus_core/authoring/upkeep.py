"""What is removed from a bus, and when."""

import math

from ..options import FOREVER
from ..transport import ChannelKind
from .books import Queue
from .bus import BusTransaction
from .client import Client
from .rows import Whole

_ALL = 2**62


def maintain(bus: BusTransaction) -> None:
    """Trim, expire and clean up one bus, in use or not."""
    books, options = bus.books, bus.refresh_options()
    gone = _ago(bus.now, options.backlog_ttl)
    for instance_id in [i for i, life in books.lives.items() if life.until <= gone]:
        # Nobody was there to declare it dead.
        bus.end(instance_id, died=True)
    _recount(bus)
    worked = books.worked()
    for queue in [*books.queues.values()]:
        if queue.owner and queue.key not in worked and queue.seen <= gone:
            work = queue.kind is ChannelKind.WORK
            bus.drop(queue, "group removed" if work else "instance forgotten")
    idle = not books.lives and books.used <= _ago(bus.now, options.stream_ttl)
    forgotten = not books.lives and books.used <= gone
    for log in [queue for queue in books.queues.values() if not queue.owner]:
        _trim(bus, log, worked, idle=idle)
        if forgotten:
            _forget(bus, log)
        elif idle:
            _close(bus, log)
    _trim_letters(bus)


def maintain_unused(client: Client) -> None:
    """Clean up the buses of the store that nobody uses, if it is time."""
    with client.transaction("", write=False) as bus:
        names = bus.buses(bus.now)
    for name in names:
        with client.transaction(name, write=True) as bus:
            maintain(bus)


def _recount(bus: BusTransaction) -> None:
    """Notice what somebody has deleted behind our backs."""
    counts = bus.counts()
    for queue in bus.books.queues.values():
        gone = queue.backlog - counts.get(queue.key, 0)
        if gone > 0 and queue.kind is ChannelKind.BROADCAST:
            _lost(bus, queue, gone)
        elif gone > 0 and queue.owner:
            bus.count("lost: work deleted", gone)
        bus.left(queue, gone)


def _lost(bus: BusTransaction, queue: Queue, n: int) -> None:
    """Tell an instance how many broadcasts are gone that it has not settled."""
    # What is trimmed while a fixed id is away is no loss of its next life.
    if (life := bus.books.lives.get(queue.owner)) is not None:
        life.lost += n
        bus.count("lost: broadcasts trimmed", n)


def _trim(bus: BusTransaction, log: Queue, worked: set[str], *, idle: bool) -> None:
    """Remove what everyone concerned has handled; of broadcasts, what somebody is too late for."""
    options = bus.books.options
    readers = bus.books.readers(log.kind, log.name)
    keepers, trimmed = readers, [log]
    broadcasts = log.kind is ChannelKind.BROADCAST
    if broadcasts:
        for queue in readers:
            _cut(bus, queue)
        # Who is away keeps nothing from being trimmed, and finds what is left.
        keepers = [queue for queue in readers if queue.key in worked]
        trimmed += [queue for queue in readers if queue.key not in worked]
    elif not readers:
        return
    names = [queue.key for queue in keepers]
    keep = 0 if idle else options.max_message_count
    before_ms = math.ceil((bus.now - (0 if idle else options.message_retention)) * 1000)
    for queue in trimmed:
        name = queue.key
        n = bus.trim(name, names, in_order=broadcasts, keep=keep, before_ms=before_ms)
        bus.left(queue, n)


def _cut(bus: BusTransaction, queue: Queue) -> None:
    """Let an instance that is too far behind in the broadcasts lose the oldest."""
    most = bus.books.options.max_backlog
    if queue.backlog <= most:
        return
    _lost(bus, queue, bus.left(queue, bus.cut(queue.key, most)))


def _close(bus: BusTransaction, log: Queue) -> None:
    """Of a bus that is not used, forget a stream without messages, with its groups."""
    readers = bus.books.readers(log.kind, log.name)
    away = log.kind is ChannelKind.BROADCAST and readers
    if not away and not any(queue.backlog for queue in (log, *readers)):
        for queue in (log, *readers):
            del bus.books.queues[queue.key]


def _forget(bus: BusTransaction, log: Queue) -> None:
    """Of a bus that nobody has used for too long, forget what waits for a first group."""
    n = bus.delete(Whole(log.key))
    del bus.books.queues[log.key]
    bus.count("lost: unused for backlog_ttl", n if log.kind is ChannelKind.WORK else 0)


def _trim_letters(bus: BusTransaction) -> None:
    books, options = bus.books, bus.books.options
    before_ms = math.ceil((bus.now - options.dead_letter_retention) * 1000)
    bus.trim_letters(keep=_ALL, before_ms=before_ms)
    surplus = bus.trim_letters(keep=options.max_dead_letters, before_ms=0)
    bus.count("lost: dead letters beyond max_dead_letters", surplus)
    books.dead_letters = bus.letters().count or 0


def _ago(now: float, ttl: float) -> float:
    return -math.inf if ttl == FOREVER else now - ttl
