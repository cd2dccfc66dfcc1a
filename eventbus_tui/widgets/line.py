"""Lines of text that are painted again only when they change."""

from collections.abc import Sequence

from textual.geometry import Region, Size
from textual.strip import Strip

from ..table import Cell
from .painted import Painted, cut_strip, text_width


class Line(Painted):
    """One line: parts from the left, and parts at the right end, which go first when it is
    narrow."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.writes = 0
        """How often it changed."""
        self._left: tuple[Cell, ...] = ()
        self._right: tuple[Cell, ...] = ()

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(cell.text for cell in (*self._left, *self._right))

    def show(self, left: Sequence[Cell], right: Sequence[Cell] = ()) -> None:
        """Show this from now on. Texts are harmless already (see format.clean)."""
        if (tuple(left), tuple(right)) == (self._left, self._right):
            return
        self._left, self._right = tuple(left), tuple(right)
        self.writes += 1
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.base
        left = self.line_of(self._left, width, base)
        wanted = sum(text_width(cell.text) for cell in self._right)
        used = sum(text_width(cell.text) for cell in self._left)
        if not wanted or used + 1 + wanted > width:
            return left
        right = Strip(self.segments(self._right, base))
        return cut_strip(
            Strip.join([left.crop(0, width - wanted), right]), width, base, self.marks.ellipsis
        )


class Lines(Painted):
    """As many lines as it is given; each is cut off at the right end."""

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.writes = 0
        """How many lines changed."""
        self._lines: tuple[tuple[Cell, ...], ...] = ()

    @property
    def text(self) -> str:
        """What they say."""
        return "\n".join("".join(cell.text for cell in line) for line in self._lines)

    def show(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show these from now on. Texts are harmless already (see format.clean)."""
        new = tuple(map(tuple, lines))
        old, self._lines = self._lines, new
        changed = [y for y, line in enumerate(new) if y >= len(old) or old[y] != line]
        self.writes += len(changed)
        if len(old) != len(new):
            self.refresh(layout=True)
        else:
            for y in changed:
                self.refresh(Region(0, y, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        cells = self._lines[y] if y < len(self._lines) else ()
        return self.line_of(cells, self.size.width, self.base)
