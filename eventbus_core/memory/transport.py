"""The transport: the way from one bus in this process to a store."""

from typing import Final

from ..capabilities import Capabilities
from ..transport import Holder, Member
from . import lives
from .answered import Answered
from .broadcasts import Reader
from .bus import StoredBus
from .session import MemorySession
from .store import MemoryStore

CAPABILITIES: Final = Capabilities(failover=True, redrive=True, monitoring=True, actions=True)


class MemoryTransport:
    """One bus of one store. Everything else happens in `MemorySession`."""

    capabilities = CAPABILITIES

    def __init__(self, store: MemoryStore, bus: str) -> None:
        self.store = store
        self.clock = store.clock
        self._bus = bus
        self._answered = Answered()
        self._last: tuple[StoredBus, Reader | None] | None = None

    async def connect(self) -> None:
        """Succeeds unless a test made the store unavailable."""
        with self.store.step():
            return

    async def join(self, member: Member, replace: Holder | None = None) -> MemorySession | Holder:
        """See `Transport.join`."""
        with self.store.step() as now:
            self.store.sweep(now)
            bus = self.store.bus(self._bus)
            resume = None
            if self._last is not None and self._last[0] is bus:
                resume = self._last[1]
            entered = lives.enter(bus, member, replace, resume, now)
            bus.ring()  # what a replaced incarnation held is free now
            if isinstance(entered, Holder):
                return entered
            self._last = (bus, entered.reader)
            return MemorySession(self.store, self._bus, bus, entered, self._answered)

    async def close(self) -> None:
        """There is nothing to free."""
