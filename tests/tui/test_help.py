"""Help is made of the bindings that are live."""

import pytest
from textual.binding import Binding

from eventbus_tui.navigation import ROOTS
from tests.tui import worlds
from tests.tui.pilot import app_of, run_view, settled, text_of, title_of


@pytest.mark.parametrize("screen", ROOTS)
async def test_every_live_binding_stands_there_with_its_key(screen: str) -> None:
    async with run_view(worlds.stuck(), size=(100, 100), screen=screen) as pilot:
        app = app_of(pilot)
        active = list(app.screen.active_bindings.values())
        assert len(active) > 20
        await pilot.press("question_mark")
        await settled(pilot)
        lines = [line.split() for line in text_of(pilot).split("\n")]
        for each in active:
            word = (each.binding.tooltip or each.binding.description).split()
            key = app.get_key_display(each.binding)
            assert any(key in line and " ".join(word) in " ".join(line) for line in lines), key


@pytest.mark.parametrize("screen", ROOTS)
async def test_every_binding_of_ours_has_an_id_and_a_short_description(screen: str) -> None:
    async with run_view(worlds.stuck(), screen=screen) as pilot:
        checked = 0
        for node in {active.node for active in app_of(pilot).screen.active_bindings.values()}:
            for made in type(node).__mro__:
                if made.__module__.startswith("eventbus_tui"):
                    for binding in made.__dict__.get("BINDINGS", ()):
                        assert isinstance(binding, Binding), binding
                        assert binding.id, binding
                        assert 0 < len(binding.description) <= 24, binding
                        checked += 1
        assert checked > 20


async def test_keys_that_are_set_otherwise_stand_there_as_they_are_set() -> None:
    async with run_view(worlds.stuck(), size=(100, 100)) as pilot:
        app_of(pilot).set_keymap({"app.freeze": "z"})
        await pilot.press("question_mark")
        await settled(pilot)
        assert any(line.split() == ["z", "Freeze"] for line in text_of(pilot).split("\n"))
        await pilot.press("escape", "z")
        assert app_of(pilot).frozen


async def test_help_is_left_as_any_place_and_not_entered_twice() -> None:
    async with run_view(worlds.stuck()) as pilot:
        await pilot.press("3", "question_mark", "question_mark")
        await settled(pilot)
        assert title_of(pilot).strip() == "Groups » Help"
        await pilot.press("escape")
        await settled(pilot)
        assert title_of(pilot).strip().startswith("Groups ")
        assert "Help" not in title_of(pilot)


async def test_the_key_line_shows_live_keys_and_always_help_and_quit() -> None:
    async with run_view(worlds.stuck(), size=(60, 20)) as pilot:
        for key in ("1", "3"):
            await pilot.press(key)
            await settled(pilot)
            assert text_of(pilot).split("\n")[-1].rstrip().endswith("? Help  q Quit")
    async with run_view(worlds.stuck(), size=(160, 30)) as pilot:
        assert "1 Overview  2 Streams" in text_of(pilot).split("\n")[-1]
        assert "! Problems" not in text_of(pilot).split("\n")[-1]
        await pilot.press("3")
        await settled(pilot)
        assert "! Problems" in text_of(pilot).split("\n")[-1]


async def test_the_key_line_can_be_clicked() -> None:
    async with run_view(worlds.stuck(), size=(160, 30)) as pilot:
        line = text_of(pilot).split("\n")[-1]
        await pilot.click("#keys", offset=(line.index("3 Groups") + 2, 0))
        await settled(pilot)
        assert title_of(pilot).strip().startswith("Groups")
