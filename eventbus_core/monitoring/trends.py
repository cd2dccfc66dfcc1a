"""What several looks in a row show: whether a backlog grows, and when it will be gone."""

import math
from collections import deque
from typing import Final

HISTORY: Final = 60
"""Most values that a history keeps."""
LOOKS: Final = 10
SPAN: Final = 15.0
"""A trend is made of the newest looks: at most so many, and of so many seconds."""
KEEPS_UP: Final = 2.0
"""Seconds: a backlog that is settled in less than that is work in progress, not a queue."""
_ZERO: Final = (0.0,)


class Trend:
    """The slope of one figure over the newest looks."""

    __slots__ = ("_points", "_same", "growth")

    def __init__(self) -> None:
        self.growth: float | None = None
        """Per second; None before the second look and while the figure is unknown."""
        self._points: deque[tuple[float, int]] = deque(maxlen=LOOKS)
        self._same = 0

    def see(self, value: int | None, now: float) -> float | None:
        points = self._points
        if value is None or (points and now < points[-1][0]):
            points.clear()
        if value is None:
            self.growth = None
            return None
        if points and now == points[-1][0]:
            points.pop()
        self._same = self._same + 1 if points and points[-1][1] == value else 1
        points.append((now, value))
        # Two stay however old: looks may be further apart than the span.
        while len(points) > 2 and points[0][0] < now - SPAN:
            points.popleft()
        if len(points) < 2:
            self.growth = None
        elif self._same >= len(points):
            self.growth = 0.0
        else:
            self.growth = _slope(points)
        return self.growth

    def nothing_new(self, now: float) -> None:
        """There were looks up to `now` with the same value, and the growth was 0 all the time."""
        points = self._points
        if len(points) < 2 or now <= points[-1][0]:
            return
        # As if it had been looked at as often as before.
        first, (last, value) = points[0][0], points[-1]
        step = max(last - points[-2][0], (now - first) / 1000)
        filled = [(now - step * i, value) for i in range(LOOKS) if now - step * i >= first]
        points.clear()
        points.extend(reversed(filled))
        self._same = len(points)


def _slope(points: deque[tuple[float, int]]) -> float | None:
    """By least squares; None when all points are at one moment."""
    number = len(points)
    start = points[0][0]
    mean_time = sum(at - start for at, _ in points) / number
    mean_value = sum(value for _, value in points) / number
    spread = sum((at - start - mean_time) ** 2 for at, _ in points)
    if spread <= 0:
        return None
    shared = sum((at - start - mean_time) * (value - mean_value) for at, value in points)
    return shared / spread


def drain_seconds(
    backlog: int | None, growth: float | None, settle_rate: float | None
) -> float | None:
    """Until nothing is left: 0 with nothing to do, infinite when it never will be at this rate,
    None when that is not known. What is settled in a moment anyway counts as drained by then,
    although newer messages have taken its place."""
    if backlog == 0:
        return 0.0
    if backlog is None or growth is None:
        return None
    if settle_rate is not None and 0 < backlog <= settle_rate * KEEPS_UP:
        return backlog / settle_rate
    return backlog / -growth if growth < 0 else math.inf


class History:
    """The newest values, one for each look. While there were only zeros it shows a single one, so
    that what stands still stays the same object."""

    __slots__ = ("_zeros", "values")

    def __init__(self) -> None:
        self.values: tuple[float, ...] = ()
        self._zeros = 0

    @property
    def silent(self) -> bool:
        """Whether another zero changes nothing."""
        return self.values == _ZERO or self._zeros >= HISTORY

    def nothing_new(self, looks: int) -> None:
        """There were so many more looks, all with zero, while it was silent."""
        self._zeros = min(self._zeros + looks, HISTORY)

    def add(self, value: float | None) -> None:
        """None, which is not known, adds nothing."""
        if value is None:
            return
        before = self._zeros
        self._zeros = 0 if value else min(before + 1, HISTORY)
        if not value and (before >= HISTORY or self.values in ((), _ZERO)):
            self.values = self.values or _ZERO
            return
        if self.values == _ZERO:
            self.values = _ZERO * min(before, HISTORY - 1)
        self.values = (*self.values[1 - HISTORY :], value)
