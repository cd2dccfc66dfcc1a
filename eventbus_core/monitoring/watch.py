"""`Watch`: from one snapshot after the other to rates, trends and findings."""

from collections import defaultdict
from collections.abc import Sequence

from ..snapshots import BusSnapshot, JournalEntry
from .backlogs import Groups
from .finding import Finding
from .hysteresis import Findings
from .journal import added
from .lives import Lives
from .remembered import Remembered
from .rules import conditions
from .scene import Scene
from .storage import Streams
from .thresholds import Thresholds
from .totals import Totals
from .tracks import Moment
from .views import BusView, InstanceView
from .windows import Windows


class Watch:
    """Looks at one bus at a time, and remembers what it needs of earlier looks. Pure: it does no
    I/O and reads no clock.

    What did not change is the same object as in the last view: streams, groups, findings.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._limits = thresholds
        self._bus = ""
        self._begin()

    def _begin(self) -> None:
        limits = self._limits
        self._looks = 0
        self._last_now = 0.0
        self._last: BusSnapshot | None = None
        self._lives = Lives(limits.late_share)
        self._remembered = Remembered(limits.dead_kept)
        self._groups = Groups()
        self._streams = Streams()
        self._totals = Totals()
        self._windows = Windows(limits)
        self._findings = Findings(limits.clear)
        self._shown: tuple[Finding, ...] = ()

    def see(
        self,
        snapshot: BusSnapshot,
        *,
        now: float,
        poll_seconds: float,
        interval: float = 1.0,
        wall_ms: int | None = None,
    ) -> BusView:
        """The snapshot came at `now`, in seconds of a monotonic clock, and took `poll_seconds` to
        come; another is taken every `interval` seconds. `wall_ms`: the Unix time of this host then,
        to compare with the store's clock. A snapshot of another bus begins anew."""
        if snapshot.bus != self._bus:
            self._bus = snapshot.bus
            self._begin()
        self._looks += 1
        last, self._last = self._last, snapshot
        entries = snapshot.journal if last is None else added(last.journal, snapshot.journal)
        instances = self._instances(snapshot, last, entries, now)
        moment = Moment(at_ms=snapshot.at_ms, now=now, last_now=self._last_now, look=self._looks)
        self._last_now = now
        self._groups.see(snapshot, moment, self._lives)
        self._streams.see(snapshot, moment, self._groups, self._lives.broadcast_rate())
        lately = self._windows.see(snapshot, entries)
        scene = Scene(
            snapshot=snapshot,
            limits=self._limits,
            streams=self._streams.views(),
            groups=self._groups.views(),
            instances=instances,
            groups_of=self._groups.keys_by_event,
            quiet=self._groups.quiet(now),
            blind=self._lives.blind,
            lately=lately,
            poll_seconds=poll_seconds,
            interval=interval,
            wall_ms=wall_ms,
        )
        findings = self._findings.see(
            conditions(scene), now=now, at_ms=snapshot.at_ms, may_stay=scene.may_stay
        )
        if findings or self._shown:
            self._attach(findings)
        streams, groups = self._streams.views().values(), self._groups.views().values()
        living = [*self._remembered.views(), *self._lives.views()]
        return BusView(
            snapshot=snapshot,
            poll_seconds=poll_seconds,
            looks=self._looks,
            streams=tuple(streams),
            groups=tuple(groups),
            instances=tuple(sorted(living, key=_by_id)),
            totals=self._totals.see(streams, groups, living, first=self._looks == 1),
            dead_letter_growth=lately.dead_letters.count,
            findings=findings,
        )

    def _instances(
        self,
        snapshot: BusSnapshot,
        last: BusSnapshot | None,
        entries: Sequence[JournalEntry],
        now: float,
    ) -> dict[str, InstanceView]:
        """The living and the lately dead, by incarnation."""
        vanished = {} if last is None else self._lives.missing_from(snapshot)
        living = self._lives.see(snapshot)
        dead = self._remembered.see(snapshot, now=now, entries=entries, vanished=vanished)
        return {**dead, **living}

    def _attach(self, findings: tuple[Finding, ...]) -> None:
        """Give each view its own."""
        self._shown = findings
        by_kind: dict[str, dict[str, tuple[Finding, ...]]] = defaultdict(dict)
        for finding in findings:
            kind, key, _ = finding.subject
            by_kind[kind][key] = (*by_kind[kind].get(key, ()), finding)
        self._streams.attach(by_kind["stream"])
        self._groups.attach(by_kind["group"])
        self._lives.attach(by_kind["instance"])
        self._remembered.attach(by_kind["instance"])


def _by_id(view: InstanceView) -> tuple[str, str]:
    return view.id, view.key
