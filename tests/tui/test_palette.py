"""The palette: names, screens, actions."""

import pytest
from textual.widgets import Input

from eventbus_tui.navigation import Place
from eventbus_tui.palette import MOST, match
from tests.tui import worlds
from tests.tui.pilot import StubMonitor, app_of, run_app, run_view, settled, text_of, until


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        ("billing", "go to group billing@orders", True),
        ("ORDERS bill", "go to group billing@orders", True),
        ("orders mail", "go to group billing@orders", False),
        ("", "anything", True),
    ],
)
def test_every_word_has_to_be_there(wanted: str, text: str, found: bool) -> None:
    assert (match(wanted.casefold().split(), text) > 0) is found


def test_where_a_name_starts_counts_more_and_shorter_ones_too() -> None:
    starts, inside = match(["bill"], "go to billing"), match(["bill"], "go to xbilling")
    assert starts > inside
    assert match(["bill"], "go to bill") > match(["bill"], "go to billing-and-more")


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("billing@orders", Place("group", "work orders billing", "billing@orders")),
        ("stream orders", Place("stream", "work orders", "orders")),
        ("instance bill-1", Place("instance", "life-bill-1", "bill-1")),
        ("instances", Place("instances")),
    ],
)
async def test_it_goes_to_what_is_named(typed: str, place: Place) -> None:
    async with run_view(worlds.stuck(), size=(100, 30)) as pilot:
        await pilot.press("colon")
        await choose(pilot, typed)
        await until(lambda: app_of(pilot).way.here == place)
        await settled(pilot)
        assert place.title in text_of(pilot)


async def choose(pilot: object, typed: str) -> None:
    from textual.command import CommandList, CommandPalette
    from textual.pilot import Pilot

    assert isinstance(pilot, Pilot)
    await until(lambda: isinstance(pilot.app.screen, CommandPalette))
    palette = pilot.app.screen
    palette.query_one(Input).value = typed
    found = palette.query_one(CommandList)
    first = typed.split()[-1].casefold()
    await until(
        lambda: found.option_count and first in str(found.get_option_at_index(0).prompt).casefold()
    )
    await pilot.press("enter")


async def test_it_does_what_keys_do() -> None:
    async with run_view(worlds.stuck(), size=(100, 30), screen="groups") as pilot:
        await pilot.press("ctrl+p")
        await choose(pilot, "freeze")
        await until(lambda: app_of(pilot).frozen)
        await pilot.press("ctrl+p")
        await choose(pilot, "problems")
        await until(lambda: "problems only" in text_of(pilot))


async def test_it_changes_the_bus() -> None:
    from dataclasses import replace

    first = worlds.stuck().snapshot
    monitor = StubMonitor(first, replace(first, bus="other"))
    async with run_app(monitor, size=(100, 30)) as pilot:
        await pilot.press("colon")
        await choose(pilot, "go bus other")
        await until(lambda: (latest := app_of(pilot).latest) and latest.bus == "other")


async def test_names_are_many_and_results_are_bounded() -> None:
    from eventbus_tui.palette import Names

    async with run_view(worlds.big()) as pilot:
        provider = Names(pilot.app.screen)
        hits = [hit async for hit in provider.search("instance")]
        assert len(hits) == MOST
        assert [hit.text async for hit in provider.search("instance-0499")] == [
            "go to instance instance-0499, live"
        ]
        assert not [hit async for hit in provider.search("no such thing")]
        first = [hit.text async for hit in provider.discover()]
        assert "Groups  (3)" in first
        assert not any((text or "").startswith("go to") for text in first)


@pytest.mark.parametrize("text", worlds.HOSTILE)
async def test_hostile_names_are_text(text: str) -> None:
    from rich.text import Text

    from eventbus_tui.palette import Names

    async with run_view(worlds.hostile(text)) as pilot:
        provider = Names(pilot.app.screen)
        hits = [hit async for hit in provider.search("go to")]
        assert len(hits) > 4
        for hit in hits:
            assert isinstance(hit.prompt, Text)
            assert hit.prompt.plain.isprintable()
            assert hit.help is None
