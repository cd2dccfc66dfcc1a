"""What widgets that draw their own lines have in common: cells, levels and widths."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from ..marks import UNICODE, Marks
from ..table import Cell, Level

_COLOURED: Final[Mapping[Level, tuple[str, bool]]] = {
    "ok": ("ok", False),
    "warn": ("warn", True),
    "crit": ("crit", True),
    "dim": ("quiet", False),
    "broadcast": ("broadcast", False),
    "unicast": ("unicast", False),
    "anycast": ("anycast", False),
}
"""The variable of the theme, and whether it is bold."""
_VARIABLES: Final = (
    *dict.fromkeys(name for name, _ in _COLOURED.values()),
    "cursor",
    "cursor-blurred",
)


class Painted(Widget):
    """A widget that paints levels, in the colours of the theme.

    They come from its variables and not from component classes: those cost a style sheet lookup for
    each of them, in each widget, before the first frame.
    """

    ALLOW_SELECT = False

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
        """What a level, ``header``, ``cursor``, ``cursor-blurred``, or a component class adds to
        the style of its line."""
        style = self._parts.get(name)
        if style is None:
            variables = self.app.theme_variables
            own = painted_parts(tuple(variables.get(each, "") for each in _VARIABLES))
            found = own.get(name)
            style = self.get_component_rich_style(name, partial=True) if found is None else found
            self._parts[name] = style
        return style

    def level_style(self, level: Level) -> Style:
        """What a level adds to the style of its line."""
        return self.part(level) if level else Style.null()

    def segments(self, cells: Iterable[Cell], base: Style) -> list[Segment]:
        """Cells one after the other."""
        plain = self.marks.plain
        return [Segment(plain(cell.text), base + self.level_style(cell.level)) for cell in cells]

    def line_of(self, cells: Iterable[Cell], width: int, base: Style) -> Strip:
        """Cells one after the other, cut off or filled up to `width`."""
        return cut_strip(Strip(self.segments(cells, base)), width, base, self.marks.ellipsis)

    def notify_style_update(self) -> None:
        self._parts.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        self.base = self.rich_style  # walks up the tree: once, and not for every line
        return super().render_lines(crop)


@lru_cache(maxsize=8)
def painted_parts(values: tuple[str, ...]) -> Mapping[str, Style]:
    """Styles by name, of a theme with these values of _VARIABLES."""
    colours = {
        name: Color.parse(value or "ansi_default")
        for name, value in zip(_VARIABLES, values, strict=True)
    }
    plain = colours["cursor"].ansi is not None
    parts: dict[str, Style] = {
        level: Style(
            color=colours[name].rich_color, bold=bold or None, dim=plain and level == "dim"
        )
        for level, (name, bold) in _COLOURED.items()
    }
    heading = Style(underline=True)
    under = {name: Style(bgcolor=colours[name].rich_color) for name in ("cursor", "cursor-blurred")}
    return {
        **parts,
        "strong": Style(bold=True),
        "header": parts["dim"] + heading,
        # The terminal's own colours, or none: there the cursor is seen by reversing.
        "cursor": Style(reverse=True) if plain else under["cursor"] + Style(bold=True),
        "cursor-blurred": Style.null() if plain else under["cursor-blurred"],
    }


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
