"""A bus seen again and again, and conditions on what was seen, with a deadline."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from eventbus_core.demo import QUICK_THRESHOLDS, Demo
from eventbus_core.monitoring import BusView, Monitor, Thresholds, Vitals, Watch, open_monitor


class Looker:
    """Looks at the bus of a demonstration every fifth of a second, from its start on."""

    def __init__(self, monitor: Monitor, bus: str) -> None:
        self.monitor = monitor
        self.bus = bus
        self._watch = Watch(Thresholds(**QUICK_THRESHOLDS))  # type: ignore[arg-type] # as test_plan
        self.began = time.monotonic()
        self.views: list[BusView] = []
        self.times: dict[str, float] = {}
        """When a condition was first true, in seconds after the start."""

    @property
    def view(self) -> BusView:
        return self.views[-1]

    async def until(self, deadline: float, **conditions: Callable[[], object]) -> None:
        """Look until each has been true once. Raises AssertionError that names those which have
        not, `deadline` seconds after the start."""
        while missing := conditions.keys() - self.times.keys():
            begun = time.monotonic()
            assert begun - self.began < deadline, f"not seen: {sorted(missing)}; {self.times}"
            snapshot = await self.monitor.snapshot(self.bus)
            now = time.monotonic()
            self.views.append(
                self._watch.see(snapshot, now=now, poll_seconds=now - begun, interval=0.2)
            )
            for name in missing:
                if conditions[name]():
                    self.times[name] = round(now - self.began, 1)
            await asyncio.sleep(0.2)

    def backlog(self, group: str) -> int:
        """Of a group, as ``search@page:viewed``, at the last look; 0 without it."""
        found = (view for view in self.view.groups if view.name == group)
        return next((view.snapshot.backlog or 0 for view in found), 0)

    def settled(self, group: str) -> int:
        """Of a group, at the last look; 0 without it."""
        found = (view for view in self.view.groups if view.name == group)
        return next((view.snapshot.settled or 0 for view in found), 0)

    def vitals(self, instance: str) -> Vitals:
        """What it told with its newest heartbeat; nothing but zeros before the first."""
        found = (each.vitals for each in self.view.snapshot.instances if each.id == instance)
        return next(found, None) or Vitals()

    def dead_letter_groups(self) -> set[str]:
        """Groups of which the journal names dead letters."""
        entries = self.view.snapshot.journal
        return {each.details["group"] for each in entries if each.kind == "dead letter"}

    def journal(self, kind: str) -> int:
        """How many entries of a kind there are in the bus's journal."""
        return sum(entry.kind == kind for entry in self.view.snapshot.journal)

    def finds(self, code: str, name: str = "") -> bool:
        """Whether there is a finding of that code, about somebody of that name where given."""
        found = (each for each in self.view.findings if each.code == code)
        return any(name in ("", each.subject.name) for each in found)


@asynccontextmanager
async def looking(demo: Demo) -> AsyncIterator[Looker]:
    async with open_monitor(demo.url) as monitor:
        yield Looker(monitor, demo.bus)
