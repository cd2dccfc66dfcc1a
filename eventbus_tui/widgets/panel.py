"""A heading with lines below that are wrapped to the width there is."""

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import chop_cells
from textual.geometry import Size
from textual.strip import Strip

from ..rows.lines import Line, Part
from ..table import Cell
from .line import Lines
from .painted import text_width

_INDENT: Final = 2
_LEAST: Final = 10
"""Narrower lines are cut off instead of wrapped."""
_TOKENS: Final = re.compile(r"\s+|\S+")


class Panel(Lines):
    """One part of a detail screen. It takes no room while it has none."""

    DEFAULT_CSS = """
    Panel { padding: 0 1 1 1; }
    Panel.-absent { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-absent")
        self._part: Part | None = None
        self._wrapped_for = -1

    @property
    def text(self) -> str:
        """Heading and lines as they are, not wrapped."""
        part = self._part
        if part is None:
            return ""
        lines = ("".join(cell.text for cell in line).rstrip() for line in part.lines)
        return "\n".join((part.title, *lines))

    def show_part(self, part: Part | None) -> None:
        """Show this from now on; None: nothing."""
        if part == self._part:
            return
        self._part = part
        self.set_class(part is None, "-absent")
        self._wrap(self.size.width, again=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self._wrap(width)
        return super().get_content_height(container, viewport, width)

    def render_line(self, y: int) -> Strip:
        self._wrap(self.size.width)
        return super().render_line(y)

    def _wrap(self, width: int, *, again: bool = False) -> None:
        if self._part is None or (width == self._wrapped_for and not again) or not width:
            return
        self._wrapped_for = width
        heading: Line = (Cell(self._part.title, self._part.level or "strong"),)
        lines = [part for line in self._part.lines for part in wrapped(line, width)]
        self.show((heading, *lines))


def wrapped(line: Line, width: int) -> Iterator[Line]:
    """A line as several of at most `width` columns, broken at spaces where that is possible;
    all but the first are indented."""
    if width < _LEAST or sum(text_width(cell.text) for cell in line) <= width:
        yield line
        return
    now: list[Cell] = []
    used = 0
    for cell in line:
        for token in _TOKENS.findall(cell.text):
            for piece, breaks in _pieces(token, width, used):
                if breaks:
                    yield tuple(now)
                    now, used = [Cell(" " * _INDENT)], _INDENT
                now.append(Cell(piece, cell.level))
                used += text_width(piece)
    if now:
        yield tuple(now)


def _pieces(token: str, width: int, used: int) -> Iterator[tuple[str, bool]]:
    """A word or space in parts that fit, and whether a new line begins before each."""
    length = text_width(token)
    if used + length <= width:
        yield token, False
    elif token.isspace():
        yield "", True
    elif length <= width - _INDENT:
        yield token, True
    else:
        room = width - used
        if room >= 2:
            head = chop_cells(token, room)[0]
            yield head, False
            token = token[len(head) :]
        for piece in chop_cells(token, width - _INDENT):
            yield piece, True
