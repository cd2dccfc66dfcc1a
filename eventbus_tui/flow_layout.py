"""How a row of the flow is laid out in a given width. Pure."""

from typing import Final, NamedTuple

from . import format
from .flow_rows import Audience, FlowRow, JournalRow, MessageRow
from .marks import Marks
from .rows.figures import mode_of
from .table import Cell, Level


class Layout(NamedTuple):
    """Widths of the columns; 0: not there."""

    clock: int
    event: int
    source: int
    target: int
    size: int
    preview: int


class Field(NamedTuple):
    """One column of a row."""

    cell: Cell
    width: int
    right: bool = False


_NORMAL: Final = 79
_WIDE: Final = 140
_MODE: Final = 3
_GAPS: Final = 7
"""The cursor, and a space after each column."""


def layout_for(width: int) -> Layout:
    """The columns of a terminal so wide."""
    if width < _NORMAL:
        clock, event, source, target, size = 8, 14, 8, 10, 0
    else:
        more = min(1.0, (width - _NORMAL) / (_WIDE - _NORMAL))
        clock, size = 12, 8
        event, source, target = 16 + int(8 * more), 10 + int(6 * more), 12 + int(12 * more)
    used = clock + _MODE + event + source + target + size + _GAPS
    return Layout(clock, event, source, target, size, max(8, width - used))


def heading(layout: Layout) -> list[Field]:
    """The names of the columns."""
    names = (
        ("TIME", layout.clock, False),
        ("", _MODE, False),
        ("EVENT", layout.event, False),
        ("FROM", layout.source, False),
        ("TO", layout.target, False),
        ("SIZE", layout.size, True),
        ("PAYLOAD", layout.preview, False),
    )
    return [Field(Cell(name, "dim"), width, right) for name, width, right in names if width]


def fields(row: FlowRow, layout: Layout, audience: Audience, marks: Marks) -> list[Field]:
    """The columns of a row; an entry of the journal has two."""
    clock = Cell(format.clock(row.stored_ms, millis=layout.clock > 8), "dim")
    if isinstance(row, JournalRow):
        return [Field(clock, layout.clock), *_entry_fields(row, marks)]
    look = mode_of(row.kind)
    found = [
        Field(clock, layout.clock),
        Field(Cell(look.short, look.level), _MODE),
        Field(Cell(format.clean(row.event or row.stream)), layout.event),
        Field(Cell(format.clean(row.source)), layout.source),
        Field(_target(row, audience, marks, look.level), layout.target),
    ]
    if layout.size:
        found.append(Field(Cell(format.size(row.size), "dim"), layout.size, right=True))
    if row.problem:
        text = f"{marks.crit} cannot be read: {row.preview}"
        found.append(Field(Cell(text, "crit"), layout.preview))
    else:
        found.append(Field(Cell(row.preview), layout.preview))
    return found


def _target(row: MessageRow, audience: Audience, marks: Marks, level: Level) -> Cell:
    arrow = "->" if marks.ascii else "→"
    return Cell(f"{arrow} {audience.told(row)}", level)


def _entry_fields(row: JournalRow, marks: Marks) -> list[Field]:
    sign = {"crit": marks.crit, "warn": marks.warn}.get(row.level, marks.dot)
    kind, told = row.told
    return [
        Field(Cell(f"{sign} {kind.text}", kind.level), 0),
        Field(Cell(told.text, row.level if row.level != "crit" else ""), 0),
    ]
