"""Rates from counters that grow, and start again after a loss or a restart."""

from typing import Final

SHORTEST: Final = 0.05
"""Seconds: over less than that a rate is noise."""


class Rate:
    """Counts per second between two moments at which one counter was read. Never negative.

    A counter that an instance tells with its heartbeats was read at the heartbeat, not at the look:
    taken for the look's, its rate would jump between zero and double.
    """

    __slots__ = ("_at", "_last", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        """None before the second one, and where the counter was unknown or has started again."""
        self._last: int | None = None
        self._at = 0.0

    def see(self, counter: int | None, now: float) -> float | None:
        """The counter stood so at `now`, in seconds. What comes too soon after the last one changes
        nothing; what it counted goes into the next. After a step back only the next one tells."""
        last, passed = self._last, now - self._at
        if counter is None or last is None or counter < last:
            self.value = None
        elif 0 <= passed < SHORTEST:
            return self.value
        elif passed > 0:
            self.value = (counter - last) / passed
        self._last, self._at = counter, now
        return self.value

    def nothing_new(self, now: float) -> None:
        """As `see` with the same counter, where the rate was 0 already."""
        self._at = now
