"""What the keys of the app do: copy, export, find, buses, maximize, quit."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from eventbus_tui.app import MonitorApp
from eventbus_tui.navigation import Place
from tests.tui import worlds
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


async def test_copy_takes_the_row_under_the_cursor_and_says_how_much() -> None:
    async with run_view(worlds.stuck(), screen="groups", notifications=True) as pilot:
        await pilot.press("down", "y")
        await settled(pilot)
        assert "search@products" in pilot.app.clipboard
        assert f"copied {len(pilot.app.clipboard)} characters" in text_of(pilot)


async def test_copy_on_the_overview_takes_the_problem() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("✖ STUCK  group billing@orders")


async def test_where_there_is_nothing_to_copy_it_says_so() -> None:
    async with run_view(worlds.empty(), notifications=True) as pilot:
        await pilot.press("y")
        await settled(pilot)
        assert "nothing to copy here" in text_of(pilot)


@pytest.mark.parametrize("char", ["x", "世", "\udcff"])
async def test_what_is_too_long_for_terminals_is_cut_and_said(char: str) -> None:
    async with run_view(worlds.stuck(), notifications=True, size=(120, 30)) as pilot:
        app_of(pilot).copy(char * 100_000)
        await settled(pilot)
        copied = pilot.app.clipboard
        assert 0 < len(base64.b64encode(copied.encode())) <= 74_994
        assert "of 100,000 characters" in text_of(pilot)


async def test_export_writes_the_rows_that_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with run_view(worlds.stuck(), screen="groups", notifications=True) as pilot:
        await pilot.press("slash", *"billing", "enter", "e")
        await settled(pilot)
        (path,) = tmp_path.iterdir()
        assert path.name.startswith("eventbus-groups-")
        assert path.suffix == ".json"
        (row,) = json.loads(path.read_text("utf-8"))
        assert row["key"] == "work orders billing"
        assert row["GROUP@STREAM"] == "billing@orders"
        assert row["values"]["backlog"] == 1204
        assert "1 row written to" in text_of(pilot)


async def test_export_of_the_overview_is_text_and_files_are_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda *_: "20260301-140322")
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("e", "e")
        await settled(pilot)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == [
            "eventbus-overview-20260301-140322-1.txt",
            "eventbus-overview-20260301-140322.txt",
        ]
        assert "STUCK" in (tmp_path / names[0]).read_text("utf-8")


async def test_a_folder_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with run_view(worlds.stuck(), notifications=True) as pilot:
        await pilot.press("e")
        await settled(pilot)
        assert "not exported" in text_of(pilot)


async def test_a_picture_of_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with run_view(worlds.stuck()) as pilot:
        app_of(pilot).save_picture()
        (path,) = tmp_path.iterdir()
        assert path.suffix == ".svg"
        assert "STUCK" in path.read_text("utf-8")


async def test_a_message_is_found_by_its_id() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("F", *"0198aaaa", "enter")
        await settled(pilot)
        here = app_of(pilot).way.here
        assert (here.screen, here.key) == ("message", "0198aaaa")
        await pilot.press("escape")
        await settled(pilot)
        assert app_of(pilot).way.here == Place("overview")


async def test_a_prompt_that_is_left_opens_nothing() -> None:
    async with run_view(worlds.stuck()) as pilot:
        for keys in (("escape",), ("enter",), ("space", "enter")):
            await pilot.press("F", *keys)
            await settled(pilot)
            assert app_of(pilot).way.places == (Place("overview"),)
            assert len(app_of(pilot).screen_stack) == 1


async def test_another_bus_is_picked_from_a_list() -> None:
    first = worlds.stuck().snapshot
    monitor = StubMonitor(first, replace(first, bus="zebra[/x]"))
    async with run_app(monitor, size=(100, 30)) as pilot:
        app = app_of(pilot)
        assert "bus default" in status_of(pilot)
        await pilot.press("3", "b")
        await settled(pilot)
        assert "2 buses in this store" in text_of(pilot)
        await pilot.press("down", "enter")
        await until(lambda: app.latest is not None and app.latest.bus == "zebra[/x]")
        await rendered(pilot)
        assert "bus zebra[/x]" in status_of(pilot)
        assert app.way.places == (Place("groups"),)
        await pilot.press("b", "escape")
        await settled(pilot)
        assert "bus zebra[/x]" in status_of(pilot)


async def test_maximize_and_back() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("m")
        await settled(pilot)
        assert maximized(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert not maximized(pilot)
        await pilot.press("m", "m")
        await settled(pilot)
        assert not maximized(pilot)


def maximized(pilot: Pilot[None]) -> bool:
    return pilot.app.screen.maximized is not None


async def test_a_key_that_fails_is_told_and_the_monitor_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(app: MonitorApp) -> None:
        raise ValueError("[/x]")

    monkeypatch.setattr(MonitorApp, "action_freeze", broken)
    async with run_view(worlds.stuck(), notifications=True) as pilot:
        await pilot.press("p")
        await settled(pilot)
        assert "that failed: ValueError: [/x]" in text_of(pilot)
        await show(pilot, worlds.healthy())
        assert "nothing wrong" in text_of(pilot)
    assert "freeze failed" in caplog.text


async def test_q_quits() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("q")
        await until(lambda: not pilot.app.is_running)
