"""Lines of a payload, wrapped; only those that are visible are painted."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.cells import chop_cells
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..payload import HexLines, PayloadLine, Piece
from .json_colours import JSON_CLASSES, json_css
from .painted import Painted, cut_strip, text_width

_LEAST = 10
"""Narrower lines are cut off instead of wrapped."""


class PayloadView(Painted, ScrollView, can_focus=True):
    """Shows lines of pieces; long ones go on below."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(JSON_CLASSES.values())
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, id="table.down"),
        Binding("k", "scroll_up", "Up", show=False, id="table.up"),
        Binding("g", "scroll_home", "Beginning", show=False, id="table.first"),
        Binding("G", "scroll_end", "End", show=False, id="table.last"),
    ]
    DEFAULT_CSS = """
    PayloadView {
        height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
    }
    """ + json_css("PayloadView")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[PayloadLine] = ()
        self._wrapped: Sequence[PayloadLine] = ()
        self._wrapped_for = -1

    def show(self, lines: Sequence[PayloadLine]) -> None:
        """Show these from now on, from the first one."""
        self._lines = lines
        self._wrap(again=True)
        self.scroll_to(y=0, animate=False)
        self.refresh()

    def on_resize(self) -> None:
        self._wrap()

    def render_line(self, y: int) -> Strip:
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        line = self._wrapped[index] if index < len(self._wrapped) else ()
        parts = [
            Segment(piece.text, self.base + self.part(JSON_CLASSES[piece.kind]))
            if piece.kind
            else Segment(piece.text, self.base)
            for piece in line
        ]
        return cut_strip(Strip(parts), width, self.base, self.marks.ellipsis)

    def _wrap(self, *, again: bool = False) -> None:
        width = self.scrollable_content_region.width
        if not width or (width == self._wrapped_for and not again):
            return
        self._wrapped_for = width
        if isinstance(self._lines, HexLines):
            self._wrapped = self._lines
        else:
            self._wrapped = [part for line in self._lines for part in wrapped(line, width)]
        self.virtual_size = Size(width, len(self._wrapped))


def wrapped(line: PayloadLine, width: int) -> Iterator[PayloadLine]:
    """A line as several of at most `width` columns, broken where they are full."""
    if width < _LEAST or sum(text_width(piece.text) for piece in line) <= width:
        yield line
        return
    now: list[Piece] = []
    room = width
    for piece in line:
        for text in _chopped(piece.text, width, room):
            length = text_width(text)
            if length > room:
                yield tuple(now)
                now, room = [], width
            now.append(Piece(text, piece.kind))
            room -= length
    yield tuple(now)


def _chopped(text: str, width: int, room: int) -> Iterator[str]:
    """A text in parts: one that fits into `room`, then such of at most `width` columns."""
    if text_width(text) <= room:
        yield text
        return
    if text.isascii():
        yield text[:room]
        for start in range(room, len(text), width):
            yield text[start : start + width]
        return
    if room >= 2:
        head = chop_cells(text, room)[0]
        yield head
        text = text[len(head) :]
    yield from chop_cells(text, width)
