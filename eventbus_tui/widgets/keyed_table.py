"""A table whose cursor stays on its row, and that paints only the lines that changed."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from ..table import Column, Row
from .table_lines import TableLines

HOLD_SECONDS: Final = 5.0
_HEADER: Final = 1


class KeyedTable(TableLines, can_focus=True, inherit_bindings=False):
    """Rows by key. `show` compares them with those that are there and paints the difference.

    The cursor stays on the key. After the reader has moved it the order is held for five seconds:
    new rows come last, those that are gone go. `Released` tells the end of that.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="table.open"),
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down"),
        Binding("home,g", "first", "First row", show=False, id="table.first"),
        Binding("end,G", "last", "Last row", show=False, id="table.last"),
    ]
    # Styles are inherited from the first base only, so those of a ScrollView stand here again.
    DEFAULT_CSS = """
    KeyedTable {
        width: 1fr; height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1;
    }
    """

    class Opened(Message):
        """The reader wants to see more of a row."""

        def __init__(self, table: "KeyedTable", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "KeyedTable":
            return self.table

    class CursorMoved(Message):
        """The cursor is on another row, moved by the reader or because its row is gone."""

        def __init__(self, table: "KeyedTable", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key
            """Empty when there is no row any more."""

        @property
        def control(self) -> "KeyedTable":
            return self.table

    class Released(Message):
        """The order is held no longer."""

        def __init__(self, table: "KeyedTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "KeyedTable":
            return self.table

    class HeadingPressed(Message):
        """The mouse pressed the heading of a column."""

        def __init__(self, table: "KeyedTable", column: int) -> None:
            super().__init__()
            self.table = table
            self.column = column

        @property
        def control(self) -> "KeyedTable":
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "",
        hold: bool = True,
        heading: bool = True,
        id: str | None = None,
        classes: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`empty` stands there when there is no row; `hold`: whether a moved cursor holds the
        order."""
        super().__init__(columns, id=id, classes=classes)
        self.empty = empty
        self.writes = 0
        """How many rows were painted anew, moved or taken away."""
        self.touched = False
        """Whether the reader has moved the cursor."""
        self._hold = hold
        self._top = _HEADER if heading else 0
        self._clock = clock
        self._held_until = 0.0
        self._hold_timer: Timer | None = None
        self._rows: tuple[Row, ...] = ()
        self._at: dict[str, int] = {}
        self._more = 0
        self._cursor_key: str | None = None

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor; None without a row."""
        return self._cursor_key

    @property
    def cursor_row(self) -> Row | None:
        index = self._index
        return None if index is None else self._rows[index]

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows in their order."""
        return self._rows

    @property
    def held(self) -> bool:
        """Whether the order is held."""
        return self._clock() < self._held_until

    def show(self, rows: Sequence[Row], *, more: int = 0) -> None:
        """Show these rows from now on, and that there are `more` that are not shown."""
        new = self._in_held_order(rows) if self.held else tuple(rows)
        old, before = self._rows, self._at
        if len(new) == len(old) and all(a.key == b.key for a, b in zip(new, old, strict=True)):
            self._rows = new
            changed = [i for i, row in enumerate(new) if row.cells != old[i].cells]
            self.writes += len(changed)
            for index in changed:
                self._refresh_row(index)
            if more != self._more:
                self._more = more
                self._resize()
                self._refresh_row(len(new))
            return
        self.writes += sum(
            1
            for index, row in enumerate(new)
            if before.get(row.key) != index or old[index].cells != row.cells
        ) + sum(1 for row in old[len(new) :])
        self._replace(new, more)

    def release(self) -> None:
        """Hold the order no longer. The next `show` brings the order that it is given."""
        self._held_until = 0.0

    def say_empty(self, text: str) -> None:
        """What stands there while there is no row. The text is harmless already."""
        if text != self.empty:
            self.empty = text
            if not self._rows:
                self.refresh()

    def go_to(self, key: str) -> bool:
        """Put the cursor on a row; False when there is none with that key."""
        index = self._at.get(key)
        if index is None:
            return False
        self._move_to(index)
        return True

    def go_to_next(self, wanted: Callable[[Row], bool], step: int) -> bool:
        """Put the cursor on the next row of that kind, from the end again from the start."""
        count, start = len(self._rows), self._index or 0
        for distance in range(1, count + 1):
            index = (start + step * distance) % count
            if wanted(self._rows[index]):
                self._move_to(index)
                return True
        return False

    def show_cursor(self) -> None:
        """Scroll until the row under the cursor is visible."""
        index, top = self._index, self.scroll_offset.y
        if index is not None and not top <= index < top + self._viewport:
            target = index if index < top else index - self._viewport + 1
            self.scroll_to(y=target, animate=False, immediate=True)

    # What the reader does

    def action_move(self, by: int) -> None:
        self._move_to((self._index or 0) + by)

    def action_page(self, by: int) -> None:
        self._move_to((self._index or 0) + by * max(1, self.size.height - self._top - 1))

    def action_first(self) -> None:
        self._move_to(0)

    def action_last(self) -> None:
        self._move_to(len(self._rows) - 1)

    def action_open(self) -> None:
        if self._cursor_key is not None:
            self.post_message(self.Opened(self, self._cursor_key))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self._top:
            column = self.column_at(offset.x)
            if column is not None:
                self.post_message(self.HeadingPressed(self, column))
            return
        index = offset.y - self._top + self.scroll_offset.y
        if index < len(self._rows):
            self._move_to(index)
            if event.chain == 2:
                self.action_open()

    # The order and the cursor

    @property
    def _index(self) -> int | None:
        return None if self._cursor_key is None else self._at.get(self._cursor_key)

    def _in_held_order(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        by_key = {row.key: row for row in rows}
        kept = [by_key[row.key] for row in self._rows if row.key in by_key]
        return (*kept, *(row for row in rows if row.key not in self._at))

    def _replace(self, rows: tuple[Row, ...], more: int) -> None:
        old_index, offset = self._index, self.scroll_offset.y
        self._rows, self._more = rows, more
        self._at = {row.key: index for index, row in enumerate(rows)}
        index = self._index
        if not rows:
            self._cursor_key = None
        elif index is None:
            self._cursor_key = rows[min(old_index or 0, len(rows) - 1)].key
        elif not self.touched and not 0 <= index - offset < self._viewport:
            self._cursor_key = rows[0].key  # nobody chose that row: rather show the first
            offset = 0
        if index is None:
            self.post_message(self.CursorMoved(self, self._cursor_key or ""))
        self._resize()
        new_index = self._index
        seen = old_index is not None and 0 <= old_index - offset < self._viewport
        if self.touched and seen and old_index is not None and new_index is not None:
            offset += new_index - old_index  # that row stays where it is on the screen
        self.scroll_to(y=max(0, offset), animate=False, immediate=True)
        self.refresh()

    def _move_to(self, index: int) -> None:
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        self.touched = True
        self._start_hold()
        old, self._cursor_key = self._index, self._rows[index].key
        if old is not None:
            self._refresh_row(old)
        self._refresh_row(index)
        self.show_cursor()
        self.post_message(self.CursorMoved(self, self._cursor_key))

    def _start_hold(self) -> None:
        if not self._hold:
            return
        self._held_until = self._clock() + HOLD_SECONDS
        if self._hold_timer is None:
            self._hold_timer = self.set_timer(HOLD_SECONDS, self._hold_over)

    def _hold_over(self) -> None:
        self._hold_timer = None
        left = self._held_until - self._clock()
        if left > 0:
            self._hold_timer = self.set_timer(left, self._hold_over)
        else:
            self.post_message(self.Released(self))

    # Painting

    @property
    def _viewport(self) -> int:
        """Rows that are visible at a time."""
        return max(1, self.size.height - self._top)

    def _resize(self) -> None:
        lines = self._top + max(1, len(self._rows)) + (1 if self._more else 0)
        size = Size(self.size.width, lines)
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()

    def _refresh_row(self, index: int) -> None:
        y = index - self.scroll_offset.y
        if 0 <= y < self._viewport:
            self.refresh(Region(0, y + self._top, self.size.width, 1))

    def on_resize(self) -> None:
        self._resize()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        index = self._index
        if index is not None:
            self._refresh_row(index)

    def render_line(self, y: int) -> Strip:
        if y < self._top:
            return self.heading_line()
        index = y - self._top + self.scroll_offset.y
        if index < len(self._rows):
            row = self._rows[index]
            return self.row_line(row.cells, under_cursor=row.key == self._cursor_key)
        if not self._rows and index == 0:
            return self.remark_line(self.empty)
        if self._more and index == len(self._rows):
            return self.remark_line(f"{self._more:,} more: narrow them down with /")
        return self.remark_line("")
