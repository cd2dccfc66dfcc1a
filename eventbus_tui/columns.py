"""Which columns of a table stand in a given width, and how wide. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from .table import Column

GAP: Final = 1
"""Between two columns."""
_NARROWEST: Final = 8
"""To which a column that grows may shrink."""


class Placed(NamedTuple):
    """One column that is shown."""

    column: int
    """Its number, also in the cells of a row."""
    width: int


def place_columns(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """Drop columns, the highest priority number first and from the right, until the rest fits;
    what is left over goes to the column that grows. At least one is shown."""
    shown = list(range(len(columns)))
    while len(shown) > 1 and _needed(columns, shown) > width:
        droppable = [index for index in shown if columns[index].priority > 0]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda index: (columns[index].priority, index)))
    spare = width - _needed(columns, shown)
    return tuple(
        Placed(index, _width(columns[index], spare if columns[index].grows else 0))
        for index in shown
    )


def _needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return sum(columns[index].width for index in shown) + GAP * (len(shown) - 1)


def _width(column: Column, more: int) -> int:
    return max(min(_NARROWEST, column.width), column.width + more)
