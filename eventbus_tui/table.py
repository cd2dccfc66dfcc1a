"""Rows as plain values: what a screen shows, before any widget. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Level: TypeAlias = Literal[
    "", "ok", "warn", "crit", "dim", "strong", "broadcast", "unicast", "anycast"
]
"""How a cell is coloured; what it means also stands in its text."""
Sortable: TypeAlias = float | str


class Cell(NamedTuple):
    """One field of a row. The text is harmless already (see format.clean)."""

    text: str
    level: Level = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: str
    """Its heading; unique in the table."""
    width: int
    priority: int = 0
    """Columns with the highest number go first when the terminal is narrow; 0: always there."""
    right: bool = False
    """Numbers stand to the right."""
    grows: bool = False
    """Takes what width is left over. One per table."""
    sortable: bool = True
    biggest_first: bool = False
    """The direction in which a first press of the sort key sorts."""


class Row(NamedTuple):
    """One line."""

    key: str
    """Stays the same as long as it is the same thing: the cursor follows it."""
    cells: tuple[Cell, ...]
    """One for each column, of narrow terminals too."""
    sort: tuple[Sortable, ...]
    """One for each column, to sort by; of one type within a column."""
    values: dict[str, str | float]
    """What filters may ask for by name, as ``lag``."""
    problem: bool = False
    """Stays when only problems are shown."""


class Arranged(NamedTuple):
    """The rows to show, in order."""

    rows: tuple[Row, ...]
    matched: int
    total: int


def arrange(
    rows: Sequence[Row],
    *,
    sort: int,
    descending: bool,
    matches: Callable[[Row], bool] | None = None,
    problems_only: bool = False,
    limit: int = 500,
) -> Arranged:
    """Filter, sort by column number `sort` (then by key), and cut off at `limit`."""
    found = [
        row
        for row in rows
        if (row.problem or not problems_only) and (matches is None or matches(row))
    ]
    found.sort(key=lambda row: row.key)
    found.sort(key=lambda row: row.sort[sort], reverse=descending)
    return Arranged(tuple(found[:limit]), len(found), len(rows))
