"""The rows of the flow: only what is visible is painted, and nothing moves under the reader."""

from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..flow_buffer import FlowBuffer, place
from ..flow_layout import Field, fields, heading, layout_for
from ..flow_rows import FlowRow
from .painted import Painted, cut_strip, fit

_STRIPS: Final = 600


class FlowView(Painted, ScrollView, can_focus=True):
    """Shows a buffer, by default its newest rows.

    Moving the cursor or scrolling up ends the following: from then on the rows that are visible
    stay where they are, whatever comes, and whatever falls out of the buffer above them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="table.open"),
        Binding("f", "follow", "Follow", id="flow.follow"),
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down"),
        Binding("home,g", "first", "Oldest", show=False, id="table.first"),
        Binding("end,G", "newest", "Newest", show=False, id="table.last"),
    ]
    DEFAULT_CSS = """
    FlowView { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    class Opened(Message):
        """The reader wants to see more of a row."""

        def __init__(self, row: FlowRow) -> None:
            super().__init__()
            self.row = row

    class Moved(Message):
        """What is followed, or how much is newer, is different now."""

    def __init__(self, buffer: FlowBuffer, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.following = True
        self.empty = ""
        """Stands there while there is no row; harmless already."""
        self._buffer = buffer
        self._cursor: tuple[int, int] | None = None
        self._top: tuple[int, int] | None = None
        self._own_scroll = False
        self._visible: tuple[int, ...] = ()
        self._strips: LRUCache[tuple[int, bool, bool], Strip] = LRUCache(_STRIPS)
        self._painted_width = -1

    # What is shown

    @property
    def cursor_row(self) -> FlowRow | None:
        """The row that keys act on: the newest one while it follows."""
        rows = self._buffer.shown
        if not rows:
            return None
        return rows[-1] if self.following else rows[self._cursor_index]

    @property
    def row_width(self) -> int:
        """Columns of a row: those that the scrollbar leaves."""
        return self.scrollable_content_region.width

    @property
    def newer(self) -> int:
        """Rows below the last visible one."""
        return max(0, len(self._buffer.shown) - self.scroll_offset.y - self._height)

    def rows_changed(self) -> None:
        """The buffer has more rows, or others."""
        rows = self._buffer.shown
        if not self.size.height:
            return  # not laid out yet
        self._grow(Size(self.row_width, len(rows)))
        if self.following:
            self._top = None
            self._scroll(max(0, len(rows) - self._height))
        elif self._top is not None:
            self._scroll(self._buffer.index_of(self._top))
        visible = self._visible_numbers()
        if visible != self._visible:
            self._visible = visible
            self.refresh()

    def look_changed(self) -> None:
        """The same rows have to be painted in another way."""
        self._strips.clear()
        self.refresh()

    def say_empty(self, text: str) -> None:
        """What stands there while there is no row."""
        if text != self.empty:
            self.empty = text
            if not self._buffer.shown:
                self.refresh()

    def go_to(self, row: FlowRow) -> None:
        """Put the cursor on a row that is shown."""
        self._move_to(self._buffer.index_of(place(row)))

    # What the reader does

    def action_move(self, by: int) -> None:
        self._move_to(self._cursor_index + by)

    def action_page(self, by: int) -> None:
        self._move_to(self._cursor_index + by * max(1, self._height - 1))

    def action_first(self) -> None:
        self._move_to(0)

    def action_newest(self) -> None:
        if not self.following:
            self.action_follow()

    def action_follow(self) -> None:
        """Follow the newest rows, or stay where it is."""
        if self.following:
            self._stay()
            return
        self.following = True
        self._cursor = self._top = None
        self._visible = ()
        self.rows_changed()
        self.post_message(self.Moved())

    def action_open(self) -> None:
        row = self.cursor_row
        if row is not None:
            self.post_message(self.Opened(row))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.scroll_offset.y
        if index < len(self._buffer.shown):
            self._move_to(index)
            if event.chain == 2:
                self.action_open()

    # Where it stands

    @property
    def _height(self) -> int:
        return max(1, self.size.height)

    @property
    def _cursor_index(self) -> int:
        last = len(self._buffer.shown) - 1
        if self._cursor is None:
            return last
        return max(0, min(self._buffer.index_of(self._cursor), last))

    def _visible_numbers(self) -> tuple[int, ...]:
        top = self.scroll_offset.y
        return tuple(row.number for row in self._buffer.shown[top : top + self._height])

    def _move_to(self, index: int) -> None:
        rows = self._buffer.shown
        if not rows:
            return
        index = max(0, min(index, len(rows) - 1))
        self._stay()
        self._cursor = place(rows[index])
        top = self.scroll_offset.y
        if not top <= index < top + self._height:
            self._scroll(index if index < top else index - self._height + 1)
            self._hold_top()
        self.refresh()
        self.post_message(self.Moved())

    def _stay(self) -> None:
        """Follow no more: hold on to what is visible."""
        rows = self._buffer.shown
        if not self.following or not rows:
            return
        self.following = False
        self._cursor = place(rows[-1])
        self._hold_top()
        self.refresh()
        self.post_message(self.Moved())

    def _hold_top(self) -> None:
        rows = self._buffer.shown
        top = min(self.scroll_offset.y, len(rows) - 1)
        self._top = place(rows[top]) if rows else None

    def _grow(self, size: Size) -> None:
        """As setting `virtual_size`, which would lay out and paint the whole screen each time."""
        if size != self.virtual_size:
            self.set_reactive(FlowView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

    def _scroll(self, y: int) -> None:
        self._own_scroll = True
        try:
            self.scroll_to(y=y, animate=False)
        finally:
            self._own_scroll = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._own_scroll or round(old_value) == round(new_value):
            return
        if self.following and new_value < min(old_value, self.max_scroll_y):
            self._stay()  # it was the reader: nothing else goes up from the end
        if not self.following:
            self._hold_top()
            self.post_message(self.Moved())

    # Painting

    def on_resize(self) -> None:
        self._visible = ()
        self.rows_changed()

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()
        self.refresh()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        before = self.base
        strips = super().render_lines(crop)
        if self.base != before or self.row_width != self._painted_width:
            self._strips.clear()
            self._painted_width = self.row_width
            strips = super().render_lines(crop)
        return strips

    def render_line(self, y: int) -> Strip:
        rows, index = self._buffer.shown, y + self.scroll_offset.y
        width = self._painted_width
        if index >= len(rows):
            text = f" {self.empty}" if not rows and index == 0 else ""
            dim = self.base + self.level_style("dim")
            return cut_strip(Strip([Segment(text, dim)]), width, dim, self.marks.ellipsis)
        row = rows[index]
        under = not self.following and index == self._cursor_index
        key = row.number, under, self.has_focus
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._painted(row, under, width)
        return strip

    def _painted(self, row: FlowRow, under: bool, width: int) -> Strip:
        over, sign = Style.null(), " "
        if under:
            over = self.part("cursor" if self.has_focus else "cursor-blurred")
            sign = self.marks.cursor
        found = fields(row, layout_for(width - 1), self._buffer.audience, self.marks)
        return _strip(self, found, self.base, sign, width, over)


class FlowHeading(Painted):
    """The names of the columns of a view."""

    DEFAULT_CSS = "FlowHeading { height: 1; width: 1fr; }"

    def __init__(self, view: FlowView) -> None:
        super().__init__()
        self._view = view

    def render_line(self, y: int) -> Strip:
        found = heading(layout_for(self._view.row_width - 1))
        return _strip(self, found, self.base, " ", self.size.width)


def _strip(
    widget: Painted,
    found: list[Field],
    base: Style,
    sign: str,
    width: int,
    over: Style | None = None,
) -> Strip:
    over = over or Style.null()
    ellipsis, space = widget.marks.ellipsis, base + over
    parts = [Segment(sign, space)]
    for number, field in enumerate(found):
        text, level = field.cell
        text = widget.marks.plain(text)
        if field.width:
            text = fit(text, field.width, right=field.right, ellipsis=ellipsis)
        if number:
            parts.append(Segment(" ", space))
        parts.append(Segment(text, base + widget.level_style(level) + over))
    return cut_strip(Strip(parts), width, space, ellipsis)
