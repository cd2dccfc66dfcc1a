"""From look to look: the groups of work streams, and the readers of inboxes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ..snapshots import BusSnapshot, GroupSnapshot
from ..transport import ChannelKind
from .finding import Finding
from .keys import group_key, group_name
from .lives import Lives
from .rates import Rate
from .tracks import Moment, Roll, attach
from .trends import History, Trend, drain_seconds
from .views import GroupView


class GroupTrack:
    """What is remembered of one group."""

    __slots__ = (
        "_backlog", "_history", "_look", "_looks", "_quiet_from", "_settle", "_trend",
        "source", "still", "view",
    )  # fmt: skip

    def __init__(self, snapshot: GroupSnapshot) -> None:
        names = _names(snapshot)
        self.source = snapshot
        """As it was given at the last look."""
        self.still = False
        """Whether nothing changes while `source` and its members do not."""
        self._settle = Rate()
        self._trend = Trend()
        self._backlog: int | None = None
        self._looks = 0
        self._look = 0
        self._quiet_from: float | None = None
        self._history = History()
        self.view = GroupView(
            key=group_key(*names),
            name=group_name(*names),
            snapshot=snapshot,
            settle_rate=None,
            growth=None,
            drain_seconds=None,
            oldest_age=None,
            members=0,
            orphaned=0,
            history=(),
        )

    def see(
        self,
        snapshot: GroupSnapshot,
        moment: Moment,
        *,
        members: int,
        expired: Collection[str],
    ) -> bool:
        """Renew the view; False when nothing changed. It need not be called while it is `still`."""
        last, self.source = self.view.snapshot, snapshot
        same = self._looks > 0 and _same(snapshot, last, members)
        if self.still:
            if same and members == self.view.members:
                return False
            self._settle.nothing_new(moment.last_now)
            self._trend.nothing_new(moment.last_now)
            self._history.nothing_new(moment.look - self._look - 1)
        now, self._look = moment.now, moment.look
        self._looks += 1
        if same:
            snapshot = last
        else:
            self._backlog = snapshot.backlog
        backlog, oldest_ms = self._backlog, snapshot.oldest_pending_ms
        age = None if oldest_ms is None else max(0.0, (moment.at_ms - oldest_ms) / 1000)
        self._note_quiet(snapshot, last, now, age or 0.0, members)
        rate = self._settle.see(snapshot.settled, now)
        growth = self._trend.see(backlog, now)
        self._history.add(backlog)
        orphaned = _orphaned(snapshot, expired)
        self.view = GroupView(
            key=self.view.key,
            name=self.view.name,
            snapshot=snapshot,
            settle_rate=rate,
            growth=growth,
            drain_seconds=drain_seconds(backlog, growth, rate),
            oldest_age=age,
            members=members,
            orphaned=orphaned,
            history=self._history.values,
            findings=self.view.findings,
        )
        self.still = (
            rate == 0.0 and growth == 0.0 and age is None and not orphaned
            and self._history.silent and self._quiet_from is None
        )  # fmt: skip
        return True

    def quiet_for(self, now: float) -> float:
        """Seconds that it has had work and settled nothing; 0 before the second look."""
        return 0.0 if self._quiet_from is None or self._looks < 2 else now - self._quiet_from

    def _note_quiet(
        self, group: GroupSnapshot, last: GroupSnapshot, now: float, age: float, members: int
    ) -> None:
        working = bool(group.pending or (members and (group.lag or group.waiting)))
        if not working or group.settled is None:
            self._quiet_from = None
        elif self._looks == 1:
            # What has been in hand for long has not been settled for long. What came back may have
            # been anywhere meanwhile, and it may be the oldest.
            in_hand = group.pending and not (group.delayed or group.waiting)
            self._quiet_from = now - age if in_hand else now
        elif self._quiet_from is None or group.settled != last.settled:
            self._quiet_from = now


class Groups:
    """All groups of a bus."""

    def __init__(self) -> None:
        self._roll = Roll(_names, GroupTrack)
        self._by_key: dict[str, GroupTrack] = {}
        self._members = -1
        self.by_event: Mapping[str, Sequence[GroupTrack]] = {}
        """The groups of work streams."""
        self.by_inbox: Mapping[str, Sequence[GroupTrack]] = {}
        self.keys_by_event: Mapping[str, Sequence[str]] = {}
        self.moved: Sequence[GroupTrack] = ()
        """Those that may have changed with the last look."""

    def see(self, snapshot: BusSnapshot, moment: Moment, lives: Lives) -> None:
        """Renew the views."""
        if self._roll.call(snapshot.groups):
            self._arrange()
        known, self._members = self._members, lives.members_version
        moved = []
        for track, each in self._roll:
            if track.still and track.source is each and known == self._members:
                continue
            if track.see(
                each,
                moment,
                members=lives.members(*_names(each)),
                expired=lives.expired,
            ):
                moved.append(track)
        self.moved = moved

    def views(self) -> dict[str, GroupView]:
        """All of them by key, as of the last look."""
        return {key: track.view for key, track in self._by_key.items()}

    def quiet(self, now: float) -> dict[str, float]:
        """For how many seconds each group that has work has settled nothing, by key."""
        found = {track.view.key: track.quiet_for(now) for track in self.moved}
        return {key: seconds for key, seconds in found.items() if seconds}

    def attach(self, findings: Mapping[str, tuple[Finding, ...]]) -> None:
        """Give each view its findings, by key."""
        attach(self._by_key, findings)

    def _arrange(self) -> None:
        self._by_key = {track.view.key: track for track in self._roll.tracks}
        by_event: dict[str, list[GroupTrack]] = defaultdict(list)
        by_inbox: dict[str, list[GroupTrack]] = defaultdict(list)
        for track in self._roll.tracks:
            group = track.source
            if group.kind is ChannelKind.WORK:
                by_event[group.event].append(track)
            else:
                by_inbox[group.name].append(track)
        self.by_event, self.by_inbox = by_event, by_inbox
        self.keys_by_event = {
            event: tuple(track.view.key for track in tracks) for event, tracks in by_event.items()
        }


def _names(group: GroupSnapshot) -> tuple[ChannelKind, str, str]:
    return group.kind, group.event, group.name


def _same(group: GroupSnapshot, last: GroupSnapshot, members: int) -> bool:
    """Whether nothing that matters differs: while it has members, `last_member_ms` is now."""
    return group is last or (
        group.settled == last.settled
        and group.lag == last.lag
        and group.pending == last.pending
        and group.waiting == last.waiting
        and group.delayed == last.delayed
        and group.oldest_pending_ms == last.oldest_pending_ms
        and (members > 0 or group.last_member_ms == last.last_member_ms)
        and group.consumers == last.consumers
        and group.unknown == last.unknown
    )


def _orphaned(group: GroupSnapshot, expired: Collection[str]) -> int:
    return sum(
        each.pending
        for each in group.consumers
        if each.pending and (not each.alive or each.incarnation in expired)
    )
