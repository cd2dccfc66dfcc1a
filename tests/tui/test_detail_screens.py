"""The screens of one stream, group or instance, with keys."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from eventbus_core.monitoring import BusView, Capabilities
from eventbus_tui.links import (
    dead_letters_of_group,
    dead_letters_of_instance,
    dead_letters_of_stream,
    flow_of_stream,
)
from eventbus_tui.navigation import Place
from eventbus_tui.screens.detail import DetailScreen
from tests.tui import worlds
from tests.tui.clocks import in_utc
from tests.tui.pieces import bus_view, group, group_view, snapshot
from tests.tui.staged import Stage, staged

BILLING = Place("group", "work orders billing", "billing@orders")
LEGACY = Place("group", "work audit legacy", "legacy@audit")
SHIP_7 = Place("instance", "life-ship-7", "ship-7")


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with in_utc():
        yield


def screen(stage: Stage) -> DetailScreen[object]:
    assert isinstance(stage.app.screen, DetailScreen)
    return stage.app.screen


async def test_a_group_tells_what_is_wrong_what_to_do_and_who_has_the_work() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        await stage.open(BILLING)
        for words in (
            "Groups » billing@orders",
            "✖ STUCK  nothing settled for 3m, 1,204 pending  since 14:00:10",
            "next: Open the group",
            "docs/runbook.md#stuck",
            "in hand         1,204 messages",
            "never empty at this rate",
            "In whose hands",
        ):
            assert words in stage.text
        bars = [line for line in stage.text.splitlines() if "3/1" in line]
        assert [line.count("█") for line in bars] == [20, 2, 0]


async def test_what_does_not_fit_is_scrolled_to() -> None:
    async with staged(worlds.stuck(), size=(80, 24), screen="groups") as stage:
        await stage.open(BILLING)
        assert "max_backlog" not in stage.text
        await stage.press("J", "J", "J")
        assert "nothing out of the ordinary" in stage.text
        await stage.press("K", "K", "K", "K")
        assert "✖ STUCK" in stage.text


async def test_drilling_down_goes_on_in_both_directions() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        await stage.open(BILLING)
        await stage.press("enter")
        assert stage.app.way.here == Place("instance", "life-bill-1", "bill-1")
        await stage.press("enter")
        assert stage.app.way.here == BILLING
        await stage.press("o", "enter")
        assert stage.app.way.here == BILLING
        assert [place.screen for place in stage.app.way.places] == [
            "groups",
            "group",
            "instance",
            "group",
            "stream",
            "group",
        ]
        await stage.press(*["escape"] * 5)
        assert stage.app.way.here.screen == "groups"


async def test_dead_letters_are_opened_with_a_filter() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        await stage.open(BILLING)
        await stage.press("d")
        here = stage.app.way.here
        assert (here.screen, here.filter) == ("dead-letters", "event=orders group=billing")


async def test_links_name_what_they_lead_to() -> None:
    view = worlds.healthy()
    told = [flow_of_stream(each).filter for each in view.streams]
    assert told == ["mode=broadcast", "mode=anycast event=orders", "mode=unicast target=ship-7"]
    letters = [dead_letters_of_stream(each).filter for each in view.streams]
    assert letters[2] == "mode=unicast instance=ship-7"
    assert dead_letters_of_group(view.groups[2]).filter == "instance=ship-7"
    assert dead_letters_of_instance(view.instances[0]).filter == "instance=bill-1"


async def test_broadcasts_show_who_reads_them() -> None:
    async with staged(worlds.healthy(), screen="streams") as stage:
        await stage.open(Place("stream", "broadcast", "broadcasts"))
        assert "Instances that listen to broadcasts" in stage.text
        assert "loses the oldest broadcasts" in screen(stage).copied()
        await stage.press("enter")
        assert stage.app.way.here.screen == "instance"


async def test_a_dead_instance_tells_who_took_its_work() -> None:
    async with staged(worlds.dead(), screen="instances") as stage:
        await stage.open(SHIP_7)
        assert "still holds     38 messages" in stage.text
        assert "ship-8 took over 12 messages from ship-7" in screen(stage).copied()


async def test_drift_and_the_longest_handler_are_told() -> None:
    async with staged(worlds.drifting(), screen="instances", size=(120, 50)) as stage:
        await stage.open(Place("instance", "life-slow-1", "slow-1"))
        assert "app.handlers.render  for 5m" in stage.text
        assert "▲ 50 messages, in force" in stage.text


async def test_what_is_gone_keeps_its_last_figures_and_says_so() -> None:
    view = worlds.stuck()
    async with staged(view, screen="groups") as stage:
        await stage.open(BILLING)
        await stage.show(replace(view, groups=view.groups[1:]))
        assert "this group is gone" in stage.text
        assert "1,204 messages" in stage.text
        await stage.show(view)
        assert "this group is gone" not in stage.text


async def test_what_was_never_there_is_told() -> None:
    async with staged(worlds.empty(), screen="groups") as stage:
        await stage.open(Place("group", "work no such", "such@no"))
        assert "group such@no: not there (any more)" in stage.text
        await stage.show(None)
    async with staged(None, screen="groups") as stage:
        await stage.open(BILLING)
        assert "group billing@orders: nothing known yet" in stage.text


async def test_copy_is_plain_text_and_export_json() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        await stage.open(BILLING)
        copied = screen(stage).copied()
        assert "Figures\nmode            anycast\n" in copied
        assert "bill-1" in copied.splitlines()[-3]
        export = screen(stage).exported()
        assert export is not None
        told = json.loads(export.text)
        assert told["snapshot"]["pending"] == 1204
        assert told["drain_seconds"] is None


async def test_nothing_is_written_when_nothing_changed() -> None:
    view = worlds.stuck()
    async with staged(view, screen="groups") as stage:
        await stage.open(BILLING)
        panels = list(screen(stage)._panels.values())
        before = [panel.writes for panel in panels], screen(stage).table.writes
        await stage.show(replace(view, looks=31))
        assert ([panel.writes for panel in panels], screen(stage).table.writes) == before


# Dropping a group


async def drop(stage: Stage, *keys: str) -> None:
    await stage.open(LEGACY)
    await stage.press("D", *keys)


async def test_a_memberless_group_is_dropped_after_its_name_was_typed() -> None:
    async with staged(worlds.memberless(), screen="groups", allow_actions=True) as stage:
        await drop(stage)
        assert "Drop group legacy of audit on bus default?" in stage.text
        assert "4,000 unhandled messages become dead letters" in " ".join(stage.text.split())
        assert stage.acted == []
        await stage.press("shift+tab", *"legacy", "enter")
        await stage.until(lambda: stage.acted)
        assert stage.acted == [("drop_group", "default", "audit", "legacy")]
        assert stage.app.audit[-1].result == "1 done"


async def test_escape_drops_nothing() -> None:
    async with staged(worlds.memberless(), screen="groups", allow_actions=True) as stage:
        await drop(stage, "escape")
        assert stage.acted == []
        assert stage.app.way.here == LEGACY


async def test_another_word_drops_nothing() -> None:
    async with staged(worlds.memberless(), screen="groups", allow_actions=True) as stage:
        await drop(stage, "shift+tab", *"legace", "enter")
        assert stage.acted == []


async def test_read_only_says_why_and_asks_nothing() -> None:
    async with staged(worlds.memberless(), screen="groups") as stage:
        await drop(stage)
        assert "Drop group" not in stage.text
        assert "--allow-actions" in stage.said()
        assert stage.acted == []


async def test_a_transport_that_cannot_says_so() -> None:
    async with staged(worlds.memberless(), screen="groups", allow_actions=True) as stage:
        stage.app.monitor.capabilities = Capabilities(monitoring=True)
        await drop(stage)
        assert "does not declare" in stage.said()


@pytest.mark.parametrize(
    ("view", "place", "why"),
    [
        (worlds.stuck(), BILLING, "3 live members"),
        (worlds.memberless(), Place("group", "inbox ship-7", "ship-7"), "an inbox is not a group"),
    ],
)
async def test_what_is_in_use_is_not_dropped(view: BusView, place: Place, why: str) -> None:
    async with staged(view, screen="groups", allow_actions=True) as stage:
        await stage.open(place)
        await stage.press("D")
        assert why in stage.said()
        assert stage.acted == []


async def test_the_group_that_was_there_at_the_key_press_is_the_one_that_is_dropped() -> None:
    view = worlds.memberless()
    async with staged(view, screen="groups", allow_actions=True) as stage:
        await drop(stage)
        other = group_view(group("other", "audit", memberless=9_000))
        await stage.show(bus_view(snapshot(bus="second"), groups=[other]))
        await stage.press("shift+tab", *"legacy", "enter")
        await stage.until(lambda: stage.acted)
        assert stage.acted == [("drop_group", "default", "audit", "legacy")]
