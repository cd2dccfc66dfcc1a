"""Texts of users on the screens of streams, groups and instances: shown, and harmless."""

import json

import pytest

from eventbus_core.monitoring import BusView
from eventbus_tui.links import group_place, instance_place, stream_place
from eventbus_tui.navigation import Place
from tests.tui import worlds
from tests.tui.pieces import bus_view, group, group_view, snapshot
from tests.tui.staged import staged

SIZES = ((60, 20), (120, 36))
FORBIDDEN = {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\r", "\u2028"}
"""What a terminal takes for a command, and what turns the writing round."""


def places(view: BusView) -> list[Place]:
    return [
        *(Place(root) for root in ("streams", "groups", "instances")),
        *map(stream_place, view.streams),
        *map(group_place, view.groups),
        *map(instance_place, view.instances),
    ]


@pytest.mark.parametrize("number", range(len(worlds.HOSTILE)))
async def test_every_screen_shows_them(number: int) -> None:
    view = worlds.hostile(worlds.HOSTILE[number])
    async with staged(view, size=SIZES[number % 2], screen="streams") as stage:
        for place in places(view):
            await stage.open(place)
            screen = stage.app.monitor_screen
            assert screen is not None
            assert screen.trouble == ""
            assert not {*stage.text} & FORBIDDEN
            assert screen.copied()
            exported = screen.exported()
            assert exported is not None
            assert json.loads(exported.text)
        assert not {*stage.app.export_screenshot()} & FORBIDDEN


@pytest.mark.parametrize("text", ["[/x]", "[bold red]x[/bold red]", "[@click=app.quit]x[/]"])
async def test_markup_is_shown_as_it_was_typed(text: str) -> None:
    view = worlds.hostile(text)
    async with staged(view, screen="groups", size=(200, 40)) as stage:
        assert f"{text}@{text}" in stage.text
        await stage.open(group_place(view.groups[0]))
        assert f"✖ STUCK  {text}" in stage.text


async def test_a_filter_of_markup_finds_it() -> None:
    view = worlds.hostile("[/x]")
    async with staged(view, screen="streams") as stage:
        await stage.press("slash", "[", "/", "x", "]", "enter")
        assert stage.text.count("[/x]") >= 2


async def test_dropping_a_group_shows_its_name_as_it_is() -> None:
    left = group_view(group("[/x]", "[b]", memberless=9_000))
    view = bus_view(snapshot(), groups=[left])
    async with staged(view, screen="groups", allow_actions=True) as stage:
        await stage.open(group_place(left))
        await stage.press("D")
        assert "Drop group [/x] of [b]" in stage.text
        assert "Group [/x] of event [b] is removed." in stage.text
