"""What came of late: gains of counters, and messages that were tried again and again."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..snapshots import BusSnapshot, JournalEntry
from .journal import figure, since
from .thresholds import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Gained:
    """By how much counters have grown within a window that ends now."""

    causes: Mapping[str, int]
    """Those that grew."""
    since_ms: int | None
    """When the oldest part of it came; None when nothing did."""

    @property
    def count(self) -> int:
        return sum(self.causes.values())


class Gain:
    """Watches counters that grow. The journal tells what was before the first look."""

    def __init__(self, window: float, kind: str) -> None:
        """`window` in seconds; `kind` is that of the journal's entries."""
        self._window_ms = round(window * 1000)
        self._kind = kind
        self._gained: deque[tuple[int, str, int]] = deque()
        self._last: Mapping[str, int] | None = None

    def see(
        self, counters: Mapping[str, int], at_ms: int, journal: Sequence[JournalEntry]
    ) -> Gained:
        """The counters stand so at `at_ms`."""
        if self._last is None:
            for entry in since(journal, at_ms - self._window_ms):
                if entry.kind == self._kind:
                    cause = entry.details.get("cause", "")
                    self._gained.appendleft((entry.at_ms, cause, figure(entry, "count", 1)))
        elif counters != self._last:
            for cause, count in counters.items():
                # One that is smaller than before has started again.
                if (more := count - self._last.get(cause, 0)) > 0:
                    self._gained.append((at_ms, cause, more))
        self._last = counters
        # From both sides: what a clock that was set back has dated ahead would stay for ever.
        while self._gained and self._gained[0][0] <= at_ms - self._window_ms:
            self._gained.popleft()
        while self._gained and self._gained[-1][0] > at_ms + self._window_ms:
            self._gained.pop()
        causes: dict[str, int] = {}
        for _, cause, more in self._gained:
            causes[cause] = causes.get(cause, 0) + more
        return Gained(causes=causes, since_ms=self._gained[0][0] if self._gained else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The message of one channel that was started most often of late."""

    starts: int
    at_ms: int
    by: str
    """The incarnation that tried it last."""


class Attempts:
    """Messages that were started often, as the journal tells."""

    def __init__(self, window: float, starts: int) -> None:
        self._window_ms = round(window * 1000)
        self._starts = starts
        self._tried: dict[tuple[str, str], Tried] = {}

    def see(self, entries: Iterable[JournalEntry], at_ms: int) -> Mapping[tuple[str, str], Tried]:
        """By channel, as the journal names it, and, where that is empty (an inbox), by incarnation.
        `entries`: what the journal has gained."""
        oldest = at_ms - self._window_ms
        for entry in entries:
            if entry.kind not in ("retry", "takeover") or entry.at_ms <= oldest:
                continue
            starts = figure(entry, "starts", 0)
            if starts >= self._starts:
                self._note(entry, starts)
        for key, tried in list(self._tried.items()):
            if not oldest < tried.at_ms <= at_ms + self._window_ms:
                del self._tried[key]
        return self._tried

    def _note(self, entry: JournalEntry, starts: int) -> None:
        channel, by = entry.details.get("channel", ""), entry.details.get("by", "")
        key = (channel, "" if channel else by)
        known = self._tried.get(key)
        most = starts if known is None else max(starts, known.starts)
        self._tried[key] = Tried(starts=most, at_ms=entry.at_ms, by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """What came within the windows that the thresholds set."""

    dead_letters: Gained
    lost: Gained
    tried: Mapping[tuple[str, str], Tried]
    """As Attempts gives them."""


class Windows:
    """From look to look: all that is judged over a window."""

    def __init__(self, limits: Thresholds) -> None:
        self._died = Gain(limits.dead_letter_window, "dead letter")
        self._kept = Gain(limits.dead_letter_window, "")
        self._lost = Gain(limits.lost_window, "loss")
        self._attempts = Attempts(limits.poison_window, limits.poison_starts)
        self._window_ms = round(limits.dead_letter_window * 1000)

    def see(self, snapshot: BusSnapshot, entries: Sequence[JournalEntry]) -> Lately:
        """`entries`: what the journal has gained."""
        lost = {
            name.removeprefix("lost: "): count
            for name, count in snapshot.totals.items()
            if name.startswith("lost: ")
        }
        return Lately(
            dead_letters=self._dead_letters(snapshot),
            lost=self._lost.see(lost, snapshot.at_ms, snapshot.journal),
            tried=self._attempts.see(entries, snapshot.at_ms),
        )

    def _dead_letters(self, snapshot: BusSnapshot) -> Gained:
        """By the total, or, where a store keeps none, by how many are kept; before the first look
        by the journal, or at least by the newest."""
        letters, at_ms = snapshot.dead_letters, snapshot.at_ms
        died = self._died.see({"": snapshot.totals.get("dead letters", 0)}, at_ms, snapshot.journal)
        kept = self._kept.see({"": letters.count or 0}, at_ms, ())
        gained = max(died, kept, key=lambda each: each.count)
        newest = letters.newest_ms
        if not gained.count and newest is not None and at_ms - newest < self._window_ms:
            return Gained(causes={"": 1}, since_ms=newest)
        return gained
