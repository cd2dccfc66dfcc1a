"""What widgets that draw their own lines have in common: cells, levels and widths."""

from collections.abc import Iterable
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from ..marks import UNICODE, Marks
from ..table import Cell, Level

_CLASSES: Final[dict[Level, str]] = {
    "ok": "level--ok",
    "warn": "level--warn",
    "crit": "level--crit",
    "dim": "level--dim",
    "strong": "level--strong",
    "broadcast": "level--broadcast",
    "unicast": "level--unicast",
    "anycast": "level--anycast",
}


class Painted(Widget):
    """A widget that paints levels. Their colours stand in styles.tcss."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = set(_CLASSES.values())

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._parts: dict[str, Style] = {}
        self.base = Style.null()
        """Of the lines that are being painted."""

    @property
    def marks(self) -> Marks:
        """The signs of the app."""
        found = getattr(self.app, "marks", UNICODE)
        return found if isinstance(found, Marks) else UNICODE

    def part(self, name: str) -> Style:
        """What a component class adds to the style of its line."""
        style = self._parts.get(name)
        if style is None:
            style = self._parts[name] = self.get_component_rich_style(name, partial=True)
        return style

    def level_style(self, level: Level) -> Style:
        """What a level adds to the style of its line."""
        return self.part(_CLASSES[level]) if level else Style.null()

    def segments(self, cells: Iterable[Cell], base: Style) -> list[Segment]:
        """Cells one after the other."""
        return [Segment(cell.text, base + self.level_style(cell.level)) for cell in cells]

    def line_of(self, cells: Iterable[Cell], width: int, base: Style) -> Strip:
        """Cells one after the other, cut off or filled up to `width`."""
        return cut_strip(Strip(self.segments(cells, base)), width, base, self.marks.ellipsis)

    def notify_style_update(self) -> None:
        self._parts.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        self.base = self.rich_style  # walks up the tree: once, and not for every line
        return super().render_lines(crop)


def cut_strip(strip: Strip, width: int, base: Style, ellipsis: str) -> Strip:
    """Exactly `width` wide, with a sign at the end where something is missing."""
    if strip.cell_length <= width:
        return strip.extend_cell_length(width, base)
    if width < 1:
        return Strip([])
    return Strip.join([strip.crop(0, width - 1), Strip([Segment(ellipsis, base)])])


def fit(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """A text as wide as `width`, in columns of the terminal."""
    length = text_width(text)
    if length > width:
        return set_cell_size(text, width - 1) + ellipsis if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding


def text_width(text: str) -> int:
    """In columns of the terminal."""
    return len(text) if text.isascii() else cell_len(text)
