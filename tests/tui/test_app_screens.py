"""Going through the screens: digits, drill-down, back, breadcrumb, and what is kept on the way."""

import pytest

from eventbus_tui.navigation import ROOTS, TITLES, Place
from eventbus_tui.screens.base import MonitorScreen, TableScreen
from eventbus_tui.update import Link
from tests.tui import worlds
from tests.tui.pilot import app_of, run_view, settled, show, status_of, text_of, title_of


async def test_digits_go_to_the_screens_and_the_breadcrumb_says_where_one_is() -> None:
    async with run_view(worlds.stuck()) as pilot:
        for number, name in enumerate(ROOTS, start=1):
            await pilot.press(str(number))
            await settled(pilot)
            assert title_of(pilot).strip().startswith(TITLES[name])
            assert app_of(pilot).way.places == (Place(name),)
        assert len(app_of(pilot).screen_stack) == 1


async def test_down_and_back_again() -> None:
    async with run_view(worlds.stuck()) as pilot:
        app = app_of(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert app.way.here.screen == "group"
        assert title_of(pilot).strip() == "Overview » billing@orders"
        await pilot.press("escape")
        await settled(pilot)
        assert title_of(pilot).strip() == "Overview"
        assert len(app.screen_stack) == 1


async def test_escape_leads_from_every_screen_to_the_overview_and_no_further() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("3", "escape")
        await settled(pilot)
        assert title_of(pilot).strip() == "Overview"
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert title_of(pilot).strip() == "Overview"
        assert pilot.app.is_running


async def test_a_digit_leaves_any_depth() -> None:
    async with run_view(worlds.stuck()) as pilot:
        app = app_of(pilot)
        app.open(Place("group", "work orders billing", "billing@orders"))
        await settled(pilot)
        app.open(Place("streams", filter="orders"))
        await settled(pilot)
        assert title_of(pilot).strip().startswith("Overview » billing@orders » Streams")
        await pilot.press("4")
        await settled(pilot)
        assert title_of(pilot).strip().startswith("Instances")
        assert len(app.screen_stack) == 1


async def test_the_same_place_is_not_entered_twice() -> None:
    async with run_view(worlds.stuck()) as pilot:
        app = app_of(pilot)
        place = Place("group", "work orders billing", "billing@orders")
        app.open(place)
        app.open(place)
        await settled(pilot)
        assert len(app.way.places) == 2 == len(app.screen_stack)


async def test_an_unknown_screen_is_told_and_nothing_breaks() -> None:
    async with run_view(worlds.stuck(), notifications=True) as pilot:
        app_of(pilot).open(Place("nowhere"))
        await settled(pilot)
        assert "no screen 'nowhere'" in text_of(pilot)


async def test_filter_and_sort_are_kept_while_one_is_elsewhere() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("3", "slash", *"bill", "enter", "s")
        await settled(pilot)
        title = title_of(pilot)
        assert "filter: bill" in title
        await pilot.press("1", "3")
        await settled(pilot)
        assert title_of(pilot) == title


async def test_a_screen_opened_with_a_filter_is_another_one_and_leaves_the_first_alone() -> None:
    async with run_view(worlds.stuck()) as pilot:
        app = app_of(pilot)
        app.open(Place("groups", filter="mail"))
        await settled(pilot)
        assert "1/3" in title_of(pilot)
        await pilot.press("escape", "3")
        await settled(pilot)
        assert "filter" not in title_of(pilot)
        assert "1/3" not in title_of(pilot)


async def test_escape_clears_a_filter_before_it_goes_back() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("3", "slash", *"mail", "enter")
        await settled(pilot)
        assert "1/3" in title_of(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert title_of(pilot).strip().startswith("Groups")
        assert "1/3" not in title_of(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert title_of(pilot).strip() == "Overview"


async def test_only_the_current_screen_is_shown_an_update() -> None:
    async with run_view(worlds.healthy(), screen="groups") as pilot:
        app = app_of(pilot)
        groups = app.screen
        assert isinstance(groups, TableScreen)
        await pilot.press("2")
        await settled(pilot)
        writes = groups.table.writes
        await show(pilot, worlds.stuck())
        assert groups.table.writes == writes
        await pilot.press("3")
        await settled(pilot)
        assert groups.table.writes > writes
        assert "billing@orders" in text_of(pilot)


async def test_below_a_dialog_only_the_bar_moves_on() -> None:
    async with run_view(worlds.healthy()) as pilot:
        await pilot.press("F")
        await settled(pilot)
        before = text_of(pilot)
        await show(pilot, worlds.update(worlds.stuck(), sequence=9, link=Link(state="lost")))
        assert "✖ lost" in status_of(pilot)
        assert "STUCK" not in text_of(pilot, below=True)
        assert "Find a message" in before
        await pilot.press("escape")
        await settled(pilot)
        assert "STUCK" in text_of(pilot)


async def test_a_screen_that_cannot_show_says_so_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_view(worlds.healthy(), size=(140, 30)) as pilot:
        screen = app_of(pilot).screen
        assert isinstance(screen, MonitorScreen)

        def broken(update: object) -> None:
            raise KeyError("[/x]\x1b")

        with monkeypatch.context() as patch:
            patch.setattr(screen, "show", broken)
            await show(pilot, worlds.stuck())
            await show(pilot, worlds.stuck())
            assert "✖ display error: KeyError: '[/x]\\x1b'" in status_of(pilot)
            assert len([r for r in caplog.records if r.name == "eventbus_tui"]) == 1
        await show(pilot, worlds.stuck())
        assert "display error" not in status_of(pilot)
        assert "STUCK" in text_of(pilot)
