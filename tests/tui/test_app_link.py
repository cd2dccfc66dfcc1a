"""The app and its store: without one, lost, found again, old figures, frozen display."""

import asyncio
from dataclasses import replace

import pytest

from eventbus_core.monitoring import open_monitor
from eventbus_tui.app import MonitorApp
from eventbus_tui.feed import Feed
from eventbus_tui.settings import Settings
from eventbus_tui.update import Link
from tests.tui import worlds
from tests.tui.frames import count_frames
from tests.tui.pilot import (
    StubMonitor,
    app_of,
    rendered,
    run_app,
    run_view,
    settled,
    show,
    status_of,
    text_of,
    until,
)


async def test_it_starts_without_a_server() -> None:
    monitor = open_monitor("redis://127.0.0.1:1/0")
    async with monitor, run_app(monitor) as pilot:
        assert "✖ lost, retry" in status_of(pilot)
        assert "not reachable" in text_of(pilot)
        await pilot.press("3", "2", "1")
        await settled(pilot)
        assert pilot.app.is_running


async def test_the_first_frame_waits_for_no_answer() -> None:
    async with run_view(None) as pilot:
        assert "◌ connecting" in status_of(pilot)
        await pilot.press("3")
        await settled(pilot)
        assert "nothing known yet" in text_of(pilot) or "no bus yet" in text_of(pilot)


async def test_the_first_frame_is_complete_before_the_feed_has_said_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(feed: Feed) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Feed, "run", silent)
    app = MonitorApp(StubMonitor(), Settings(bus="shop", badge="PROD"))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        assert status_of(pilot) == " [PROD]  READ-ONLY  ◌ connecting  bus shop  poll 1s"
        assert text_of(pilot).split("\n")[1:4] == [" Overview", " ◌ connecting", ""]
        assert "PROBLEM" not in text_of(pilot)


async def test_a_store_without_a_bus() -> None:
    async with run_app(StubMonitor()) as pilot:
        assert "● live" in status_of(pilot)
        assert "no bus in this store yet" in text_of(pilot)


async def test_a_lost_store_leaves_what_was_seen_dimmed_and_counts_down() -> None:
    monitor = StubMonitor(worlds.stuck().snapshot)
    async with run_app(monitor, size=(120, 30)) as pilot:
        app = app_of(pilot)
        assert "● live" in status_of(pilot)
        monitor.source.lose("nobody there")
        await until(lambda: app.latest is not None and app.latest.link.state == "lost")
        await settled(pilot)
        assert "✖ lost, " in status_of(pilot)
        assert app.screen.has_class("-stale")
        assert "orders" in text_of(pilot)
        monitor.source.find_again()
        await pilot.press("r")
        await until(lambda: app.latest is not None and app.latest.link.state == "live")
        await settled(pilot)
        assert "● live" in status_of(pilot)
        assert not app.screen.has_class("-stale")


async def test_the_countdown_and_the_age_move_on_by_themselves() -> None:
    now = [100.0]
    link = Link(state="lost", attempts=3, retry_at=108.0, seen_at=90.0)
    update = replace(worlds.update(worlds.stuck()), link=link)
    async with run_view(update, size=(120, 30), clock=lambda: now[0]) as pilot:
        assert "✖ lost, retry 8s (3), data 10s" in status_of(pilot)
        now[0] = 105.0
        await until(lambda: "retry 3s (3), data 15s" in status_of(pilot))


async def test_old_figures_are_called_stale_when_nothing_comes() -> None:
    now = [100.0]
    update = replace(worlds.update(worlds.stuck()), link=Link(state="live", seen_at=100.0))
    async with run_view(update, clock=lambda: now[0]) as pilot:
        assert "● live" in status_of(pilot)
        now[0] = 112.0
        await until(lambda: "◌ stale 10s" in status_of(pilot))
        assert app_of(pilot).screen.has_class("-stale")
        assert "STUCK" in text_of(pilot)


async def test_stale_rows_are_painted_dimmer() -> None:
    async with run_view(worlds.stuck()) as pilot:
        fresh = row_colours(pilot.app.screen)
        await show(pilot, replace(worlds.update(worlds.stuck()), link=Link(state="lost")))
        assert row_colours(pilot.app.screen) != fresh


def row_colours(screen: object) -> list[str]:
    from textual.screen import Screen

    assert isinstance(screen, Screen)
    strip = next(s for s in screen._compositor.render_strips() if "STUCK" in s.text)
    return [str(segment.style and segment.style.color) for segment in strip]


async def test_a_frozen_display_stays_and_collection_goes_on() -> None:
    async with run_view(worlds.healthy(), size=(100, 24)) as pilot:
        await pilot.press("p")
        await settled(pilot)
        assert "⏸ FROZEN" in status_of(pilot)
        await show(pilot, worlds.stuck())
        assert "STUCK" not in text_of(pilot)
        await pilot.press("3")
        await settled(pilot)
        assert "search@products" not in text_of(pilot)  # other screens show the same moment
        await pilot.press("1", "p")
        await settled(pilot)
        assert "FROZEN" not in status_of(pilot)
        assert "STUCK" in text_of(pilot)


async def test_frozen_before_anything_is_known_it_still_shows_the_first_view() -> None:
    async with run_view(None) as pilot:
        await pilot.press("p")
        await show(pilot, worlds.stuck())
        assert "STUCK" in text_of(pilot)


async def test_nothing_is_sent_to_the_terminal_when_nothing_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eventbus_tui.app._COSTS_KEPT", 1_000_000)
    monitor = StubMonitor(worlds.stuck().snapshot)
    async with run_app(monitor, size=(120, 36), interval=0.02) as pilot:
        app = app_of(pilot)
        app._costs.append(10.0)  # the dearest: what the looks really cost differs
        for number in ("1", "2", "3", "4"):
            await pilot.press(number)
            await rendered(pilot, 20)  # rates and plots have come to rest
            sent = count_frames(app)
            await rendered(pilot, 10)
            assert sent == [], number


async def test_equal_updates_send_nothing_on_any_screen() -> None:
    view = worlds.big()
    async with run_view(view, size=(120, 36)) as pilot:
        for number in ("1", "2", "3", "4"):
            await pilot.press(number)
            await settled(pilot)
            await settled(pilot)
            sent = count_frames(pilot.app)
            for _ in range(3):
                await show(pilot, worlds.big())
            assert sent == [], number


async def test_the_interval_is_changed_by_keys_within_limits() -> None:
    async with run_view(worlds.healthy()) as pilot:
        app = app_of(pilot)
        await pilot.press("plus")
        assert app.feed.interval == 2.0
        await pilot.press("minus", "minus")
        assert app.feed.interval == 0.5
        await pilot.press(*["minus"] * 20)
        assert app.feed.interval == 0.25
        await pilot.press(*["plus"] * 20)
        assert app.feed.interval == 60.0


async def test_it_looks_at_memory_too() -> None:
    monitor = open_monitor("memory://")
    async with monitor, run_app(monitor) as pilot:
        assert "● live" in status_of(pilot)


async def test_if_the_looks_ever_end_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(feed: Feed) -> None:
        raise RuntimeError("[/x]")

    monkeypatch.setattr(Feed, "run", broken)
    monitor = StubMonitor(worlds.stuck().snapshot)
    app = MonitorApp(monitor, Settings())
    async with app.run_test(notifications=True) as pilot:
        await until(lambda: "RuntimeError('[/x]')" in text_of(pilot))
        assert "nothing more is collected" in text_of(pilot)
        assert app.is_running
