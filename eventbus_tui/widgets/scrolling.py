"""A part of a screen that scrolls by the same keys as a table."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll


class Scrolling(VerticalScroll, can_focus=True, inherit_bindings=False):
    """What is higher than the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="table.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="table.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="table.page-up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="table.page-down"),
        Binding("home,g", "scroll_home", "First row", show=False, id="table.first"),
        Binding("end,G", "scroll_end", "Last row", show=False, id="table.last"),
    ]
    DEFAULT_CSS = "Scrolling { scrollbar-size-vertical: 1; }"
