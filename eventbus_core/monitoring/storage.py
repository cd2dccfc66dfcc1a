"""From look to look: what is stored."""

from collections.abc import Mapping, Sequence

from ..snapshots import BusSnapshot, StreamSnapshot
from ..transport import ChannelKind
from .backlogs import Groups, GroupTrack
from .finding import Finding
from .keys import stream_key
from .rates import Rate
from .tracks import Moment, Roll, attach
from .trends import History
from .views import StreamView


class StreamTrack:
    """What is remembered of one stream."""

    __slots__ = ("_added", "_history", "_look", "_looks", "source", "still", "view")

    def __init__(self, snapshot: StreamSnapshot) -> None:
        self.source = snapshot
        """As it was given at the last look."""
        self.still = False
        """Whether nothing changes while `source` and what flows out of it do not."""
        self._added = Rate()
        self._history = History()
        self._looks = 0
        self._look = 0
        self.view = StreamView(
            key=stream_key(snapshot.kind, snapshot.name),
            snapshot=snapshot,
            rate_in=None,
            rate_out=None,
            margin=None,
            history=(),
        )

    def see(
        self,
        snapshot: StreamSnapshot,
        moment: Moment,
        *,
        rate_out: float | None,
        most: int | None,
    ) -> None:
        """Renew the view. It need not be called while it is `still`. `most`: max_backlog."""
        self.source, view = snapshot, self.view
        margin = _margin(snapshot.backlog, most)
        same = self._looks > 0 and snapshot == view.snapshot
        if self.still:
            if same and rate_out == view.rate_out and margin == view.margin:
                return
            self._added.nothing_new(moment.last_now)
            self._history.nothing_new(moment.look - self._look - 1)
        self._look = moment.look
        self._looks += 1
        if same:
            snapshot = view.snapshot
        if self._looks == 1:
            rate_out = None
        rate_in = self._added.see(snapshot.added, moment.now)
        self._history.add(rate_in)
        self.still = rate_in == 0.0 and self._history.silent
        self.view = StreamView(
            key=view.key,
            snapshot=snapshot,
            rate_in=rate_in,
            rate_out=rate_out,
            margin=margin,
            history=self._history.values,
            findings=view.findings,
        )


class Streams:
    """All streams of a bus."""

    def __init__(self) -> None:
        self._roll = Roll(_names, StreamTrack)
        self._by_key: dict[str, StreamTrack] = {}
        self._most: int | None = None

    def see(
        self,
        snapshot: BusSnapshot,
        moment: Moment,
        groups: Groups,
        broadcast_rate: float | None,
    ) -> None:
        """Renew the views. `broadcast_rate`: of whoever is furthest behind."""
        if self._roll.call(snapshot.streams):
            self._by_key = {track.view.key: track for track in self._roll.tracks}
        most = None if snapshot.options is None else snapshot.options.max_backlog
        same_most, self._most = most == self._most, most
        fed = {_stream_of(track) for track in groups.moved}
        for track, each in self._roll:
            if (
                track.still
                and track.source is each
                and same_most
                and each.kind is not ChannelKind.BROADCAST
                and each.name not in fed
            ):
                continue
            if each.kind is ChannelKind.BROADCAST:
                rate_out = broadcast_rate
            else:
                work = each.kind is ChannelKind.WORK
                readers = groups.by_event if work else groups.by_inbox
                rate_out = _settle_rate(readers.get(each.name, ()))
            track.see(each, moment, rate_out=rate_out, most=most)

    def views(self) -> dict[str, StreamView]:
        """All of them by key, as of the last look."""
        return {key: track.view for key, track in self._by_key.items()}

    def attach(self, findings: Mapping[str, tuple[Finding, ...]]) -> None:
        """Give each view its findings, by key."""
        attach(self._by_key, findings)


def _names(stream: StreamSnapshot) -> tuple[ChannelKind, str]:
    return stream.kind, stream.name


def _stream_of(track: GroupTrack) -> str:
    group = track.source
    return group.event if group.kind is ChannelKind.WORK else group.name


def _settle_rate(readers: Sequence[GroupTrack]) -> float | None:
    """Of the group that is furthest behind; 0 when there is none."""
    if not readers:
        return 0.0
    furthest = max(readers, key=_backlog)
    return furthest.view.settle_rate


def _backlog(track: GroupTrack) -> float:
    return track.view.history[-1] if track.view.history else 0.0


def _margin(backlog: int | None, most: int | None) -> float | None:
    if backlog is None or most is None or most <= 0:
        return None
    return min(1.0, max(0.0, 1.0 - backlog / most))
