"""Where the data is: one store for each name in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from ..clock import Clock, SystemClock
from ..errors import InvalidOptionError, TransportUnavailableError
from .bus import StoredBus
from .retention import sweep


class MemoryStore:
    """Buses by name, behind one lock.

    It is not bound to an event loop: loops in several threads may use it at the same time. The
    lock is held for moments only, never over an await.
    """

    _named: ClassVar[dict[str, "MemoryStore"]] = {}
    _naming: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, clock: Clock | None = None, name: str = "") -> None:
        self.name = name
        self.clock: Clock = SystemClock() if clock is None else clock
        self.made_at = self.clock.monotonic()
        self._buses: dict[str, StoredBus] = {}
        self._lock = threading.Lock()
        self._unavailable = False

    @classmethod
    def named(cls, name: str, clock: Clock | None = None) -> "MemoryStore":
        """The process's store of this name, made at the first call.

        Raises InvalidOptionError when it runs on another clock than `clock`.
        """
        with cls._naming:
            store = cls._named.get(name)
            if store is None:
                store = cls._named[name] = cls(clock, name)
        if clock is not None and clock is not store.clock:
            raise InvalidOptionError(
                f"clock={clock!r}: the memory store {name!r} runs on another clock already; "
                "use another name"
            )
        return store

    @classmethod
    def forget(cls, name: str) -> None:
        """Test hook: the next use of this name makes a fresh store. Buses that are open keep
        the old one."""
        with cls._naming:
            cls._named.pop(name, None)

    @classmethod
    def forget_all(cls) -> None:
        """Test hook: `forget` every name."""
        with cls._naming:
            cls._named.clear()

    @property
    def unavailable(self) -> bool:
        """Test hook: while True every call, a waiting fetch too, raises
        TransportUnavailableError and changes nothing."""
        return self._unavailable

    @unavailable.setter
    def unavailable(self, value: bool) -> None:
        with self._lock:
            self._unavailable = value
            self._ring_all()

    def flush(self) -> None:
        """Test hook: lose all data at once, so that every session is fenced."""
        with self._lock:
            buses = tuple(self._buses.values())
            self._buses.clear()
            for bus in buses:
                bus.ring()

    @contextmanager
    def step(self) -> Iterator[float]:
        """Hold the lock for one atomic step; gives the time on the store's clock.

        Raises TransportUnavailableError while the store is `unavailable`.
        """
        with self._lock:
            if self._unavailable:
                raise TransportUnavailableError("the memory store was made unavailable")
            yield self.clock.monotonic()

    def bus(self, name: str) -> StoredBus:
        """The bus of this name, made when there is none. Call it in a `step`."""
        bus = self._buses.get(name)
        if bus is None:
            bus = self._buses[name] = StoredBus(self.clock)
        return bus

    def find(self, name: str) -> StoredBus | None:
        """The bus of this name, if there is one. Call it in a `step`."""
        return self._buses.get(name)

    def names(self) -> list[str]:
        """Of all buses. Call it in a `step`."""
        return list(self._buses)

    @property
    def size(self) -> int:
        """Bytes of the data of all buses. Ask in a `step`."""
        return sum(bus.size for bus in self._buses.values())

    def sweep(self, now: float) -> None:
        """Let go of what nobody uses any more, in all buses. Call it in a `step`."""
        for name, bus in tuple(self._buses.items()):
            if sweep(bus, now):
                del self._buses[name]

    def _ring_all(self) -> None:
        for bus in self._buses.values():
            bus.ring()
