"""A dialog with a few possibilities."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList

from ..format import clean
from ..table import Cell
from ..widgets.line import Lines


class ChoiceScreen(ModalScreen[int | None]):
    """Gives the number of what was chosen; None when the reader went away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="choice.cancel")
    ]
    DEFAULT_CSS = """
    ChoiceScreen { align: center middle; }
    ChoiceScreen > Vertical {
        width: 50; max-width: 100%; height: auto; max-height: 80%; border: solid $primary;
        padding: 0 1; background: $panel;
    }
    ChoiceScreen OptionList { height: auto; max-height: 16; border: none; background: $panel; }
    """

    def __init__(self, question: str, options: Sequence[str]) -> None:
        super().__init__()
        self._question = question
        self._options = tuple(options)

    def compose(self) -> ComposeResult:
        with Vertical():
            lines = Lines()
            lines.show(((Cell(clean(self._question), "strong"),),))
            yield lines
            yield OptionList(*(Content(clean(each)) for each in self._options))

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)

    def action_cancel(self) -> None:
        self.dismiss(None)
