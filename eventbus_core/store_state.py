"""Whether the store can be reached: logged once per change, with the delay to the next try."""

import logging
import random
from collections.abc import Callable

from .clock import Clock

log = logging.getLogger("eventbus_core")

FIRST_DELAY = 0.05
MAX_DELAY = 1.0
_FORGET_SECONDS = 30.0
"""A kind of call that failed and is not tried any more says nothing after this."""


class StoreState:
    """Shared by the loops of one bus. It is down while any kind of call fails, so that one kind
    that works does not hide, and log anew each time, another one that does not."""

    def __init__(self, clock: Clock, changed: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._failures: dict[str, tuple[int, float]] = {}
        """Kind of call -> failures in a row, and when it failed last."""
        self.error: str | None = None
        """Why the store cannot be reached; None while it can."""
        self.since = clock.time()
        """Unix time of the last change."""

    def failed(self, call: str, exc: BaseException) -> float:
        """Note that a kind of call failed; return the seconds to wait before the next try:
        jittered, growing from 50 ms to at most 1 s."""
        if self.error is None:
            self.error = str(exc) or type(exc).__name__
            self.since = self._clock.time()
            log.warning("the store cannot be reached, trying again for ever: %s", self.error)
            self._changed("store lost", self.error)
        failures = self._failures.get(call, (0, 0.0))[0] + 1
        self._failures[call] = failures, self._clock.monotonic()
        delay: float = min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10))
        return delay * random.uniform(0.5, 1.0)

    def worked(self, call: str) -> None:
        """Note that the store has answered this kind of call."""
        if self.error is None:
            return
        self._failures.pop(call, None)
        now = self._clock.monotonic()
        for other, (_, failed_at) in tuple(self._failures.items()):
            if now - failed_at > _FORGET_SECONDS:
                del self._failures[other]
        if not self._failures:
            now = self._clock.time()
            log.info("the store can be reached again after %.1f s", now - self.since)
            self._changed("store back", f"after {now - self.since:.1f} s")
            self.error = None
            self.since = now
