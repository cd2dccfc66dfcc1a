"""The table of instances: the living and the lately dead."""

from typing import Final, NamedTuple

from eventbus_core.monitoring import BusView, InstanceState, InstanceView

from .. import format
from ..marks import Marks
from ..table import Cell, Column, Row
from .figures import coarse, filled, number
from .kept import KeptRows
from .state import WIDTH, codes, problems_first, state_cell, state_word

COLUMNS: Final = (
    Column(name="STATE", width=WIDTH, biggest_first=True),
    Column(name="ID", width=16, grows=True),
    Column(name="SERVICE", width=12, priority=3),
    Column(name="HOST/PID", width=22, priority=6),
    Column(name="UP", width=4, priority=5, right=True, biggest_first=True),
    Column(name="HB-AGE", width=8, priority=1, right=True, biggest_first=True),
    Column(name="SUBS", width=4, priority=10, right=True, biggest_first=True),
    Column(name="PEND", width=6, right=True, biggest_first=True),
    Column(name="INFLIGHT", width=8, priority=4, right=True, biggest_first=True),
    Column(name="ACK/s", width=7, priority=2, right=True, biggest_first=True),
    Column(name="ERR/s", width=7, priority=2, right=True, biggest_first=True),
    Column(name="TAKEN", width=6, priority=8, right=True, biggest_first=True),
    Column(name="VERSION", width=8, priority=7),
)
_FRESH: Final = (5, 10, 30, 60, 300, 3600)
"""Bounds within which the heartbeat of one that lives is shown, so that its row keeps still."""


class _Around(NamedTuple):
    marks: Marks
    seen: float | None
    """Age of the newest heartbeat, as coarse as it is shown."""


def rows(view: BusView, marks: Marks) -> tuple[Row, ...]:
    """One for each instance, in the order of the view."""
    return _kept.rows((each, _Around(marks, _shown_age(view, each))) for each in view.instances)


def seen_age(view: BusView, instance: InstanceView) -> float:
    """Seconds since its newest heartbeat, by the store's clock."""
    return max(0.0, (view.snapshot.at_ms - instance.last_seen_ms) / 1000)


def instance_cell(instance: InstanceView, marks: Marks) -> Cell:
    """Its worst finding, else whether it lives."""
    if instance.state is InstanceState.DEAD:
        well = Cell(f"{marks.crit} dead", "dim")
    elif instance.state is InstanceState.LATE:
        well = Cell(f"{marks.warn} late", "warn")
    else:
        well = None
    return state_cell(instance.findings, marks, well=well)


def beat_text(state: InstanceState, age: float | None) -> str:
    """Age of its heartbeat: ``<5s`` while it lives, ``47s ago`` once it is dead."""
    if state is InstanceState.DEAD:
        return f"{format.age(age)} ago"
    if state is InstanceState.LIVE and age is not None and age < _FRESH[-1]:
        return f"<{format.age(next(bound for bound in _FRESH if age < bound))}"
    return format.age(age)


def in_flight(instance: InstanceView) -> str:
    """Handlers that run, and messages in the process that wait for one."""
    vitals = instance.snapshot.vitals if instance.snapshot else None
    if instance.state is InstanceState.DEAD or vitals is None:
        return format.NOT_YET
    return f"{vitals.running}/{vitals.waiting}"


def state_name(instance: InstanceView) -> str:
    return "ok" if instance.state is InstanceState.LIVE else str(instance.state)


def _shown_age(view: BusView, instance: InstanceView) -> float | None:
    age = seen_age(view, instance)
    if instance.state is InstanceState.LIVE and age < _FRESH[-1]:
        return float(next(bound for bound in _FRESH if age < bound)) - 1
    return coarse(age)


def _row(instance: InstanceView, around: _Around) -> Row:
    marks, of = around.marks, instance.snapshot
    dead = instance.state is InstanceState.DEAD
    service = format.clean(of.group) if of else ""
    place = f"{format.clean(of.host)}/{of.pid}" if of else ""
    version = format.clean(of.version) if of else ""
    # What a dead one has in hand is orphaned.
    pending = instance.orphaned if dead else (of.pending if of else None)
    subscriptions = len(of.subscriptions) if of else 0
    vitals = of.vitals if of and not dead else None
    failed = instance.failed_rate
    cells = (
        instance_cell(instance, marks),
        Cell(format.clean(instance.id), "dim" if dead else ""),
        Cell(service),
        Cell(place),
        Cell(format.age(instance.uptime)),
        Cell(beat_text(instance.state, around.seen)),
        Cell(f"{subscriptions}" if of else format.NOT_YET),
        Cell(format.count(pending), "crit" if instance.orphaned else ""),
        Cell(in_flight(instance)),
        Cell(format.NOT_YET if dead else format.rate(instance.handled_rate)),
        Cell(format.NOT_YET if dead else format.rate(failed), "warn" if failed else ""),
        Cell(format.count(instance.taken_over) if dead else ""),
        Cell(version),
    )
    return Row(
        key=instance.key,
        cells=cells,
        sort=(
            problems_first(instance.findings, pending),
            instance.id,
            service,
            place,
            number(coarse(instance.uptime)),
            number(around.seen),
            subscriptions,
            number(pending),
            float(vitals.running + vitals.waiting) if vitals else -1.0,
            -1.0 if dead else number(instance.handled_rate),
            -1.0 if dead else number(failed),
            instance.taken_over,
            version,
        ),
        values=filled(
            state=state_word(instance.findings, well=state_name(instance)),
            findings=codes(instance.findings),
            id=instance.id,
            life=str(instance.state),
            service=of.group if of else None,
            host=of.host if of else None,
            pid=of.pid if of else None,
            version=of.version if of else None,
            role=of.role if of else None,
            up=coarse(instance.uptime),
            **{"hb-age": around.seen},
            pend=pending,
            running=vitals.running if vitals else None,
            waiting=vitals.waiting if vitals else None,
            ack=instance.handled_rate,
            err=failed,
            orphaned=instance.orphaned,
            taken=instance.taken_over,
        ),
        problem=bool(instance.findings),
    )


_kept: Final = KeptRows(_row)
