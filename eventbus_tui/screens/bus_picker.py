"""A dialog with all buses of the store."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..format import clean
from ..table import Cell
from ..widgets.line import Lines


class BusPicker(ModalScreen[str | None]):
    """Gives the name of a bus; None when the reader went away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="buses.cancel")
    ]

    def __init__(self, buses: Sequence[str], current: str) -> None:
        super().__init__()
        self._buses = tuple(buses)
        self._current = current

    def compose(self) -> ComposeResult:
        with Vertical():
            lines = Lines()
            lines.show(((Cell(f"{len(self._buses)} buses in this store", "strong"),),))
            yield lines
            yield OptionList(
                *(Option(Content(clean(bus)), id=str(i)) for i, bus in enumerate(self._buses))
            )

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        if self._current in self._buses:
            options.highlighted = self._buses.index(self._current)
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._buses[event.option_index])

    def action_cancel(self) -> None:
        self.dismiss(None)
