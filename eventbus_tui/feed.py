"""`Feed`: looks at one bus again and again, and tells what it sees. No screen, no threads."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

from eventbus_core.monitoring import BusView, Monitor, Thresholds, Watch

from .look import choose, look
from .redact import describe
from .update import Link, Update

FIRST_RETRY: Final = 0.3
LONGEST_RETRY: Final = 10.0
BUSES_EVERY: Final = 5.0
"""Seconds between looks at the list of buses: it changes seldom."""
REST: Final = 3.0
"""A look that took long is followed by a rest of so many times its length: a store that is slow
is not asked all the time."""


def retry_delay(attempts: int, chance: float) -> float:
    """Seconds to wait after so many failed looks in a row; `chance`, from 0 to 1, spreads monitors
    that lost the same store."""
    growing = FIRST_RETRY * 2.0 ** min(attempts - 1, 10)
    return min(LONGEST_RETRY, growing * (0.75 + chance / 2))


class Feed:
    """Looks at one bus of a monitor and publishes an `Update` after each look.

    One look at a time; the wait for the next one starts when the look has ended. A look that fails
    keeps the last view and is tried again, later and later; nothing that a look raises ends it.
    `publish` is called on the loop that `run` runs on, and must not raise.
    """

    def __init__(
        self,
        monitor: Monitor,
        *,
        bus: str | None,
        interval: float,
        thresholds: Thresholds,
        publish: Callable[[Update], None],
    ) -> None:
        """`bus`: None to choose one. `interval`: seconds between looks."""
        self._monitor = monitor
        self._thresholds = thresholds
        self._publish = publish
        self._interval = interval
        self._bus = bus or ""
        self._buses: tuple[str, ...] = ()
        self._listed_at: float | None = None
        self._watch = Watch(thresholds)
        self._view: BusView | None = None
        self._link = Link(state="connecting")
        self._sequence = 0
        self._again = asyncio.Event()

    @property
    def interval(self) -> float:
        """Seconds between looks. Setting it takes effect at once."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = seconds
        self._tell()
        if self._link.state != "lost":
            self._again.set()

    def poll_now(self) -> None:
        """Look again at once, also when the next try was to be later."""
        self._again.set()

    def choose_bus(self, name: str) -> None:
        """Show another bus from now on. What was known of the old one is forgotten."""
        if name == self._bus:
            return
        self._bus = name
        self._watch = Watch(self._thresholds)
        self._view = None
        self._tell()
        self._again.set()

    async def run(self) -> None:
        """Look for ever; cancel it to end it."""
        self._tell()
        while True:
            self._again.clear()  # what is asked for while a look runs needs another one
            delay = await self._look()
            try:
                async with asyncio.timeout(delay):
                    await self._again.wait()
            except TimeoutError:
                continue

    async def _look(self) -> float | None:
        """One look; returns how long to rest after it, None for until somebody asks."""
        started = time.monotonic()
        try:
            await self._see(started)
        except asyncio.CancelledError as exc:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            delay = self._lost(exc)  # it was not us who was cancelled
        except Exception as exc:  # whatever it is: the screen must stay and say it
            delay = self._lost(exc)
        else:
            ended = time.monotonic()
            over = self._monitor.ended
            self._link = Link(state="ended" if over else "live", seen_at=ended)
            self._tell()
            return None if over else max(self._interval, REST * (ended - started))
        self._tell()
        return delay

    async def _see(self, started: float) -> None:
        listed_at = self._listed_at
        if not self._bus or listed_at is None or started - listed_at >= BUSES_EVERY:
            self._buses = await self._monitor.buses()
            self._listed_at = started
            # Once chosen it stays, also when others come.
            self._bus = self._bus or choose(self._buses)
        bus, watch = self._bus, self._watch
        if not bus:
            return
        view = await look(self._monitor, watch, bus, interval=self._interval)
        if watch is not self._watch:
            return  # another bus was chosen meanwhile
        self._view = view
        self._sequence += 1

    def _lost(self, error: BaseException) -> float | None:
        seen_at = self._link.seen_at
        if self._monitor.ended:  # as a recording that is damaged from here on
            self._link = Link(state="ended", error=describe(error), seen_at=seen_at)
            return None
        attempts = self._link.attempts + 1
        delay = retry_delay(attempts, random.random())
        self._link = Link(
            state="lost",
            error=describe(error),
            attempts=attempts,
            retry_at=time.monotonic() + delay,
            seen_at=seen_at,
        )
        return delay

    def _tell(self) -> None:
        self._publish(
            Update(
                view=self._view,
                link=self._link,
                bus=self._bus,
                buses=self._buses,
                interval=self._interval,
                sequence=self._sequence,
            )
        )
