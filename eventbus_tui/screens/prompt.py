"""A dialog that asks for one text."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from ..table import Cell
from ..widgets.line import Lines


class PromptScreen(ModalScreen[str | None]):
    """Gives what was typed, stripped; None when the reader went away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="prompt.cancel")
    ]

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical():
            lines = Lines()
            lines.show(((Cell(self._question, "strong"),),))
            yield lines
            yield Input(self._value, id="prompt", compact=True)
            keys = Lines()
            keys.show(((Cell("enter: go   escape: back", "dim"),),))
            yield keys

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

    def action_cancel(self) -> None:
        self.dismiss(None)
