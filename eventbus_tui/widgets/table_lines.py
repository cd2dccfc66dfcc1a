"""The lines of a table: headings and rows, fitted into columns."""

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..columns import GAP, Placed, place_columns
from ..table import Cell, Column
from .painted import Painted, cut_strip, fit

GUTTER: Final = 1
"""Before the first column: there stands the sign of the cursor."""


class TableLines(Painted, ScrollView):
    """Paints what a table consists of. Lines that were painted are kept, as long as neither width
    nor colours change."""

    def __init__(
        self, columns: Sequence[Column], *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self._sorted: tuple[int, bool] | None = None
        self._placed: tuple[Placed, ...] = ()
        self._placed_for = -1
        self._strips: LRUCache[tuple[tuple[Cell, ...], bool, bool], Strip] = LRUCache(400)

    @property
    def shown_columns(self) -> tuple[int, ...]:
        """Those for which there is room, by their number."""
        return tuple(placed.column for placed in self._place())

    def sortable_beside(self, column: int, step: int) -> int | None:
        """The column to sort by so many steps after that one; None when there is none."""
        order = [index for index in self.shown_columns if self.columns[index].sortable]
        place = order.index(column) if column in order else -1
        return order[(place + step) % len(order)] if order else None

    def mark_sort(self, column: int, *, descending: bool) -> None:
        """Show beside a heading what the rows are sorted by."""
        if self._sorted != (column, descending):
            self._sorted = (column, descending)
            self.refresh(Region(0, 0, self.size.width, 1))

    def column_at(self, x: int) -> int | None:
        """The number of the column there."""
        left = GUTTER
        for placed in self._place():
            if left <= x < left + placed.width + GAP:
                return placed.column
            left += placed.width + GAP
        return None

    def heading_line(self) -> Strip:
        style = self.base + self.part("header")
        marks = self.marks
        parts = [Segment(" " * GUTTER, style)]
        for number, (index, width) in enumerate(self._place()):
            column = self.columns[index]
            name = column.name
            if self._sorted is not None and self._sorted[0] == index:
                sign = marks.falling if self._sorted[1] else marks.rising
                name = f"{fit(name, min(len(name), width - 1), ellipsis=marks.ellipsis)}{sign}"
            if number:
                parts.append(Segment(" " * GAP, style))
            parts.append(
                Segment(fit(name, width, right=column.right, ellipsis=marks.ellipsis), style)
            )
        return cut_strip(Strip(parts), self.size.width, style, marks.ellipsis)

    def row_line(self, cells: tuple[Cell, ...], *, under_cursor: bool) -> Strip:
        placed = self._place()
        key = (cells, under_cursor and self.has_focus, under_cursor)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._row(cells, placed, under_cursor)
        return strip

    def remark_line(self, text: str) -> Strip:
        """A line that is no row. The text is harmless already."""
        dim = self.base + self.level_style("dim")
        strip = Strip([Segment(" " * GUTTER + self.marks.plain(text), dim)])
        return cut_strip(strip, self.size.width, dim, self.marks.ellipsis)

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        base = self.base
        strips = super().render_lines(crop)
        if self.base != base:
            self._strips.clear()
            strips = super().render_lines(crop)
        return strips

    def _place(self) -> tuple[Placed, ...]:
        width = self.size.width
        if width != self._placed_for:
            self._placed = place_columns(self.columns, width - GUTTER)
            self._placed_for = width
            self._strips.clear()
        return self._placed

    def _row(
        self, cells: tuple[Cell, ...], placed: tuple[Placed, ...], under_cursor: bool
    ) -> Strip:
        marks = self.marks
        style, over = self.base, Style.null()
        if under_cursor:
            over = self.part("cursor" if self.has_focus else "cursor-blurred")
            style += over
        parts = [Segment(marks.cursor if under_cursor else " " * GUTTER, style)]
        for number, (index, width) in enumerate(placed):
            cell, column = cells[index], self.columns[index]
            if number:
                parts.append(Segment(" " * GAP, style))
            text = marks.plain(cell.text)
            text = fit(text, width, right=column.right, ellipsis=marks.ellipsis)
            parts.append(Segment(text, self.base + self.level_style(cell.level) + over))
        return cut_strip(Strip(parts), self.size.width, style, marks.ellipsis)
