"""The keys that work at this moment, on one line."""

from typing import Final, NamedTuple

from textual import events
from textual.screen import Screen
from textual.strip import Strip

from ..navigation import ROOTS, TITLES
from ..table import Cell
from .painted import Painted, text_width

_ALWAYS: Final = ("app.help", "app.quit")
"""Ids of bindings that stay when there is no room for all."""


class _Item(NamedTuple):
    key: str
    sign: str
    word: str
    here: bool = False

    @property
    def width(self) -> int:
        return text_width(self.sign) + (1 + text_width(self.word) if self.word else 0)


class KeyLine(Painted):
    """Made of the live bindings; what does not fit is left out, and help has it all. A click works
    as the key does."""

    DEFAULT_CSS = "KeyLine { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items: tuple[_Item, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._again)
        self._again(self.screen)

    def on_resize(self) -> None:
        self._again(self.screen)

    def _again(self, screen: Screen[object]) -> None:
        if not screen.is_attached:
            return
        items = self._fitting(screen)
        if items != self._items:
            self._items = items
            self.refresh()

    def _fitting(self, screen: Screen[object]) -> tuple[_Item, ...]:
        shown: dict[str, _Item] = {}
        always: list[_Item] = []
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in shown:
                item = _Item(binding.key, self.app.get_key_display(binding), binding.description)
                if binding.id in _ALWAYS:
                    always.append(item)
                else:
                    shown[binding.action] = item
        room = self.size.width - 1 - sum(item.width + 2 for item in always)
        roots = self._roots()
        wanted = sum(item.width + 2 for item in (*roots, *shown.values()))
        if wanted > room:
            roots = (_Item("", f"1-{len(ROOTS)}", "Screens"),)
        fitting: list[_Item] = []
        for item in (*roots, *shown.values()):
            if item.width + 2 <= room:
                fitting.append(item)
                room -= item.width + 2
        return (*fitting, *always)

    def _roots(self) -> tuple[_Item, ...]:
        here = getattr(self.app, "root_name", "")
        return tuple(
            _Item(str(number), str(number), TITLES[name], name == here)
            for number, name in enumerate(ROOTS, start=1)
        )

    def render_line(self, y: int) -> Strip:
        cells = [Cell(" ")]
        for number, item in enumerate(self._items):
            if number:
                cells.append(Cell("  "))
            cells.append(Cell(item.sign, "strong"))
            cells.append(Cell(f" {item.word}", "strong" if item.here else "dim"))
        return self.line_of(cells, self.size.width, self.base)

    async def on_click(self, event: events.Click) -> None:
        left = 1
        for item in self._items:
            if left <= event.x < left + item.width and item.key:
                self.app.simulate_key(item.key)
                return
            left += item.width + 2
