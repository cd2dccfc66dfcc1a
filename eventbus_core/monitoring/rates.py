"""Rates from counters that grow, and start again after a loss or a restart."""

from typing import Final

SHORTEST: Final = 0.05
"""Seconds: over less than that a rate is noise."""


class Rate:
    """Counts per second between two looks at one counter. Never negative."""

    __slots__ = ("_at", "_last", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        """None before the second look, and where the counter was unknown or has started again."""
        self._last: int | None = None
        self._at = 0.0

    def see(self, counter: int | None, now: float) -> float | None:
        """The counter stands so at `now`, in seconds of a monotonic clock. A look that comes too
        soon after the last one changes nothing; what it counted goes into the next."""
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


class HeartbeatRate:
    """Counts per second between two heartbeats: what an instance tells changes only with these,
    and looks come between them."""

    __slots__ = ("_at_ms", "_last", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        self._last: int | None = None
        self._at_ms = 0

    def see(self, counter: int | None, renewed_ms: int) -> float | None:
        """The newest heartbeat was at `renewed_ms` and told `counter`."""
        last, passed = self._last, (renewed_ms - self._at_ms) / 1000
        if counter is None or last is None or counter < last:
            self.value = None
        elif 0 <= passed < SHORTEST:
            return self.value
        elif passed > 0:
            self.value = (counter - last) / passed
        self._last, self._at_ms = counter, renewed_ms
        return self.value
