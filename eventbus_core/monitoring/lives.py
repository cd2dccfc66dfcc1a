"""From look to look: the instances that live."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ..modes import EventMode
from ..snapshots import BusSnapshot, InstanceSnapshot
from ..transport import ChannelKind, Subscription
from .finding import Finding
from .rates import Rate
from .tracks import attach
from .trends import History
from .views import InstanceState, InstanceView

_JITTER_MS: Final = 5
"""A lease's end is told as the time that is left: rounding moves it a little."""


class _Life:
    """What is remembered of one incarnation."""

    __slots__ = ("_failed", "_handled", "_history", "_late_share", "passed", "snapshot", "view")

    def __init__(self, snapshot: InstanceSnapshot, late_share: float) -> None:
        self._late_share = late_share
        self._handled = Rate()
        self._failed = Rate()
        self.passed = Rate()
        """Of broadcasts."""
        self._history = History()
        self.snapshot: InstanceSnapshot | None = None
        self.view = InstanceView(
            key=snapshot.incarnation,
            id=snapshot.id,
            state=InstanceState.LIVE,
            declared=False,
            last_seen_ms=0,
            snapshot=snapshot,
            uptime=None,
            handled_rate=None,
            failed_rate=None,
            orphaned=0,
            taken_over=0,
            history=(),
        )

    @property
    def live(self) -> bool:
        return self.view.state is not InstanceState.DEAD

    def see(self, snapshot: InstanceSnapshot, at_ms: int, broadcasts: int | None) -> InstanceView:
        age = snapshot.heartbeat_age
        last_seen_ms = self._heartbeat(snapshot, at_ms - round(age * 1000), broadcasts)
        state = InstanceState.LIVE
        if snapshot.lease_left < 0:
            state = InstanceState.DEAD
        elif snapshot.lease > 0 and age >= self._late_share * snapshot.lease:
            state = InstanceState.LATE
        self.snapshot = snapshot
        self.view = InstanceView(
            key=snapshot.incarnation,
            id=snapshot.id,
            state=state,
            declared=False,
            last_seen_ms=last_seen_ms,
            snapshot=snapshot,
            uptime=uptime(snapshot, at_ms),
            handled_rate=self._handled.value,
            failed_rate=self._failed.value,
            orphaned=snapshot.pending or 0 if state is InstanceState.DEAD else 0,
            taken_over=0,
            history=self._history.values,
            findings=self.view.findings,
        )
        return self.view

    def _heartbeat(
        self, snapshot: InstanceSnapshot, renewed_ms: int, broadcasts: int | None
    ) -> int:
        """Take what it told with its newest heartbeat, and return when that was."""
        last, vitals = self.snapshot, snapshot.vitals
        known_ms = self.view.last_seen_ms
        if last is not None and abs(renewed_ms - known_ms) <= _JITTER_MS:
            return known_ms
        handled, failed = (None, None) if vitals is None else (vitals.handled, vitals.failed)
        self._history.add(self._handled.see(handled, renewed_ms / 1000))
        self._failed.see(failed, renewed_ms / 1000)
        behind = snapshot.behind
        at = None if behind is None or broadcasts is None else max(0, broadcasts - behind)
        self.passed.see(at, renewed_ms / 1000)
        return renewed_ms


class Lives:
    """The instances that have joined and have neither left nor been declared dead."""

    def __init__(self, late_share: float) -> None:
        self._late_share = late_share
        self._lives: dict[str, _Life] = {}
        self.members_version = 0
        """Changes when the members of a group, or who has expired, may have changed."""
        self._members: Mapping[tuple[str, str], int] = {}
        self.blind = False
        """Whether it is not known what all the living are subscribed to."""
        self.expired: Collection[str] = frozenset()
        """Incarnations whose lease has run out, and that nobody has declared dead."""

    def see(self, snapshot: BusSnapshot) -> dict[str, InstanceView]:
        """By incarnation."""
        broadcasts = next(
            (each.added for each in snapshot.streams if each.kind is ChannelKind.BROADCAST), None
        )
        before, self._lives = self._lives, {}
        views: dict[str, InstanceView] = {}
        expired = []
        changed = len(before) != len(snapshot.instances)
        for each in snapshot.instances:
            life = before.get(each.incarnation) or _Life(each, self._late_share)
            last, live = life.snapshot, life.live
            self._lives[each.incarnation] = life
            views[each.incarnation] = life.see(each, snapshot.at_ms, broadcasts)
            if not changed:
                changed = (
                    last is None
                    or live is not life.live
                    or last.subscriptions != each.subscriptions
                )
            if not life.live:
                expired.append(each.incarnation)
        self.expired = frozenset(expired)
        if changed:
            self._count_members(self._lives.values())
        return views

    def views(self) -> Iterable[InstanceView]:
        """All of them, as of the last look."""
        return (life.view for life in self._lives.values())

    def attach(self, findings: Mapping[str, tuple[Finding, ...]]) -> None:
        """Give each view its findings, by incarnation."""
        attach(self._lives, findings)

    def missing_from(self, snapshot: BusSnapshot) -> dict[str, InstanceView]:
        """Those that were listed at the last look and are not in this one, by incarnation."""
        listed = {each.incarnation for each in snapshot.instances}
        return {name: life.view for name, life in self._lives.items() if name not in listed}

    def members(self, kind: ChannelKind, event: str, name: str) -> int:
        """How many of the living take messages of a group."""
        return self._members.get((event, name) if kind is ChannelKind.WORK else ("", name), 0)

    def broadcast_rate(self) -> float | None:
        """Broadcasts passed per second by the instance that is furthest behind; 0 when nobody
        reads any."""
        readers = [
            (life.snapshot.behind, life.passed.value)
            for life in self._lives.values()
            if life.snapshot is not None and life.snapshot.behind is not None
        ]
        known = [(behind, rate) for behind, rate in readers if rate is not None]
        if not known:
            return None if readers else 0.0
        most = max(behind for behind, _ in known)
        return min(rate for behind, rate in known if behind == most)

    def _count_members(self, lives: Iterable[_Life]) -> None:
        members: Counter[tuple[str, str]] = Counter()
        self.blind = False
        for life in lives:
            if life.snapshot is None or not life.live:
                continue
            if life.snapshot.role != "publisher":
                members["", life.snapshot.id] += 1
            members.update(map(_work, filter(_is_work, life.snapshot.subscriptions)))
            self.blind |= "subscriptions" in life.snapshot.unknown
        self._members = members
        self.members_version += 1


def uptime(snapshot: InstanceSnapshot, until_ms: int) -> float | None:
    """Seconds from its start; None where that is not known."""
    return max(0.0, (until_ms - snapshot.started_ms) / 1000) if snapshot.started_ms else None


def _is_work(subscription: Subscription) -> bool:
    return subscription.mode is EventMode.ANYCAST


def _work(subscription: Subscription) -> tuple[str, str]:
    return subscription.event, subscription.group
