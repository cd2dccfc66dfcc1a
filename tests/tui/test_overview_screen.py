"""The overview on a screen."""

from dataclasses import replace

import pytest

from eventbus_core.monitoring import Severity, Subject
from eventbus_tui.navigation import Place
from eventbus_tui.screens.overview import OverviewScreen
from eventbus_tui.update import Link
from tests.tui import worlds
from tests.tui.pieces import finding
from tests.tui.pilot import app_of, run_view, settled, show, text_of, title_of

SIZES = [(60, 20), (80, 24), (120, 36), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
async def test_problems_stand_first_with_their_next_step(size: tuple[int, int]) -> None:
    async with run_view(worlds.stuck(), size=size) as pilot:
        lines = text_of(pilot).split("\n")
        assert "1 critical" in lines[2]
        assert "✖ STUCK" in lines[4]
        assert "billing@orders" in lines[4]
        assert "▲ LAGGING" in lines[5]
        assert "next: Open the group" in lines[6]
        assert "docs/runbook.md#stuck" in lines[7]


@pytest.mark.parametrize("size", SIZES)
async def test_silent_when_healthy(size: tuple[int, int]) -> None:
    async with run_view(worlds.healthy(), size=size) as pilot:
        text = text_of(pilot)
        assert "✓ nothing wrong, checked 3 groups, 3 streams, 4 instances" in text
        assert "PROBLEM" not in text
        assert "next:" not in text
        assert "BUSIEST STREAMS" in text


async def test_plots_and_events_stand_where_there_is_room() -> None:
    async with run_view(worlds.dead(), size=(120, 36)) as pilot:
        for size, plots, events in (
            ((120, 36), True, True),
            ((120, 24), True, True),
            ((80, 36), False, True),
            ((80, 24), False, True),
            ((60, 20), False, False),
        ):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            await settled(pilot)
            assert ("█" in text_of(pilot).split("\n")[2]) is plots, size
            assert ("LATELY" in text_of(pilot)) is events, size
            assert ("takeover" in text_of(pilot)) is events, size


async def test_in_a_very_small_terminal_only_the_problems_are_left() -> None:
    async with run_view(worlds.stuck(), size=(50, 10)) as pilot:
        lines = [line for line in text_of(pilot).split("\n") if line]
        assert len(lines) == 3
        assert "READ-ONLY" in lines[0]
        assert lines[1].startswith("✖ STUCK billing@orders: nothing settled")
        await show(pilot, worlds.healthy())
        assert "✓ nothing wrong" in text_of(pilot)
        await show(pilot, worlds.big(sick=30))
        assert "22 more" in text_of(pilot)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        await settled(pilot)
        assert "PROBLEM" in text_of(pilot)


@pytest.mark.parametrize(
    ("subject", "place"),
    [
        (Subject("group", "work a b", "b@a"), Place("group", "work a b", "b@a")),
        (Subject("stream", "work a", "a"), Place("stream", "work a", "a")),
        (Subject("instance", "life", "bill-1"), Place("instance", "life", "bill-1")),
        (Subject("bus", "", "default"), Place("overview")),
    ],
)
async def test_enter_opens_what_a_problem_is_about(subject: Subject, place: Place) -> None:
    view = replace(
        worlds.healthy(), findings=(finding("LOST", Severity.CRITICAL, subject, "gone", 9),)
    )
    async with run_view(view, notifications=True) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert app_of(pilot).way.here == place
        if place.screen == "overview":
            assert "LOST: " in text_of(pilot)


async def test_the_next_step_is_that_of_the_problem_under_the_cursor() -> None:
    async with run_view(worlds.stuck()) as pilot:
        assert "#stuck" in text_of(pilot)
        await pilot.press("down")
        await settled(pilot)
        assert "#lagging" in text_of(pilot)
        assert "#stuck" not in text_of(pilot)
        assert "order held" in text_of(pilot)


async def test_the_cursor_stays_on_its_problem_when_another_comes() -> None:
    view = worlds.stuck()
    new = finding("LOST", Severity.CRITICAL, Subject("bus", "", "default"), "9 lost", 1)
    async with run_view(view) as pilot:
        await pilot.press("down")
        await show(pilot, replace(view, findings=(new, *view.findings)))
        screen = app_of(pilot).screen
        assert isinstance(screen, OverviewScreen)
        assert (screen.problems.cursor_key or "").startswith("LAGGING")
        assert "#lagging" in text_of(pilot)


async def test_keys_go_to_the_problems_when_there_are_some_else_to_the_streams() -> None:
    async with run_view(worlds.healthy()) as pilot:
        screen = app_of(pilot).screen
        assert isinstance(screen, OverviewScreen)
        assert focused(screen) == "busy"
        await show(pilot, worlds.stuck())
        assert focused(screen) == "problems"
        await pilot.press("tab")
        assert focused(screen) == "busy"
        await pilot.press("enter")
        await settled(pilot)
        assert app_of(pilot).way.here == Place("stream", "work orders", "orders")
        assert title_of(pilot).strip() == "Overview » orders"
        await pilot.press("escape")
        await show(pilot, worlds.healthy())
        assert focused(screen) == "busy"


def focused(screen: OverviewScreen) -> str | None:
    return screen.focused.id if screen.focused else None


async def test_findings_that_came_and_went_stand_among_the_events() -> None:
    async with run_view(worlds.stuck(), size=(140, 40)) as pilot:
        await show(pilot, replace(worlds.stuck(), findings=()))
        assert "✓ STUCK is over  group billing@orders" in text_of(pilot)
        await show(pilot, worlds.stuck())
        assert "✖ STUCK  group billing@orders: nothing settled" in text_of(pilot)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (Link(state="connecting"), "◌ connecting"),
        (Link(state="lost", error="refused\x1b[2J", attempts=1), "✖ not reachable: refused␛[2J"),
        (Link(state="live", seen_at=0.0), "◌ no bus in this store yet"),
    ],
)
async def test_before_anything_is_known_it_says_why(link: Link, said: str) -> None:
    update = replace(worlds.update(None), link=link)
    async with run_view(update) as pilot:
        assert said in text_of(pilot).split("\n")[2]


@pytest.mark.parametrize("text", worlds.HOSTILE)
async def test_hostile_texts_stand_there_as_text(text: str) -> None:
    async with run_view(worlds.hostile(text), size=(120, 36), badge=text) as pilot:
        strips = pilot.app.screen._compositor.render_strips()
        assert all(strip.cell_length == 120 for strip in strips)
        assert all(char.isprintable() or char == "\n" for char in text_of(pilot))
        assert "1 critical" in text_of(pilot) or "warning" in text_of(pilot)
        for key in ("enter", "escape", "3", "2", "1", "tab", "down"):
            await pilot.press(key)
        await settled(pilot)
        assert pilot.app.is_running
