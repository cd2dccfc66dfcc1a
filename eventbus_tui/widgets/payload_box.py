"""A payload in one of four forms."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from .. import format
from ..format import clean
from ..marks import UNICODE
from ..payload import (
    MOST,
    Excerpt,
    HexLines,
    PayloadLine,
    UnreadableError,
    excerpt,
    parse,
    pretty_lines,
    problem_of,
    raw_lines,
)
from ..table import Cell, Level
from .json_tree import JsonTree
from .line import Line
from .payload_view import PayloadView

Form: TypeAlias = Literal["tree", "json", "raw", "hex"]
FORMS: Final[tuple[Form, ...]] = ("tree", "json", "raw", "hex")
_HEX_WIDE: Final = 78
"""Columns that sixteen bytes in a line need."""


class PayloadBox(Vertical):
    """A line that says what it is, and the payload below it."""

    DEFAULT_CSS = """
    PayloadBox { height: 1fr; min-height: 6; }
    PayloadBox .-absent { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.body = b""
        self.form: Form = "tree"
        self.problem = ""
        """Why it cannot be decoded; empty when it can."""
        self._codec = "json"
        self._note = ""
        self._everything = False
        self._part = Excerpt(b"", 0)
        self._heading = Line(id="payload-heading")
        self._why = Line(id="payload-problem")
        self._tree = JsonTree()
        self._view = PayloadView()

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._why
        yield self._tree
        yield self._view

    def show(self, body: bytes, codec: str, note: str = "") -> None:
        """Show this payload: as a tree if it can be one, else in the nearest form."""
        self.body, self._codec, self._note = body, codec, note
        self._everything = False
        self.problem = problem_of(body, codec) if len(body) <= MOST else ""
        self._take_part()
        if self.form in ("tree", "json") and codec != "json":
            self.form = "raw"
        elif self.form == "tree" and self._no_tree():
            self.form = "json"
        self._redraw()

    @property
    def whole_text(self) -> str:
        """All of it, as text."""
        return self.body.decode("utf-8", "backslashreplace")

    def next_form(self, step: int) -> None:
        """The form after this one, or before it."""
        self.form = FORMS[(FORMS.index(self.form) + step) % len(FORMS)]
        self._redraw()

    def show_everything(self) -> None:
        """As much of it as is ever shown, instead of the beginning."""
        if self._part.left and not self._everything:
            self._everything = True
            self._take_part()
            self._redraw()

    def focus_view(self) -> None:
        """Keys go to the payload."""
        (self._view if self._tree.has_class("-absent") else self._tree).focus()

    def on_mount(self) -> None:
        self._redraw()

    def on_resize(self, event: events.Resize) -> None:
        if self.form == "hex":
            self._redraw()

    def _take_part(self) -> None:
        self._part = excerpt(self.body, everything=self._everything)

    def _no_tree(self) -> str:
        """Why there is no tree; empty when there is one."""
        if self.problem:
            return self.problem
        if self._part.left:
            return "a tree needs all of it"
        return ""

    def _redraw(self) -> None:
        if not self.is_mounted:
            return
        as_tree = self.form == "tree" and not self._no_tree()
        focused = self.screen.focused in (None, self._tree, self._view)
        self._tree.set_class(not as_tree, "-absent")
        self._view.set_class(as_tree, "-absent")
        if as_tree:
            try:
                self._tree.show(parse(self.body, self._codec))
            except UnreadableError as exc:  # parsed before, so this is not expected
                self.problem = str(exc)
        else:
            self._view.show(self._lines())
        if focused:
            self.focus_view()
        self._tell()

    def _lines(self) -> Sequence[PayloadLine]:
        match self.form:
            case "hex":
                return HexLines(self._part.data, 16 if self.size.width >= _HEX_WIDE else 8)
            case "raw":
                return raw_lines(self._part.text)
            case _:
                return pretty_lines(self._part.text)

    def _tell(self) -> None:
        cells = [Cell(" Payload  ", "strong")]
        cells += [
            Cell(f"[{form}]" if form == self.form else f" {form} ", _level(form, self))
            for form in FORMS
        ]
        size = f"  {format.size(len(self.body))} {clean(self._codec)}"
        cells.append(Cell(size, "dim"))
        if self._note:
            cells.append(Cell(f"  {self._note}", "dim"))
        self._heading.show(cells, (Cell("v: other form ", "dim"),))
        problem = self._problem_cells()
        self._why.display = bool(problem)
        self._why.show(problem)

    def _problem_cells(self) -> Sequence[Cell]:
        cells: list[Cell] = []
        if self.problem:
            mark = getattr(self.app, "marks", UNICODE).warn
            cells.append(Cell(f" {mark} {clean(self.problem)}  ", "warn"))
        elif self.form == "tree" and self._part.left:
            cells.append(Cell(" a tree needs all of it  ", "dim"))
        if self._part.left:
            shown = format.size(len(self._part.data))
            more = f" first {shown} of {format.size(len(self.body))}"
            limit = "" if self._everything else f", a: up to {format.size(MOST)}"
            cells.append(Cell(f"{more}{limit}", "warn"))
        return cells


def _level(form: Form, box: PayloadBox) -> Level:
    return "strong" if form == box.form else "dim"
