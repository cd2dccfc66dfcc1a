"""The app in a test: run without a terminal, fed from scripted snapshots or from views."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from textual.pilot import Pilot

from eventbus_core.monitoring import BusSnapshot, BusView, Monitor
from eventbus_tui.app import MonitorApp
from eventbus_tui.settings import Settings
from eventbus_tui.update import Update
from tests.tui.stub import StubMonitor, StubSource
from tests.tui.worlds import update as update_of

__all__ = [
    "StubMonitor",
    "StubSource",
    "app_of",
    "rendered",
    "run_app",
    "run_view",
    "settled",
    "show",
    "status_of",
    "text_of",
    "title_of",
    "until",
]
DEADLINE: Final = 10.0


@asynccontextmanager
async def run_app(
    monitor: Monitor,
    *,
    size: tuple[int, int] = (80, 24),
    bus: str | None = None,
    clock: Callable[[], float] = time.monotonic,
    notifications: bool = False,
    **settings: object,
) -> AsyncIterator[Pilot[None]]:
    """The app on a monitor, after the first look or its failure. `settings` are fields of
    Settings; the interval is short unless it is given."""
    made = Settings(**{"interval": 0.05, **settings})  # type: ignore[arg-type]  # checked there
    app = MonitorApp(monitor, made, bus=bus, clock=clock)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await until(lambda: app.latest is not None and app.latest.link.state != "connecting")
        await settled(pilot)
        yield pilot


@asynccontextmanager
async def run_view(
    view: BusView | Update | None,
    *,
    size: tuple[int, int] = (80, 24),
    clock: Callable[[], float] = lambda: 0.0,
    notifications: bool = False,
    **settings: object,
) -> AsyncIterator[Pilot[None]]:
    """The app showing one made-up view; no look is ever taken, and its clock stands still. More
    come through `show`."""
    made = Settings(**settings)  # type: ignore[arg-type]  # checked there
    monitor = _SilentMonitor()
    app = MonitorApp(monitor, made, clock=clock)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await until(lambda: monitor.asked)
        await show(pilot, view)
        yield pilot


async def show(pilot: Pilot[None], view: BusView | Update | None) -> None:
    """As if the feed had published this."""
    app = app_of(pilot)
    if not isinstance(view, Update):
        view = update_of(view, sequence=app.latest.sequence + 1 if app.latest else 1)
    app.take(view)
    await settled(pilot)


def app_of(pilot: Pilot[None]) -> MonitorApp:
    assert isinstance(pilot.app, MonitorApp)
    return pilot.app


async def rendered(pilot: Pilot[None], looks: int = 1) -> None:
    """Waits until so many more looks have been shown. Not until nothing goes on, as `settled` does:
    with looks that follow each other closely that is never so."""
    app = app_of(pilot)
    start = app.latest.sequence if app.latest else 0
    await until(lambda: app.latest is not None and app.latest.sequence >= start + looks)
    await until(lambda: not (app.screen._dirty_widgets or app.screen._layout_required))


async def settled(pilot: Pilot[None]) -> None:
    """Waits until everything that was asked for is on the screen."""
    await pilot.pause()
    await pilot.pause()


async def until(condition: Callable[[], object], *, deadline: float = DEADLINE) -> None:
    """Waits for something that the app does in its own time."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s")
        await asyncio.sleep(0.005)


def text_of(pilot: Pilot[None], *, below: bool = False) -> str:
    """What stands on the screen, line by line, without colours; or on the one below a dialog."""
    screen = app_of(pilot).monitor_screen if below else pilot.app.screen
    assert screen is not None
    return "\n".join(strip.text.rstrip() for strip in screen._compositor.render_strips())


def status_of(pilot: Pilot[None]) -> str:
    """The line that is always there."""
    return text_of(pilot, below=True).split("\n")[0]


def title_of(pilot: Pilot[None]) -> str:
    """The line with the breadcrumb."""
    return text_of(pilot).split("\n")[1]


class _SilentMonitor(StubMonitor):
    """Never answers."""

    asked = False

    async def buses(self) -> tuple[str, ...]:
        self.asked = True
        await asyncio.Event().wait()
        return ()

    async def snapshot(self, bus: str) -> BusSnapshot:
        await asyncio.Event().wait()
        return await super().snapshot(bus)
