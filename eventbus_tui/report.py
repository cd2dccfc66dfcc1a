"""What is reported without a screen: one bus at one moment, and how bad it is."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from eventbus_core.monitoring import BusView, GroupView, InstanceView, Severity, StreamView

from .filtering import Filter
from .marks import Marks
from .rows import groups, instances, streams
from .table import Row
from .usage import Status

View = TypeVar("View", StreamView, GroupView, InstanceView)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report. Without a view the store could not be reached, or has no bus."""

    made_ms: int
    """By the clock of this host, Unix milliseconds."""
    status: Status
    error: str
    """Why the store could not be reached; never with a password."""
    bus: str
    """Empty when there is none."""
    buses: tuple[str, ...]
    stored: bool
    """Whether the store has the bus."""
    interval: float
    view: BusView | None


def report_of(view: BusView | None, *, bus: str, buses: Sequence[str], interval: float) -> Report:
    """The report of a look. A bus that was asked for and is not stored is a warning: somebody
    relies on it."""
    stored = bus in buses or (view is not None and _is_used(view))
    status = Status.OK if view is None else _status_of(view)
    if bus and not stored:
        status = max(status, Status.WARNING)
    return Report(
        made_ms=_now_ms(),
        status=status,
        error="",
        bus=bus,
        buses=tuple(buses),
        stored=stored,
        interval=interval,
        view=view,
    )


def unreachable(error: str, *, bus: str, interval: float) -> Report:
    """The report of a look that failed."""
    return Report(
        made_ms=_now_ms(),
        status=Status.UNREACHABLE,
        error=error,
        bus=bus,
        buses=(),
        stored=False,
        interval=interval,
        view=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a filter lets through, with the rows that tables show of it."""

    streams: tuple[tuple[StreamView, Row], ...]
    groups: tuple[tuple[GroupView, Row], ...]
    instances: tuple[tuple[InstanceView, Row], ...]


def kept(view: BusView, marks: Marks, chosen: Filter) -> Kept:
    """In the order of the view."""
    return Kept(
        streams=_kept(view.streams, streams.rows(view, marks), chosen),
        groups=_kept(view.groups, groups.rows(view, marks), chosen),
        instances=_kept(view.instances, instances.rows(view, marks), chosen),
    )


def _kept(
    views: Iterable[View], rows: Iterable[Row], chosen: Filter
) -> tuple[tuple[View, Row], ...]:
    pairs = zip(views, rows, strict=True)
    if chosen.empty:
        return tuple(pairs)
    return tuple(
        (view, row)
        for view, row in pairs
        if chosen.matches(" ".join(cell.text for cell in row.cells), row.values)
    )


def _status_of(view: BusView) -> Status:
    severities = {finding.severity for finding in view.findings}
    if Severity.CRITICAL in severities:
        return Status.CRITICAL
    return Status.WARNING if severities else Status.OK


def _is_used(view: BusView) -> bool:
    """Whether there is such a bus: one that has just begun is not in the list yet."""
    return bool(view.snapshot.instances or view.snapshot.streams)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
