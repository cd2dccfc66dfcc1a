"""A table with a heading, and how it is sorted; without rows it is one line high."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from ..table import Arranged, Cell, Column, Row, arrange
from .keyed_table import KeyedTable
from .line import Line


class Section(Vertical):
    """One of several tables on a screen."""

    DEFAULT_CSS = """
    Section { height: 1fr; }
    Section.-empty { height: 1; }
    Section.-empty KeyedTable { display: none; }
    """

    def __init__(
        self, title: str, columns: Sequence[Column], sort: str, *, id: str | None = None
    ) -> None:
        """`sort`: the column that it is sorted by at first."""
        super().__init__(id=id)
        self.title = title
        self.table = KeyedTable(columns)
        self.arranged = Arranged((), 0, 0)
        self._heading = Line()
        names = [column.name for column in columns]
        self._sort = names.index(sort)
        self._descending = columns[self._sort].biggest_first

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self.table

    def show(
        self,
        rows: Sequence[Row],
        *,
        matches: Callable[[Row], bool] | None,
        empty: Cell,
        note: Sequence[Cell] = (),
    ) -> None:
        """Show these; `empty` is said where there is none, `note` beside the title."""
        self.arranged = found = arrange(
            rows, sort=self._sort, descending=self._descending, matches=matches
        )
        self.set_class(not found.total, "-empty")
        title = Cell(f" {self.title}  ", "strong")
        if not found.total:
            self._heading.show((title, empty))
        else:
            few = found.matched != found.total
            count = f"{found.matched:,} of {found.total:,} " if few else f"{found.total:,} "
            self._heading.show((title, *note), (Cell(count, "dim"),))
        self.table.mark_sort(self._sort, descending=self._descending)
        self.table.say_empty(f"none of {found.total:,} rows matches")
        self.table.show(found.rows, more=found.matched - len(found.rows))

    def sort_by_next(self) -> None:
        """Sort by the next column that is shown."""
        column = self.table.sortable_beside(self._sort, 1)
        if column is not None:
            self.sort_by(column)

    def sort_by(self, column: int) -> None:
        """Sort by that column; the other way round when it was already."""
        if column == self._sort:
            self._descending = not self._descending
        else:
            self._sort, self._descending = column, self.table.columns[column].biggest_first
        self.table.release()

    def reverse(self) -> None:
        self._descending = not self._descending
        self.table.release()
