"""Whether the store can be reached: logged once per change, with the delay to the next try."""

import logging
import random
from collections.abc import Callable

from .clock import Clock

log = logging.getLogger("eventbus_core")

FIRST_DELAY = 0.05
MAX_DELAY = 1.0


class StoreState:
    """Shared by all loops of one bus."""

    def __init__(self, clock: Clock, changed: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._failures = 0
        self._next_growth = 0.0
        self.error: str | None = None
        """Why the store cannot be reached; None while it can."""
        self.since = clock.time()
        """Unix time of the last change."""

    def failed(self, exc: BaseException) -> float:
        """Note a failure; return the seconds to wait before the next try: jittered, growing
        from 50 ms to at most 1 s."""
        now = self._clock.monotonic()
        if self.error is None:
            self.error = str(exc) or type(exc).__name__
            self.since = self._clock.time()
            log.warning("the store cannot be reached, trying again for ever: %s", self.error)
            self._changed("store lost", self.error)
        # Several loops fail at once: together they are one step of growth.
        if now >= self._next_growth:
            self._failures = min(self._failures + 1, 10)
            self._next_growth = now + self._delay() / 2
        return self._delay() * random.uniform(0.5, 1.0)

    def worked(self) -> None:
        """Note that the store has answered."""
        if self.error is not None:
            now = self._clock.time()
            log.info("the store can be reached again after %.1f s", now - self.since)
            self._changed("store back", f"after {now - self.since:.1f} s")
            self.error = None
            self.since = now
        self._failures = 0
        self._next_growth = 0.0

    def _delay(self) -> float:
        return min(MAX_DELAY, FIRST_DELAY * 2.0 ** max(0, self._failures - 1))
