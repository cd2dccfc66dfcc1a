"""A screen about one thing: panels of figures, and a table of what belongs to it."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll

from eventbus_core.monitoring import BusView

from ..format import clean
from ..json_text import json_text
from ..navigation import Place
from ..rows.lines import Part, part, plain
from ..table import Cell, Row, arrange
from ..update import Update
from ..widgets.keyed_table import KeyedTable
from ..widgets.line import Line
from ..widgets.panel import Panel
from .monitor_screen import Export, MonitorScreen

Subject = TypeVar("Subject")
STATUS: Final = "Status"
FINDINGS: Final = "Findings"
_LEAST_TABLE: Final = 4


class DetailScreen(MonitorScreen, Generic[Subject]):
    """A subclass finds its subject in a view, and gives parts and rows of it.

    When the subject is gone its last figures stay, and the status bar says so.
    """

    left: ClassVar[Sequence[str]]
    right: ClassVar[Sequence[str]]
    """Titles of the parts that there may be, in their order; below each other where the terminal
    is not wide. Findings come before all."""
    kind: ClassVar[str]
    """What the subject is called, as ``group``."""

    DEFAULT_CSS = """
    DetailScreen #parts { height: 1fr; scrollbar-size-vertical: 1; }
    DetailScreen #columns { height: auto; layout: vertical; }
    DetailScreen #columns > Vertical { height: auto; }
    DetailScreen.-wide #columns { layout: horizontal; }
    DetailScreen.-wide #columns > Vertical { width: 1fr; }
    DetailScreen KeyedTable.-absent { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("J,ctrl+d", "scroll_parts(1)", "Scroll down", show=False, id="detail.down"),
        Binding("K,ctrl+u", "scroll_parts(-1)", "Scroll up", show=False, id="detail.up"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.subject: Subject | None = None
        """As it was last seen."""
        self.gone = False
        self._table_height = 0
        self._panels = {
            title: Panel(id=f"part-{number}")
            for number, title in enumerate((STATUS, FINDINGS, *self.left, *self.right))
        }

    # For subclasses

    @abstractmethod
    def find(self, view: BusView, key: str) -> Subject | None:
        """The subject in this view."""

    @abstractmethod
    def parts(self, view: BusView, subject: Subject, width: int) -> Sequence[Part]:
        """What the panels say, in lines of `width` columns."""

    @abstractmethod
    def rows(self, view: BusView, subject: Subject) -> Sequence[Row]:
        """What the table shows."""

    @abstractmethod
    def table_title(self, subject: Subject) -> str:
        """What stands above the table."""

    @abstractmethod
    def opened(self, key: str) -> Place | None:
        """What enter opens on a row of the table."""

    @abstractmethod
    def tables(self) -> Sequence[KeyedTable]:
        """The tables of which one is shown at a time."""

    def table_of(self, subject: Subject) -> KeyedTable:
        """Which of them."""
        return self.tables()[0]

    @property
    def table(self) -> KeyedTable:
        """The table that is shown."""
        return self.tables()[0] if self.subject is None else self.table_of(self.subject)

    # The frame

    def body(self) -> ComposeResult:
        panels = self._panels
        with VerticalScroll(id="parts", can_focus=False):
            yield panels[STATUS]
            yield panels[FINDINGS]
            with Container(id="columns"):
                for titles in (self.left, self.right):
                    with Vertical():
                        yield from (panels[title] for title in titles)
        yield Line(id="table-title")
        yield from self.tables()

    def on_mount(self) -> None:
        self._choose_table()

    def _choose_table(self) -> None:
        chosen = self.table
        for table in self.tables():
            table.set_class(table is not chosen, "-absent")
        if self.focused in (None, *self.tables()):
            chosen.focus()

    def show(self, update: Update) -> None:
        view = update.view
        found = None if view is None else self.find(view, self.place.key)
        self.gone = view is not None and found is None
        if view is None or found is None:
            if self.subject is None:
                self._say(f"{self.kind} {clean(self.place.name)}: {self._why_nothing(update)}")
                self._fit_table(0)
            return
        if self.subject is None:
            self.subject = found
            self._choose_table()
        self.subject = found
        by_title = {each.title: each for each in self.parts(view, found, self._width())}
        for title, panel in self._panels.items():
            panel.show_part(by_title.get(title))
        shown = arrange(self.rows(view, found), sort=0, descending=True)
        self.query_one("#table-title", Line).show(
            (Cell(f" {self.table_title(found)}", "strong"),),
            (Cell(f"{shown.total:,} ", "dim"),),
        )
        self.table.show(shown.rows, more=shown.matched - len(shown.rows))
        self._fit_table(len(shown.rows))

    def flags(self) -> Sequence[Cell]:
        flags: list[Cell] = []
        if self.gone and self.subject is not None:
            flags.append(Cell(f"{self.app_.marks.warn} this {self.kind} is gone", "warn"))
        if self.table.held:
            flags.append(Cell("order held", "warn"))
        return flags

    def copied(self) -> str:
        texts = [panel.text for panel in self._panels.values() if panel.text]
        rows = ("  ".join(cell.text for cell in row.cells).rstrip() for row in self.table.shown)
        table = "\n".join(rows)
        return "\n\n".join((*texts, table)) if table else "\n\n".join(texts)

    def exported(self) -> Export | None:
        if self.subject is None:
            return None
        return Export(json_text(self.subject), "json", f"the {self.kind}")

    def _width(self) -> int:
        """Of a line in a panel."""
        columns = 2 if self.has_class("-wide") else 1
        return max(20, self.app.size.width // columns - 4)

    def _fit_table(self, rows: int) -> None:
        """The table takes the lines that it needs, but leaves most of the screen to the figures."""
        most = max(_LEAST_TABLE, self.app.size.height * 2 // 5)
        height = min(max(rows, 1) + 1, most)
        if self._table_height != height:
            self._table_height = height
            for table in self.tables():
                table.styles.height = height

    def _why_nothing(self, update: Update) -> str:
        return "nothing known yet" if update.view is None else "not there (any more)"

    def _say(self, text: str) -> None:
        for title, panel in self._panels.items():
            panel.show_part(part(STATUS, [plain(text, "dim")]) if title == STATUS else None)

    # What the reader does

    def action_scroll_parts(self, direction: int) -> None:
        parts = self.query_one("#parts", VerticalScroll)
        step = max(1, parts.size.height - 2)
        parts.scroll_relative(y=step * direction, animate=False)

    def on_keyed_table_opened(self, event: KeyedTable.Opened) -> None:
        event.stop()
        place = self.opened(event.key)
        if place is not None:
            self.app_.open(place)

    def on_keyed_table_released(self) -> None:
        self.redraw()
