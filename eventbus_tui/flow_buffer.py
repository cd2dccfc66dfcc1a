"""The newest rows of the flow: bounded, without doubles, filtered. Pure."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from eventbus_core.monitoring import BusView, JournalEntry, SampledMessage

from .filtering import Filter, parse
from .flow_rows import (
    Audience,
    FlowRow,
    MessageKey,
    MessageRow,
    journal_row,
    message_row,
    row_text,
    row_values,
)

KEPT: Final = 20_000
"""Rows."""
_AT_ONCE: Final = 2_000
"""Rows that a filter looks at before others have their turn."""
_REMEMBERED: Final = 20_000
"""Messages by which doubles are found out."""
_FIRST_ENTRIES: Final = 100
"""Of the journal when the flow begins."""
_LATE_MESSAGE: Final = 2_000
_LATE_ENTRY: Final = 60_000
"""Milliseconds that a row may be older than the newest one and still go before it. Beyond them the
store's clock was put back, and it is new all the same."""


def place(row: FlowRow) -> tuple[int, int]:
    """What rows are sorted by. It never changes, so it finds a row again among others."""
    return row.order, row.number


class FlowBuffer:
    """Rows by the time they were stored, at most `kept`; the oldest go first."""

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self.audience = Audience()
        """Who gets what, as of the newest look."""
        self.filter = parse("")
        self.fallen = 0
        """Rows that were dropped because there were too many."""
        self._rows: list[FlowRow] = []
        self._shown = self._rows
        self._unfiltered = 0
        """So many of the oldest rows have not been looked at by the filter yet."""
        self._numbers = 0
        self._known: set[MessageKey] = set()
        self._order: deque[MessageKey] = deque()
        self._last_entry: JournalEntry | None = None
        self._begun = False

    @property
    def shown(self) -> Sequence[FlowRow]:
        """The rows that the filter leaves, oldest first."""
        return self._shown

    @property
    def newest_ms(self) -> int:
        """When the newest row was stored; 0 without one."""
        return self._rows[-1].order if self._rows else 0

    def __len__(self) -> int:
        return len(self._rows)

    def index_of(self, where: tuple[int, int]) -> int:
        """Where the row of that `place` is among those shown, or would be."""
        return bisect_left(self._shown, where, key=place)

    def take(self, messages: Iterable[SampledMessage]) -> list[MessageRow]:
        """Add a sample, oldest first; returns those that were not there yet."""
        found: list[MessageRow] = []
        for message in messages:
            key = message.kind, message.stream, message.position
            if key in self._known:
                continue
            self._remember(key)
            self._numbers += 1
            order = self._order_of(message.stored_ms, _LATE_MESSAGE)
            found.append(message_row(message, order, self._numbers))
            self._add(found[-1])
        self._trim()
        return found

    def look(self, view: BusView) -> bool:
        """A look at the bus: whom messages go to, and what the journal has that is new. Returns
        whether rows that are there look different now."""
        audience = Audience(view)
        changed = audience != self.audience
        self.audience = audience
        for entry in self._new_entries(view.snapshot.journal):
            self._numbers += 1
            order = self._order_of(entry.at_ms, _LATE_ENTRY) if self._begun else entry.at_ms
            self._add(journal_row(entry, order, self._numbers, audience.names))
        self._begun = True
        self._trim()
        return changed

    def filter_by(self, filter: Filter) -> bool:
        """Show only what it matches; of many rows the newest ones first. Returns whether some are
        left for `filter_more`."""
        self.filter = filter
        if filter.empty:
            self._shown, self._unfiltered = self._rows, 0
            return False
        self._shown, self._unfiltered = [], len(self._rows)
        return self.filter_more()

    def filter_more(self, count: int = _AT_ONCE) -> bool:
        """Go on with older rows; returns whether there are still others."""
        start = max(0, self._unfiltered - count)
        found = [row for row in self._rows[start : self._unfiltered] if self._matches(row)]
        self._shown[:0] = found
        self._unfiltered = start
        return start > 0

    def clear(self) -> None:
        """Forget the rows: another bus is looked at."""
        self._rows = []
        self._known.clear()
        self._order.clear()
        self._last_entry = None
        self._begun = False
        self.fallen = 0
        self.filter_by(self.filter)

    def _order_of(self, stored_ms: int, late: int) -> int:
        newest = self.newest_ms
        return stored_ms if stored_ms >= newest - late else newest

    def _matches(self, row: FlowRow) -> bool:
        return self.filter.matches(row_text(row, self.audience), row_values(row, self.audience))

    def _remember(self, key: MessageKey) -> None:
        self._known.add(key)
        self._order.append(key)
        if len(self._order) > _REMEMBERED:
            self._known.discard(self._order.popleft())

    def _add(self, row: FlowRow) -> None:
        index = _insert(self._rows, row)
        if index < self._unfiltered:
            self._unfiltered += 1
        elif self._shown is not self._rows and self._matches(row):
            _insert(self._shown, row)

    def _trim(self) -> None:
        surplus = len(self._rows) - self.kept
        if surplus <= 0:
            return
        self.fallen += surplus
        del self._rows[:surplus]
        self._unfiltered = max(0, self._unfiltered - surplus)
        if self._shown is not self._rows:
            oldest = place(self._rows[0])
            del self._shown[: bisect_left(self._shown, oldest, key=place)]

    def _new_entries(self, journal: Sequence[JournalEntry]) -> Sequence[JournalEntry]:
        last, self._last_entry = self._last_entry, journal[-1] if journal else self._last_entry
        if not self._begun:
            return journal[-_FIRST_ENTRIES:]
        if last is None:
            return journal
        for index in range(len(journal) - 1, -1, -1):
            if journal[index] is last or journal[index] == last:
                return journal[index + 1 :]
            if journal[index].at_ms < last.at_ms:
                return journal[index + 1 :]
        return journal


def _insert(rows: list[FlowRow], row: FlowRow) -> int:
    """Put it into its place; returns the index."""
    if not rows or place(rows[-1]) < place(row):
        rows.append(row)
        return len(rows) - 1
    index = bisect_left(rows, place(row), key=place)
    rows.insert(index, row)
    return index
