"""The question before something is changed."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from ..format import clean
from ..rows.lines import part, plain
from ..table import Cell
from ..widgets.line import Lines
from ..widgets.panel import Panel


class ConfirmDialog(ModalScreen[bool]):
    """Says what will happen and to how many; gives True only when the reader agreed.

    With `typed` that text has to be typed first, wherever the focus is. It starts on Cancel, so
    that enter, pressed too often, does no harm.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="confirm.cancel"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    ConfirmDialog { align: center middle; }
    ConfirmDialog > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: solid $error; padding: 0 1; background: $panel;
    }
    ConfirmDialog VerticalScroll { height: auto; max-height: 60vh; }
    ConfirmDialog Panel { padding: 0; margin: 0; }
    ConfirmDialog Input { border: none; height: 1; padding: 0; margin: 0 0 1 0; }
    ConfirmDialog Horizontal { height: 1; align-horizontal: right; }
    ConfirmDialog Button { margin: 0 0 0 2; }
    """

    def __init__(self, title: str, lines: Sequence[str], typed: str | None = None) -> None:
        """`title` is the question, `lines` say what will happen. Texts may come from anywhere."""
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._typed = typed

    def compose(self) -> ComposeResult:
        with Vertical():
            with VerticalScroll(can_focus=False):
                panel = Panel()
                said = [plain(clean(line)) for line in self._lines]
                panel.show_part(part(clean(self._title), said, "crit"))
                yield panel
            if self._typed is not None:
                request = Lines()
                request.show(
                    ((Cell("Type "), Cell(clean(self._typed), "strong"), Cell(" to go on:")),)
                )
                yield request
                yield Input(id="confirm-typed", compact=True, select_on_focus=False)
            with Horizontal():
                yield Button("Cancel", id="confirm-no", compact=True)
                yield Button(
                    "Do it",
                    id="confirm-yes",
                    variant="error",
                    compact=True,
                    disabled=self._typed is not None,
                )

    def on_mount(self) -> None:
        self.query_one("#confirm-no").focus()

    def on_key(self, event: events.Key) -> None:
        if self._typed is None or not event.is_printable or event.character is None:
            return
        field = self.query_one(Input)
        if not field.has_focus:
            event.stop()
            field.focus()
            field.insert_text_at_cursor(event.character)

    @property
    def _agreed(self) -> bool:
        return self._typed is None or self.query_one(Input).value.strip() == self._typed

    @on(Input.Changed)
    def _compare(self) -> None:
        self.query_one("#confirm-yes", Button).disabled = not self._agreed

    @on(Input.Submitted)
    def _submit(self) -> None:
        if self._agreed:
            self.dismiss(True)

    @on(Button.Pressed, "#confirm-yes")
    def _yes(self) -> None:
        if self._agreed:
            self.dismiss(True)

    @on(Button.Pressed, "#confirm-no")
    def action_cancel(self) -> None:
        self.dismiss(False)
