"""Where a filter is typed: it takes effect while it is typed, and says what is wrong with it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from ..filtering import Filter, parse
from ..format import clean
from ..table import Cell
from .line import Line


class FilterBar(Horizontal):
    """A line that is there only while a filter is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "No filter", id="filter.clear"),
        Binding("down", "leave", "To the rows", show=False, id="filter.leave"),
    ]

    class Changed(Message):
        """There is another filter."""

        def __init__(self, filter: Filter) -> None:
            super().__init__()
            self.filter = filter

    class Left(Message):
        """The reader is done with typing."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.filter = parse("")
        self._input = Input(id="filter-text", compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        sign = Line(id="filter-sign")
        sign.show((Cell("filter: ", "dim"),))
        yield sign
        yield self._input
        yield Line(id="filter-error")

    def open(self) -> None:
        """Show it, and type in it."""
        self.add_class("-open")
        self._input.focus()

    def set(self, text: str) -> None:
        """Another filter than the one that was typed."""
        self._input.value = text
        self._take(text)

    def action_clear(self) -> None:
        self.set("")
        self.action_leave()

    def action_leave(self) -> None:
        self.set_class(bool(self.filter.error), "-open")
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._take(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_leave()

    def _take(self, text: str) -> None:
        if text.strip() == self.filter.text:
            return
        self.filter = parse(text)
        if self.is_mounted:
            error = self.query_one("#filter-error", Line)
            error.show((Cell(clean(self.filter.error), "crit"),))
            error.display = bool(self.filter.error)
        self.post_message(self.Changed(self.filter))
