"""The tables inside detail screens: who shares a group, and where an instance has work."""

from typing import Final

from eventbus_core.monitoring import (
    BusView,
    ChannelKind,
    ConsumerSnapshot,
    EventMode,
    GroupView,
    InstanceState,
    InstanceView,
    StreamView,
)

from .. import format
from ..marks import Marks
from ..table import Cell, Column, Level, Row
from .figures import filled, mode_of, number
from .instances import in_flight, instance_cell
from .lines import bar
from .state import WIDTH, codes, ok_cell, problems_first, state_cell, state_word

BAR: Final = 20

MEMBERS: Final = (
    Column(name="STATE", width=WIDTH, biggest_first=True),
    Column(name="INSTANCE", width=16, grows=True),
    Column(name="PEND", width=7, right=True, biggest_first=True),
    Column(name="SHARE", width=BAR, priority=2, biggest_first=True),
    Column(name="INFLIGHT", width=8, priority=3, right=True),
    Column(name="ACK/s", width=7, priority=4, right=True, biggest_first=True),
)
READERS: Final = (
    Column(name="STATE", width=WIDTH, biggest_first=True),
    Column(name="INSTANCE", width=16, grows=True),
    Column(name="SERVICE", width=12, priority=3),
    Column(name="BEHIND", width=8, right=True, biggest_first=True),
    Column(name="SHARE", width=BAR, priority=2, biggest_first=True),
)
HOLDINGS: Final = (
    Column(name="STATE", width=WIDTH, biggest_first=True),
    Column(name="GROUP@STREAM", width=16, grows=True),
    Column(name="MODE", width=9, priority=3),
    Column(name="HERE", width=7, right=True, biggest_first=True),
    Column(name="LAG", width=7, priority=2, right=True, biggest_first=True),
    Column(name="PEND", width=7, priority=1, right=True, biggest_first=True),
)


def members(view: BusView, group: GroupView, marks: Marks) -> tuple[Row, ...]:
    """Who is subscribed to a group or holds messages of it, with bars that show how evenly."""
    known = {each.key: each for each in view.instances}
    shares = group.snapshot.consumers
    most = max((each.pending for each in shares), default=0)
    return tuple(_member(each, known.get(each.incarnation), most, marks) for each in shares)


def readers(view: BusView, marks: Marks) -> tuple[Row, ...]:
    """Who reads broadcasts, and how many each has not passed yet."""
    shown = [each for each in view.instances if _reads(each)]
    most = max((each.snapshot.behind or 0 for each in shown if each.snapshot), default=0)
    return tuple(_reader(each, most, marks) for each in shown)


def holdings(view: BusView, instance: InstanceView, marks: Marks) -> tuple[Row, ...]:
    """The groups that an instance is subscribed to or holds messages of."""
    return tuple(
        _holding(group, share, marks)
        for group in view.groups
        for share in group.snapshot.consumers
        if share.incarnation == instance.key
    )


def groups_of(view: BusView, stream: StreamView) -> list[GroupView]:
    """The groups of a work stream, or the reader of an inbox."""
    of = stream.snapshot
    return [
        each
        for each in view.groups
        if each.snapshot.kind is of.kind and (each.snapshot.event or each.snapshot.name) == of.name
    ]


def stream_of(view: BusView, group: GroupView) -> StreamView | None:
    """Where a group reads."""
    of = group.snapshot
    name = of.event or of.name
    return next(
        (x for x in view.streams if x.snapshot.kind is of.kind and x.snapshot.name == name), None
    )


def _reads(instance: InstanceView) -> bool:
    of = instance.snapshot
    return (
        of is not None
        and instance.state is not InstanceState.DEAD
        and any(each.mode is EventMode.BROADCAST for each in of.subscriptions)
    )


def _member(share: ConsumerSnapshot, instance: InstanceView | None, most: int, marks: Marks) -> Row:
    gone = not share.alive
    level: Level = "crit" if gone and share.pending else ""
    name = format.clean(share.instance) or format.clean(share.incarnation)
    if instance is not None:
        state = instance_cell(instance, marks)
    elif gone:
        state = Cell(f"{marks.crit} dead", "crit" if share.pending else "dim")
    else:
        state = ok_cell(marks)
    drawn = bar(share.pending, most, BAR, ascii_only=marks.ascii)
    rate = None if instance is None else instance.handled_rate
    cells = (
        state,
        Cell(name),
        Cell(format.count(share.pending), level),
        Cell(drawn, level),
        Cell(in_flight(instance) if instance else format.NOT_YET),
        Cell(format.rate(rate)),
    )
    findings = instance.findings if instance else ()
    badness = problems_first(findings, share.pending)
    return Row(
        key=share.incarnation,
        cells=cells,
        sort=(badness, name, share.pending, share.pending, cells[4].text, number(rate)),
        values=filled(
            state=state_word(findings, well="dead" if gone else "ok"),
            findings=codes(findings),
            id=share.instance,
            pend=share.pending,
            ack=rate,
        ),
        problem=bool(findings) or gone,
    )


def _reader(instance: InstanceView, most: int, marks: Marks) -> Row:
    of = instance.snapshot
    behind = of.behind if of else None
    service = format.clean(of.group) if of else ""
    return Row(
        key=instance.key,
        cells=(
            instance_cell(instance, marks),
            Cell(format.clean(instance.id)),
            Cell(service),
            Cell(format.count(behind)),
            Cell(bar(behind or 0, most, BAR, ascii_only=marks.ascii)),
        ),
        sort=(
            problems_first(instance.findings, behind),
            instance.id,
            service,
            number(behind),
            number(behind),
        ),
        values=filled(
            state=state_word(instance.findings), id=instance.id, service=service, behind=behind
        ),
        problem=bool(instance.findings),
    )


def _holding(group: GroupView, share: ConsumerSnapshot, marks: Marks) -> Row:
    of = group.snapshot
    mode = mode_of(of.kind)
    return Row(
        key=group.key,
        cells=(
            state_cell(group.findings, marks),
            Cell(format.clean(group.name)),
            Cell(mode.word, mode.level),
            Cell(format.count(share.pending)),
            Cell(format.count(of.lag)),
            Cell(format.count(of.pending)),
        ),
        sort=(
            problems_first(group.findings, share.pending),
            group.name,
            mode.word,
            share.pending,
            number(of.lag),
            number(of.pending),
        ),
        values=filled(
            state=state_word(group.findings),
            findings=codes(group.findings),
            group=of.name,
            stream=of.event or (of.name if of.kind is ChannelKind.INBOX else None),
            here=share.pending,
            lag=of.lag,
            pend=of.pending,
        ),
        problem=bool(group.findings),
    )
