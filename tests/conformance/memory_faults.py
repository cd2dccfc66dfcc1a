"""What can be done to a memory store from outside."""

import math
import time

from eventbus_core.clock import SystemClock
from eventbus_core.conformance import FaultDriver
from eventbus_core.memory.bus import StoredBus
from eventbus_core.memory.queue import Queue
from eventbus_core.memory.store import MemoryStore


class JumpingClock(SystemClock):
    """The clock of the machine, and what it has jumped."""

    def __init__(self) -> None:
        self.jumped = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.jumped

    def time(self) -> float:
        return time.time() + self.jumped


class MemoryFaults(FaultDriver):
    """Faults of the store of one name, which it makes, with a clock that can jump."""

    def __init__(self, name: str) -> None:
        self._clock = JumpingClock()
        MemoryStore.forget(name)
        self._store = MemoryStore.named(name, self._clock)

    async def cut(self) -> None:
        self._store.unavailable = True

    async def mend(self) -> None:
        self._store.unavailable = False

    async def flush(self) -> None:
        self._store.flush()

    async def trim(self, bus: str) -> None:
        with self._store.step():
            stored = self._store.bus(bus)
            _trim_broadcasts(stored)
            for inbox in stored.inboxes.values():
                stored.accounts.lost("mail deleted", _trim(inbox))
            for stream in stored.streams.values():
                for group in stream.groups.values():
                    stored.accounts.lost("work deleted", _trim(group))
                stream.trim(older_than=math.inf, most=0)

    async def skew_clock(self, seconds: float) -> None:
        self._clock.jumped += seconds


def _trim_broadcasts(stored: StoredBus) -> None:
    stored.log.clear()
    lost = max((reader.lose_before(stored.log.oldest) for reader in stored.readers()), default=0)
    stored.accounts.lost("broadcasts trimmed", lost)


def _trim(queue: Queue) -> int:
    """Delete what nobody has in hand; return how many there were."""
    seen = [item.entry for item in queue._items.values() if item.hold is None]
    gone = [*seen, *queue._fresh]
    queue._fresh.clear()
    queue._returned.clear()
    queue._delayed.clear()
    for entry in gone:
        queue.finished(entry)
    return len(gone)
