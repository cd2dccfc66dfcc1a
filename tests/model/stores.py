"""The stores that the model is compared with."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol
from uuid import uuid4

from eventbus_core.memory import MemoryStore
from eventbus_core.memory.transport import MemoryTransport
from eventbus_core.options import SharedOptions
from eventbus_core.plugins import open_transport
from eventbus_core.testing import ManualClock
from eventbus_core.transport import Transport

SMALL: Final = SharedOptions(message_retention=3600.0, max_message_count=2, max_backlog=4)
"""Small enough for a short run to reach every limit but that of age."""


Wrapped = Callable[[Transport, str], Transport]
"""Puts something around a transport of a bus."""


def _bare(transport: Transport, bus: str) -> Transport:
    return transport


def _bus() -> str:
    """A name that no other run has."""
    return f"model-{uuid4().hex[:12]}"


class Store(Protocol):
    """One bus on one store, and what is known of it beside the boundary's rules."""

    takes_at_once: bool
    """A fetch gives all that there is room for. Else the store may read ahead."""
    trims_at_once: bool
    """Maintenance trims when it is told to. Else it may leave that to a later call."""
    redriven_first: bool
    """A dead letter that is given back goes before what was never handed out."""
    exact_time: bool
    """The clock stands still unless `pass_time` moves it."""
    options: SharedOptions
    lease: float
    delays: Sequence[float]
    """For messages that are set aside; the first is 0."""

    def transport(self) -> Transport:
        """Another process's place, not connected yet."""
        ...

    def now(self) -> float:
        """The store's time, as far as it is known here."""
        ...

    async def pass_time(self, seconds: float) -> None:
        """Where `exact_time`: move the clock."""
        ...

    async def reach(self, moment: float) -> None:
        """Return once the store's time is beyond `moment`."""
        ...


class OnMemory:
    """A memory store of its own, on a clock moved by hand."""

    takes_at_once = True
    trims_at_once = True
    redriven_first = True
    exact_time = True
    lease = 10.0
    delays: Sequence[float] = (0.0, 2.0, 7.0)
    options = SharedOptions(message_retention=20.0, max_message_count=2, max_backlog=4)

    def __init__(self, wrapped: Wrapped = _bare) -> None:
        self._clock = ManualClock()
        self._store = MemoryStore(self._clock)
        self._wrapped = wrapped
        self._bus = _bus()

    def transport(self) -> Transport:
        return self._wrapped(MemoryTransport(self._store, self._bus), self._bus)

    def now(self) -> float:
        return self._clock.monotonic()

    async def pass_time(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def reach(self, moment: float) -> None:
        if moment > self.now():
            await self._clock.advance(moment - self.now())


class OnUrl:
    """A bus of its own on a store that runs by the machine's clock."""

    exact_time = False
    trims_at_once = False
    lease = 0.03
    delays: Sequence[float] = (0.0, 0.01, 0.03)
    options = SMALL

    def __init__(
        self, url: str, *, takes_at_once: bool, redriven_first: bool, wrapped: Wrapped = _bare
    ) -> None:
        self.takes_at_once = takes_at_once
        self.redriven_first = redriven_first
        self._url = url
        self._wrapped = wrapped
        self._bus = _bus()

    def transport(self) -> Transport:
        return self._wrapped(open_transport(self._url, bus=self._bus, io_timeout=5.0), self._bus)

    def now(self) -> float:
        return time.monotonic()

    async def pass_time(self, seconds: float) -> None:
        """Time passes by itself."""

    async def reach(self, moment: float) -> None:
        while self.now() <= moment:
            await asyncio.sleep(0.002)
