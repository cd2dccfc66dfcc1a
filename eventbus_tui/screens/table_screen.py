"""A screen with one table: filter, sort, problems only, and an order that is held."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ..filtering import Filter, parse
from ..format import clean
from ..navigation import Place
from ..table import Arranged, Cell, Column, Row, arrange
from ..update import Update
from ..widgets.filter_bar import FilterBar
from ..widgets.keyed_table import KeyedTable
from .monitor_screen import Export, MonitorScreen, json_export
from .table_state import TableState


class TableScreen(MonitorScreen):
    """Rows from an update, in one `KeyedTable`. A subclass gives the columns, the sort it starts
    with, `rows` and `opened`."""

    columns: ClassVar[Sequence[Column]]
    default_sort: ClassVar[str]
    """Name of a column."""
    nothing: ClassVar[str] = "there is nothing here"
    """Said when there is no row at all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="screen.filter", key_display="/"),
        Binding("s", "sort(1)", "Sort", id="screen.sort"),
        Binding("S", "reverse", "Turn the sort", show=False, id="screen.reverse"),
        Binding("exclamation_mark", "problems", "Problems", id="screen.problems", key_display="!"),
        Binding("n", "next_problem(1)", "Next problem", show=False, id="screen.next"),
        Binding("N", "next_problem(-1)", "Previous problem", show=False, id="screen.previous"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.table = KeyedTable(self.columns, id="table")
        self.bar = FilterBar()
        self._arranged = Arranged((), 0, 0)
        self._filter: Filter = parse("")
        self._own_state: TableState | None = None

    @abstractmethod
    def rows(self, update: Update) -> Sequence[Row]:
        """The rows of an update that has a view."""

    @abstractmethod
    def opened(self, key: str) -> Place | None:
        """What enter opens on a row; None for nothing."""

    @property
    def state(self) -> TableState:
        """Shared by all screens of this name, unless this one was opened with a filter."""
        if self._own_state is None:
            index = [column.name for column in self.columns].index(self.default_sort)
            new = TableState(index, self.columns[index].biggest_first, self.place.filter)
            known = self.app_.table_states
            self._own_state = new if self.place.filter else known.setdefault(self.place.screen, new)
        return self._own_state

    # The frame

    def body(self) -> ComposeResult:
        yield self.table

    def below(self) -> ComposeResult:
        yield self.bar

    def on_mount(self) -> None:
        self.table.focus()
        if self.state.filter:
            self.bar.set(self.state.filter)
        self._filter = parse(self.state.filter)

    def show(self, update: Update) -> None:
        if update.view is None:
            self._arranged = Arranged((), 0, 0)
            self.table.say_empty("nothing known yet" if update.bus else "no bus yet")
            self.table.show(())
            return
        state = self.state
        self._arranged = arranged = arrange(
            self.rows(update),
            sort=state.sort,
            descending=state.descending,
            matches=None if self._filter.empty else self._matches,
            problems_only=state.problems_only,
        )
        self.table.mark_sort(state.sort, descending=state.descending)
        self.table.say_empty(self._empty_text())
        self.table.show(arranged.rows, more=arranged.matched - len(arranged.rows))

    def note(self) -> Sequence[Cell]:
        state, arranged = self.state, self._arranged
        marks = self.app_.marks
        cells: list[Cell] = []
        if self._filter.error:
            cells.append(Cell(f"{marks.warn} {clean(self._filter.error)}  ", "warn"))
        elif self._filter.text:
            cells.append(Cell(f"filter: {clean(self._filter.text)}  ", "warn"))
        sign = marks.falling if state.descending else marks.rising
        cells.append(Cell(f"sort: {self.columns[state.sort].name} {sign}  ", "dim"))
        few = arranged.matched != arranged.total
        cells.append(
            Cell(f"{arranged.matched:,}/{arranged.total:,} " if few else f"{arranged.total:,} ")
        )
        return cells

    def flags(self) -> Sequence[Cell]:
        flags: list[Cell] = []
        if self.state.problems_only:
            flags.append(Cell("problems only", "warn"))
        if self.table.held:
            flags.append(Cell("order held", "warn"))
        return flags

    def copied(self) -> str:
        row = self.table.cursor_row
        return "" if row is None else "  ".join(cell.text.strip() for cell in row.cells)

    def exported(self) -> Export:
        rows = [
            {column.name: cell.text for column, cell in zip(self.columns, row.cells, strict=True)}
            | {"key": row.key, "values": row.values}
            for row in self.table.shown
        ]
        return json_export(rows, len(rows))

    def escaped(self) -> bool:
        if not self.state.filter or self.place.filter:
            return False
        self.bar.set("")
        self.bar.remove_class("-open")
        return True

    # What the reader does

    def action_filter(self) -> None:
        self.bar.open()

    def action_sort(self, step: int) -> None:
        column = self.table.sortable_beside(self.state.sort, step)
        if column is not None:
            self._sort_by(column)

    def action_reverse(self) -> None:
        self.state.descending = not self.state.descending
        self._arrange_now()

    def action_problems(self) -> None:
        self.state.problems_only = not self.state.problems_only
        self._arrange_now()

    def action_next_problem(self, step: int) -> None:
        if not self.table.go_to_next(lambda row: row.problem, step):
            self.notify("no problem in these rows", markup=False)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        self._filter = event.filter
        self.state.filter = event.filter.text
        self._arrange_now()

    def on_filter_bar_left(self) -> None:
        self.table.focus()

    def on_keyed_table_opened(self, event: KeyedTable.Opened) -> None:
        place = self.opened(event.key) if event.table is self.table else None
        if place is not None:
            event.stop()
            self.app_.open(place)

    def on_keyed_table_cursor_moved(self, event: KeyedTable.CursorMoved) -> None:
        self.status_again()

    def on_keyed_table_released(self) -> None:
        self.redraw()

    def on_keyed_table_heading_pressed(self, event: KeyedTable.HeadingPressed) -> None:
        if self.columns[event.column].sortable:
            if event.column == self.state.sort:
                self.action_reverse()
            else:
                self._sort_by(event.column)

    def _sort_by(self, column: int) -> None:
        self.state.sort = column
        self.state.descending = self.columns[column].biggest_first
        self._arrange_now()

    def _arrange_now(self) -> None:
        """The reader asked for another order: it is not held against that."""
        self.table.release()
        self.redraw()
        self.table.show_cursor()

    def _matches(self, row: Row) -> bool:
        return self._filter.matches(" ".join(cell.text for cell in row.cells), row.values)

    def _empty_text(self) -> str:
        if self._arranged.total == 0:
            return self.nothing
        marks = self.app_.marks
        if self._filter.empty and self.state.problems_only:
            return f"{marks.ok} no problems in {self._arranged.total:,} rows"
        return f"none of {self._arranged.total:,} rows matches"
