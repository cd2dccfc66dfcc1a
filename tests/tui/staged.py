"""An app whose store says nothing: a test puts each view on the screen itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from textual.pilot import Pilot

from eventbus_core.monitor_source import MonitorSource
from eventbus_core.monitoring import BusView, Capabilities, Monitor
from eventbus_core.snapshots import BusSnapshot, DeliverySnapshot, StoredMessage
from eventbus_core.transport import Redriven, StoredDeadLetter
from eventbus_tui.app import MonitorApp
from eventbus_tui.navigation import Place
from eventbus_tui.settings import Settings
from eventbus_tui.update import Link, Update
from tests.tui.golden import screen_text
from tests.tui.worlds import update

NOW = 1_000.0
"""What the clock of the app shows, always."""


class SilentSource:
    """Never answers a look, but notes what it is asked to do."""

    def __init__(self) -> None:
        self.dropped: list[tuple[str, str, str]] = []

    async def _silence(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    async def buses(self) -> Sequence[str]:
        await self._silence()

    async def snapshot(self, bus: str) -> BusSnapshot:
        await self._silence()

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        return ()

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        return ()

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        return ()

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        return Redriven.UNKNOWN

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        return False

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        self.dropped.append((bus, event, group))
        return True

    async def close(self) -> None:
        pass


@dataclass
class Stage:
    """The app, and what can be done with it."""

    app: MonitorApp
    pilot: Pilot[None]
    source: SilentSource
    looks: int = 0

    async def show(self, view: BusView | None, *, link: Link | None = None) -> None:
        """As if the feed had seen this."""
        self.looks += 1
        link = link or Link(state="live" if view else "connecting", seen_at=NOW if view else None)
        await self.publish(update(view, sequence=self.looks, link=link))

    async def publish(self, told: Update) -> None:
        self.app.take(told)
        await self.settle()

    async def settle(self) -> None:
        """Until nothing is left to be handled or laid out."""
        for _ in range(3):
            await self.pilot.pause()

    async def open(self, place: Place) -> None:
        self.app.open(place)
        await self.settle()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until it holds; fails after five seconds."""
        end = time.monotonic() + 5.0
        while not condition():
            assert time.monotonic() < end, "it did not come to that"
            await self.pilot.pause(0.02)

    @property
    def text(self) -> str:
        return screen_text(self.app)

    def said(self) -> str:
        """All notices so far."""
        return "\n".join(note.message for note in self.app._notifications)


@asynccontextmanager
async def staged(
    view: BusView | None = None,
    *,
    size: tuple[int, int] = (120, 36),
    capabilities: Capabilities | None = None,
    **settings: Any,  # as Settings
) -> AsyncIterator[Stage]:
    """An app that shows `view` from its start."""
    source = SilentSource()
    answers: MonitorSource = source
    declared = capabilities or Capabilities(monitoring=True, actions=True, redrive=True)
    chosen = replace(Settings(), **settings)
    app = MonitorApp(Monitor(answers, declared), chosen, clock=lambda: NOW)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot, source)
        await stage.settle()
        if view is not None:
            await stage.show(view)
        yield stage
