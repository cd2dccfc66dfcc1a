"""The screen of instances, with keys."""

from dataclasses import replace

from eventbus_tui.navigation import Place
from eventbus_tui.screens.instances import InstancesScreen
from tests.tui import worlds
from tests.tui.pieces import AT
from tests.tui.staged import Stage, staged


def screen(stage: Stage) -> InstancesScreen:
    assert isinstance(stage.app.screen, InstancesScreen)
    return stage.app.screen


def line_with(stage: Stage, text: str) -> str:
    return next(line for line in stage.text.splitlines() if text in line)


async def test_the_dead_stand_first_with_what_they_left() -> None:
    async with staged(worlds.dead(), size=(170, 40), screen="instances") as stage:
        rows = screen(stage).table.shown
        assert [row.cells[1].text for row in rows] == ["ship-7", "ship-9", "ship-8"]
        told = line_with(stage, "ship-7")
        for figure in ("✖ DEAD", "shipping", "worker-1.example/4711", "45s ago", "38", "12"):
            assert figure in told
        assert "▲ LATE" in line_with(stage, "ship-9")
        for figure in ("✓ ok", "<5s", "3/1", "120/s", "1.4.0"):
            assert figure in line_with(stage, "ship-8")


async def test_a_narrow_terminal_keeps_heartbeat_pending_and_rates() -> None:
    async with staged(worlds.dead(), size=(60, 20), screen="instances") as stage:
        heading = stage.text.splitlines()[2]
        assert all(name in heading for name in ("ID", "HB-AGE", "PEND"))
        assert "HOST/PID" not in heading


async def test_enter_opens_an_instance_and_its_groups_lead_on() -> None:
    async with staged(worlds.dead(), screen="instances") as stage:
        await stage.press("enter")
        assert stage.app.way.here == Place("instance", "life-ship-7", "ship-7")
        assert "Since its death" in stage.text
        await stage.press("enter")
        assert stage.app.way.here == Place("group", "work orders shipping", "shipping@orders")


async def test_what_it_sends_is_one_key_away() -> None:
    async with staged(worlds.dead(), screen="instances") as stage:
        await stage.press("f")
        here = stage.app.way.here
        assert (here.screen, here.filter) == ("flow", "source=ship-7")


async def test_heartbeats_that_come_write_nothing() -> None:
    view = worlds.big(20, 40, 60)
    async with staged(view, screen="instances") as stage:
        before = screen(stage).table.writes
        later = replace(view.snapshot, at_ms=AT + 2_000)
        await stage.show(replace(view, snapshot=later))
        assert screen(stage).table.writes == before


async def test_an_empty_bus_says_so() -> None:
    async with staged(worlds.empty(), screen="instances") as stage:
        assert "nobody has joined this bus" in stage.text
