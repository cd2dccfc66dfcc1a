"""The table of groups and inboxes."""

from typing import Final, NamedTuple

from eventbus_core.monitoring import BusView, ChannelKind, GroupView

from .. import format
from ..marks import Marks
from ..table import Cell, Column, Level, Row
from .figures import arrow, filled, mode_of, number
from .kept import KeptRows
from .state import WIDTH, codes, problems_first, state_cell, state_word

SPARK: Final = 8

COLUMNS: Final = (
    Column(name="STATE", width=WIDTH, biggest_first=True),
    Column(name="GROUP@STREAM", width=15, grows=True),
    Column(name="MODE", width=4, priority=5),
    Column(name="LAG", width=6, right=True, biggest_first=True),
    Column(name="TREND", width=9, priority=3, biggest_first=True),
    Column(name="BACKLOG", width=SPARK, priority=9, biggest_first=True),
    Column(name="PEND", width=6, priority=1, right=True, biggest_first=True),
    Column(name="WAIT", width=6, priority=8, right=True, biggest_first=True),
    Column(name="OLDEST", width=6, priority=6, right=True, biggest_first=True),
    Column(name="INST", width=5, priority=4, right=True),
    Column(name="DRAIN", width=5, priority=2, right=True, biggest_first=True),
    Column(name="ACK/s", width=7, priority=7, right=True, biggest_first=True),
)


class _Around(NamedTuple):
    marks: Marks
    absent: bool


def rows(view: BusView, marks: Marks) -> tuple[Row, ...]:
    """One for each group and inbox, in the order of the view."""
    absent = frozenset(view.snapshot.absent)
    there, away = _Around(marks, False), _Around(marks, True)
    return _kept.rows(
        (each, away if is_inbox(each) and each.snapshot.name in absent else there)
        for each in view.groups
    )


def is_inbox(group: GroupView) -> bool:
    return group.snapshot.kind is ChannelKind.INBOX


def waiting(group: GroupView) -> int | None:
    """Messages that came back or are set aside."""
    parts = (group.snapshot.waiting, group.snapshot.delayed)
    return None if None in parts else sum(part or 0 for part in parts)


def orphans_level(group: GroupView) -> Level:
    return "crit" if group.orphaned else ""


def _row(group: GroupView, around: _Around) -> Row:
    marks, of = around.marks, group.snapshot
    mode = mode_of(of.kind)
    backlog, held_back = of.backlog, waiting(group)
    away = Cell(f"{marks.stale} absent", "dim") if around.absent else None
    listed = len(of.consumers)
    cells = (
        state_cell(group.findings, marks, well=away),
        Cell(format.clean(group.name)),
        Cell(mode.short, mode.level),
        Cell(format.count(of.lag)),
        Cell(arrow(group.growth, marks)),
        Cell(format.spark(group.history, SPARK, ascii_only=marks.ascii)),
        Cell(format.count(of.pending)),
        Cell(format.count(held_back), orphans_level(group)),
        Cell(format.age(group.oldest_age)),
        Cell(f"{group.members}/{max(listed, group.members)}", "" if group.members else "dim"),
        Cell(format.age(group.drain_seconds) if group.drain_seconds != 0 else "0s"),
        Cell(format.rate(group.settle_rate)),
    )
    return Row(
        key=group.key,
        cells=cells,
        sort=(
            problems_first(group.findings, backlog),
            group.name,
            mode.short,
            number(of.lag),
            number(group.growth, float("-inf")),
            number(backlog),
            number(of.pending),
            number(held_back),
            number(group.oldest_age),
            group.members,
            number(group.drain_seconds),
            number(group.settle_rate),
        ),
        values=filled(
            state=state_word(group.findings, well="absent" if around.absent else "ok"),
            findings=codes(group.findings),
            group=of.name,
            stream=of.name if is_inbox(group) else of.event,
            mode=mode.word,
            lag=of.lag,
            backlog=backlog,
            growth=group.growth,
            pend=of.pending,
            wait=held_back,
            orphaned=group.orphaned,
            oldest=group.oldest_age,
            inst=group.members,
            drain=group.drain_seconds,
            ack=group.settle_rate,
        ),
        problem=bool(group.findings),
    )


_kept: Final = KeptRows(_row)
