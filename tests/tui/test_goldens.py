"""Every screen at three sizes as it was once found right: text and picture."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from eventbus_core.monitoring import BusView
from eventbus_tui.navigation import Place
from eventbus_tui.update import Link, Update
from tests.tui import worlds
from tests.tui.clocks import in_utc
from tests.tui.golden import check_golden
from tests.tui.pilot import StubMonitor
from tests.tui.staged import Stage, staged
from tests.tui.stored import fill, message_id

MESSAGE = message_id(1, 20)
SIZES = ((60, 20), (80, 24), (120, 36))


class Case(NamedTuple):
    name: str
    place: Place
    world: Callable[[], BusView]
    ready: str = ""
    """What stands there once everything was read that the screen reads itself."""
    ready_empty: str = ""
    """The same of a bus on which nothing is stored."""


CASES = (
    Case("overview-stuck", Place("overview"), worlds.stuck),
    Case("overview-healthy", Place("overview"), worlds.healthy),
    Case("streams", Place("streams"), worlds.healthy),
    Case("groups", Place("groups"), worlds.stuck),
    Case("instances", Place("instances"), worlds.dead),
    Case("stream", Place("stream", "work audit", "audit"), worlds.memberless),
    Case("group", Place("group", "work orders shipping", "shipping@orders"), worlds.dead),
    Case("instance", Place("instance", "life-slow-1", "slow-1"), worlds.drifting),
    Case("flow", Place("flow"), worlds.stuck, "0/s shown", "0/s shown"),
    Case("failures", Place("failures"), worlds.dead, "4 dead letters", "no dead letters"),
    Case("dead-letters", Place("dead-letters"), worlds.dead, "ValueError", "no dead letters"),
    Case("message", Place("message", MESSAGE), worlds.stuck, "settled", "not found"),
)
LOST = Link(
    state="lost",
    error="TransportUnavailableError: connection refused",
    attempts=3,
    retry_at=7.4,
    seen_at=-12.0,
)
NEVER_SEEN = Link(state="lost", error="connection refused", attempts=1, retry_at=0.3)


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with in_utc():
        yield


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the environment said nothing about colours."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


async def opened(stage: Stage, case: Case, *, empty: bool = False) -> None:
    """The place of a case, on a store that has messages or has none."""
    assert isinstance(stage.app.monitor, StubMonitor)
    if not empty:
        fill(stage.app.monitor.source)
    await stage.open(case.place)
    ready = case.ready_empty if empty else case.ready
    await stage.until(lambda: ready in stage.text)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_screen(case: Case, size: tuple[int, int]) -> None:
    async with staged(case.world(), size=size) as stage:
        await opened(stage, case)
        check_golden(stage.app, f"{case.name}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_an_empty_bus(case: Case) -> None:
    async with staged(worlds.empty(), size=(80, 24)) as stage:
        await opened(stage, case, empty=True)
        check_golden(stage.app, f"{case.name}-empty", picture=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_signs_in_ascii(case: Case) -> None:
    async with staged(case.world(), size=(80, 24), ascii=True) as stage:
        await opened(stage, case)
        check_golden(stage.app, f"{case.name}-ascii", picture=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_without_colours(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with staged(case.world(), size=(80, 24)) as stage:
        await opened(stage, case)
        check_golden(stage.app, f"{case.name}-no-color")


@pytest.mark.parametrize("theme", ["light", "ansi"])
async def test_other_themes(theme: str) -> None:
    async with staged(worlds.stuck(), size=(80, 24), theme=theme) as stage:
        await stage.open(Place("groups"))
        check_golden(stage.app, f"groups-{theme}")


async def test_disconnected() -> None:
    async with staged(worlds.stuck(), size=(80, 24)) as stage:
        before = stage.app.latest
        assert before is not None
        await stage.show(
            Update(
                view=before.view,
                link=LOST,
                bus="default",
                buses=("default",),
                interval=1.0,
                sequence=before.sequence,
            )
        )
        check_golden(stage.app, "overview-disconnected")
        await stage.open(Place("group", "work orders billing", "billing@orders"))
        check_golden(stage.app, "group-disconnected")


async def test_never_connected() -> None:
    nothing = Update(view=None, link=NEVER_SEEN, bus="", buses=(), interval=1.0, sequence=0)
    async with staged(nothing, size=(80, 24)) as stage:
        check_golden(stage.app, "overview-never-connected")


async def test_hostile_names() -> None:
    async with staged(worlds.hostile("[/x]\x1b[31m\u202e世界\N{FIRE}"), size=(120, 36)) as stage:
        await stage.open(Place("groups"))
        check_golden(stage.app, "groups-hostile")
