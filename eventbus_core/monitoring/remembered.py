"""Instances that died a short while ago: a store forgets them, an engineer looks for them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from ..snapshots import BusSnapshot, JournalEntry
from .finding import Finding
from .journal import figure
from .lives import uptime
from .tracks import attach
from .views import InstanceState, InstanceView

MOST: Final = 1_000
"""Dead instances that are remembered at most."""
_VANISHED_FOR: Final = 30.0
"""Seconds that the last snapshot of one that vanished is kept: the journal may tell of its death
one look later."""


class _Dead:
    """One that died."""

    __slots__ = ("died_ms", "noticed", "taken_over", "view")

    def __init__(self, incarnation: str, id: str, died_ms: int, noticed: float) -> None:
        self.died_ms = died_ms
        self.noticed = noticed
        self.taken_over = 0
        self.view = InstanceView(
            key=incarnation,
            id=id,
            state=InstanceState.DEAD,
            declared=True,
            last_seen_ms=died_ms,
            snapshot=None,
            uptime=None,
            handled_rate=None,
            failed_rate=None,
            orphaned=0,
            taken_over=0,
            history=(),
        )

    def seen_alive(self, last: InstanceView) -> None:
        """It was looked at before it died, and that was the last time."""
        if self.view.snapshot is None and last.snapshot is not None:
            self.view = replace(
                self.view,
                id=last.id,
                last_seen_ms=last.last_seen_ms,
                snapshot=last.snapshot,
                uptime=uptime(last.snapshot, last.last_seen_ms),
                history=last.history,
                findings=last.findings,
            )

    def see(self, orphaned: int) -> InstanceView:
        """As it stands now; the same object as long as nothing changed."""
        if (self.view.orphaned, self.view.taken_over) != (orphaned, self.taken_over):
            self.view = replace(self.view, orphaned=orphaned, taken_over=self.taken_over)
        return self.view


class Remembered:
    """The lately dead: seen alive and declared dead since, or known from the journal only."""

    def __init__(self, kept: float) -> None:
        self._kept = kept
        self._dead: dict[str, _Dead] = {}
        self._vanished: dict[str, tuple[InstanceView, float]] = {}
        self._listed: dict[str, _Dead] = {}

    def see(
        self,
        snapshot: BusSnapshot,
        *,
        now: float,
        entries: Iterable[JournalEntry],
        vanished: Mapping[str, InstanceView],
    ) -> dict[str, InstanceView]:
        """By incarnation. `entries`: what the journal has gained. `vanished`: who was listed at the
        last look and is no more."""
        for incarnation, last in vanished.items():
            self._vanished[incarnation] = (last, now)
            if incarnation in self._dead:
                self._dead[incarnation].seen_alive(last)
            # Without a journal: one whose lease was over has not left in good order.
            if last.state is InstanceState.DEAD:
                self._died(incarnation, last.id, snapshot.at_ms, now)
        for entry in entries:
            self._read(entry, snapshot.at_ms, now)
        self._forget(snapshot.at_ms, now)
        listed = {each.incarnation for each in snapshot.instances}
        living = {each.id for each in snapshot.instances if each.id and each.lease_left >= 0}
        orphaned = _orphaned(snapshot, self._dead)
        self._listed = {
            incarnation: dead
            for incarnation, dead in self._dead.items()
            # Its id lives again: what is left of the old life is shown only while it matters.
            if incarnation not in listed
            and (dead.view.id not in living or orphaned.get(incarnation))
        }
        return {
            incarnation: dead.see(orphaned.get(incarnation, 0))
            for incarnation, dead in self._listed.items()
        }

    def views(self) -> Iterable[InstanceView]:
        """Those that are listed, as of the last look."""
        return (dead.view for dead in self._listed.values())

    def attach(self, findings: Mapping[str, tuple[Finding, ...]]) -> None:
        """Give each view its findings, by incarnation."""
        attach(self._listed, findings)

    def _read(self, entry: JournalEntry, at_ms: int, now: float) -> None:
        if entry.kind == "declared dead":
            incarnation = entry.details.get("incarnation", "")
            if incarnation and at_ms - entry.at_ms < self._kept * 1000:
                self._died(incarnation, entry.details.get("instance", ""), entry.at_ms, now)
        elif entry.kind == "takeover":
            for dead in self._taken_from(entry):
                dead.taken_over += figure(entry, "count", 1)

    def _died(self, incarnation: str, id: str, died_ms: int, now: float) -> None:
        dead = self._dead.get(incarnation)
        if dead is None:
            dead = self._dead[incarnation] = _Dead(incarnation, id, died_ms, now)
            if len(self._dead) > MOST:
                del self._dead[next(iter(self._dead))]
        dead.died_ms = min(dead.died_ms, died_ms)
        if incarnation in self._vanished:
            dead.seen_alive(self._vanished[incarnation][0])

    def _taken_from(self, entry: JournalEntry) -> Collection[_Dead]:
        """Whose messages they were: as the entry says, else of the only one that they can be of."""
        if "from" in entry.details:
            found = map(self._dead.get, entry.details["from"].split())
            return [dead for dead in found if dead is not None]
        before = [dead for dead in self._dead.values() if dead.died_ms <= entry.at_ms]
        return before if len(before) == 1 else ()

    def _forget(self, at_ms: int, now: float) -> None:
        # By both clocks: the store's may have been set back.
        for incarnation, dead in list(self._dead.items()):
            if at_ms - dead.died_ms >= self._kept * 1000 or now - dead.noticed >= self._kept:
                del self._dead[incarnation]
        for incarnation, (_, gone_at) in list(self._vanished.items()):
            if now - gone_at >= _VANISHED_FOR:
                del self._vanished[incarnation]


def _orphaned(snapshot: BusSnapshot, dead: Collection[str]) -> dict[str, int]:
    """Messages that each of the dead still holds."""
    held: dict[str, int] = {}
    if dead:
        for group in snapshot.groups:
            for each in group.consumers:
                if not each.alive and each.pending and each.incarnation in dead:
                    held[each.incarnation] = held.get(each.incarnation, 0) + each.pending
    return held
