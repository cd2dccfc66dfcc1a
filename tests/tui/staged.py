"""An app that shows made-up views, with what most tests of screens do to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot

from eventbus_core.monitoring import BusView
from eventbus_tui.app import MonitorApp
from eventbus_tui.navigation import Place
from eventbus_tui.update import Update
from tests.tui.pilot import StubMonitor, app_of, run_view, settled, show, text_of, until


@dataclass(frozen=True)
class Stage:
    """The app, and what can be done with it."""

    pilot: Pilot[None]

    @property
    def app(self) -> MonitorApp:
        return app_of(self.pilot)

    @property
    def acted(self) -> list[tuple[str, ...]]:
        """What the store was asked to change."""
        assert isinstance(self.app.monitor, StubMonitor)
        return self.app.monitor.source.acted

    async def show(self, view: BusView | Update | None) -> None:
        """As if the feed had seen this."""
        await show(self.pilot, view)

    async def settle(self) -> None:
        """Until nothing is left to be handled or laid out."""
        await settled(self.pilot)
        await settled(self.pilot)

    async def open(self, place: Place) -> None:
        self.app.open(place)
        await self.settle()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition)
        await self.settle()

    @property
    def text(self) -> str:
        return text_of(self.pilot)

    def said(self) -> str:
        """All notices so far."""
        return "\n".join(note.message for note in self.app._notifications)


@asynccontextmanager
async def staged(
    view: BusView | Update | None,
    *,
    size: tuple[int, int] = (120, 36),
    notifications: bool = True,
    **settings: object,
) -> AsyncIterator[Stage]:
    """An app that shows `view` from its start; `settings` are fields of Settings."""
    async with run_view(
        view,
        size=size,
        notifications=notifications,
        **settings,  # type: ignore[arg-type]  # checked by Settings
    ) as pilot:
        stage = Stage(pilot)
        await stage.settle()
        yield stage
