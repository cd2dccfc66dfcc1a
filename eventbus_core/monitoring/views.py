"""One bus at one moment, with what only several looks can tell: rates, trends, findings."""

from dataclasses import dataclass
from enum import StrEnum

from ..snapshots import BusSnapshot, GroupSnapshot, InstanceSnapshot, StreamSnapshot
from .finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """A stream. Rates are messages per second; None until two looks are there."""

    key: str
    """Unique among the streams of a bus: kind and name, as ``work orders:paid``."""
    snapshot: StreamSnapshot
    rate_in: float | None
    rate_out: float | None
    """Handled per second by whoever is furthest behind."""
    margin: float | None
    """Share of `max_backlog` that is free: 1.0 when nothing is unhandled, 0.0 when broadcasts get
    lost or emits are refused."""
    history: tuple[float, ...]
    """The newest rates in, oldest first, one for each look; at most HISTORY. As long as there were
    only zeros it is a single one."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group of a work stream, or the one reader of an inbox."""

    key: str
    """Unique among the groups of a bus: ``work EVENT GROUP`` or ``inbox ID``."""
    name: str
    """``GROUP@EVENT``, or ``ID (inbox)``."""
    snapshot: GroupSnapshot
    settle_rate: float | None
    """Settled per second."""
    growth: float | None
    """Messages per second by which the backlog grows; negative while it shrinks. Over some looks,
    so that it does not flicker."""
    drain_seconds: float | None
    """Until nothing is left at this rate: 0 with nothing to do, infinite when it never will, None
    when that is not known. A backlog that is settled within two seconds is work in progress: here
    it is how long that takes, although newer messages have come by then."""
    oldest_age: float | None
    """Of what is not settled but was handed out, in seconds."""
    members: int
    """Live instances that are subscribed."""
    orphaned: int
    """Messages that incarnations still hold that are dead, declared or not."""
    history: tuple[float, ...]
    """The newest backlogs, oldest first."""
    findings: tuple[Finding, ...] = ()


class InstanceState(StrEnum):
    LIVE = "live"
    LATE = "late"
    """Its heartbeat is overdue, its lease still holds."""
    DEAD = "dead"
    """Its lease has run out, or it was declared dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceView:
    """An incarnation that lives, or that died a short while ago."""

    key: str
    """Its incarnation."""
    id: str
    state: InstanceState
    declared: bool
    """Whether it was declared dead, so that its work can be taken over."""
    last_seen_ms: int
    """When its newest heartbeat was (or, if that was never seen, when it was declared dead)."""
    snapshot: InstanceSnapshot | None
    """The newest that was seen of it; None when it had died before the first look."""
    uptime: float | None
    """Seconds since it started; of a dead one, the seconds that it lived."""
    handled_rate: float | None
    """Handled per second, between the newest two heartbeats that were seen."""
    failed_rate: float | None
    orphaned: int
    """Messages that it still holds although it is dead."""
    taken_over: int
    """Its messages that others have been handed since its death, as the journal tells. Those that
    were taken over together with another one's count for both."""
    history: tuple[float, ...]
    """The newest handled rates, oldest first, one for each heartbeat that was seen."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """The whole bus in messages per second; None until two looks are there."""

    rate_in: float | None
    rate_out: float | None
    settle_rate: float | None
    fail_rate: float | None
    """Failed attempts, as instances tell with their heartbeats."""
    history_in: tuple[float, ...]
    history_out: tuple[float, ...]
    history_settle: tuple[float, ...]
    history_fail: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusView:
    """What there is to show of one bus."""

    snapshot: BusSnapshot
    poll_seconds: float
    """How long the look took."""
    looks: int
    """How many there were; rates need two."""
    streams: tuple[StreamView, ...]
    groups: tuple[GroupView, ...]
    instances: tuple[InstanceView, ...]
    """The living and the lately dead, sorted by id."""
    totals: TotalsView
    dead_letter_growth: int
    """How many more there are than one window ago (see Thresholds)."""
    findings: tuple[Finding, ...]
    """Worst first, then oldest first."""
