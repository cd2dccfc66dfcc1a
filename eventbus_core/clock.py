"""Time, injected: nothing in the core reads a clock or sleeps except through a `Clock`."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where a bus takes its time from. A transport carries one (`Transport.clock`)."""

    def monotonic(self) -> float:
        """Seconds that only grow, from an arbitrary start."""
        ...

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        ...


class SystemClock:
    """The clock of the machine."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def wait_event(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event` for at most `seconds` of `clock`; return whether it was set."""
    if event.is_set():
        return True
    if seconds <= 0:
        await asyncio.sleep(0)
        return event.is_set()
    waiter = asyncio.ensure_future(event.wait())
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((waiter, timer), return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        for task in (waiter, timer):
            task.cancel()
        await asyncio.gather(waiter, timer, return_exceptions=True)
