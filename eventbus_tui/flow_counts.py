"""How much was stored and how much of it was shown. Pure."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from eventbus_core.monitoring import BusSnapshot, ChannelKind

_WINDOW: Final = 5.0
"""Seconds over which rates are taken."""
_MOST_STREAMS: Final = 10_000
_MOST_AHEAD: Final = 100_000


class FlowCounts:
    """Exact counts of what was stored since the first look, from the streams' own counters.

    A counter that went down was started again: then all that it shows was added since.
    """

    def __init__(self) -> None:
        self.stored = 0
        """Messages stored between the first and the newest look."""
        self.shown = 0
        """Of these, those that are or were rows."""
        self.since_ms: int | None = None
        """When the first look was, by the store's clock."""
        self.partly = False
        """Whether a stream did not tell its counter, so that more may have been stored."""
        self._newest: BusSnapshot | None = None
        self._added: dict[tuple[ChannelKind, str], int] = {}
        self._ahead: deque[int] = deque(maxlen=_MOST_AHEAD)
        """When the rows were stored that no look covers yet."""
        self._looks: deque[tuple[int, int]] = deque()
        self._samples: deque[tuple[float, int]] = deque()
        self._rows = 0

    def look(self, snapshot: BusSnapshot) -> None:
        """A look at the bus; the same one again changes nothing."""
        before, self._newest = self._newest, snapshot
        if snapshot is before:
            return
        added = self._count(snapshot, first=before is None)
        self._added.update(added)
        if len(self._added) > _MOST_STREAMS:
            self._added = added
        if self.since_ms is None:
            self.since_ms = snapshot.at_ms
        while self._ahead and self._ahead[0] <= snapshot.at_ms:
            self.shown += self._ahead.popleft() > self.since_ms
        if before is not None and snapshot.at_ms < before.at_ms:
            self._looks.clear()  # the store's clock was put back
        self._looks.append((snapshot.at_ms, self.stored))
        while len(self._looks) > 2 and snapshot.at_ms - self._looks[0][0] > _WINDOW * 1000:
            self._looks.popleft()

    def rows(self, stored_ms: Sequence[int], now: float) -> None:
        """One sample brought rows of these times, oldest first, at that monotonic time."""
        self._rows += len(stored_ms)
        self._samples.append((now, self._rows))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        if self._newest is None or self.since_ms is None:
            self._ahead.extend(stored_ms)
            return
        for each in stored_ms:
            if each > self._newest.at_ms:
                self._ahead.append(each)
            else:
                self.shown += each > self.since_ms

    @property
    def stored_rate(self) -> float | None:
        """Stored per second, lately; None until it is known."""
        if len(self._looks) < 2:
            return None
        (begun, before), (ended, after) = self._looks[0], self._looks[-1]
        return (after - before) * 1000 / max(1, ended - begun)

    @property
    def shown_rate(self) -> float | None:
        """Rows per second, lately; None until it is known."""
        if len(self._samples) < 2:
            return None
        (begun, before), (ended, after) = self._samples[0], self._samples[-1]
        return (after - before) / max(0.001, ended - begun)

    @property
    def left_out(self) -> int:
        """Messages stored between the first and the newest look that were never a row."""
        return max(0, self.stored - self.shown)

    def _count(self, snapshot: BusSnapshot, *, first: bool) -> dict[tuple[ChannelKind, str], int]:
        added: dict[tuple[ChannelKind, str], int] = {}
        for stream in snapshot.streams:
            if stream.added is None:
                self.partly = True
                continue
            place = stream.kind, stream.name
            added[place] = stream.added
            if not first:
                had = self._added.get(place, 0)
                self.stored += stream.added - had if stream.added >= had else stream.added
        return added
