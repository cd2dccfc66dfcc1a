"""The dialog before something is changed: it says what, and does nothing by accident."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Button, Input

from eventbus_tui.screens.confirm import ConfirmDialog
from tests.tui.golden import screen_text
from tests.tui.worlds import HOSTILE

LINES = ("38 of group billing of orders", "They are deleted. This cannot be undone.")


class Asking(App[None]):
    answers: list[bool | None]


@asynccontextmanager
async def asked(
    typed: str | None = None,
    lines: Sequence[str] = LINES,
    title: str = "Discard 38 dead letters on bus shop?",
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[tuple[Pilot[None], list[bool | None]]]:
    app, answers = Asking(), list[bool | None]()
    async with app.run_test(size=size) as pilot:
        app.push_screen(ConfirmDialog(title, lines, typed), answers.append)
        await pilot.pause()
        await pilot.pause()
        yield pilot, answers


async def test_it_says_what_will_happen_and_to_how_many() -> None:
    async with asked(typed="38") as (pilot, _):
        text = screen_text(pilot.app)
        assert "Discard 38 dead letters on bus shop?" in text
        for line in LINES:
            assert line in text
        assert "Type 38 to go on" in text


@pytest.mark.parametrize("keys", [["enter"], ["escape"], ["space"], ["tab", "x", "escape"]])
async def test_keys_pressed_in_haste_do_nothing(keys: list[str]) -> None:
    async with asked() as (pilot, answers):
        await pilot.press(*keys)
        await pilot.pause()
        assert answers in ([], [False])


async def test_one_is_confirmed_with_a_button() -> None:
    async with asked() as (pilot, answers):
        await pilot.press("right", "enter")
        await pilot.pause()
        assert answers == [True]


async def test_more_than_one_needs_to_be_typed() -> None:
    async with asked(typed="38") as (pilot, answers):
        go = pilot.app.screen.query_one("#confirm-yes", Button)
        assert go.disabled
        await pilot.press("3", "enter")
        await pilot.pause()
        assert go.disabled
        assert answers == []
        await pilot.press("8")
        await pilot.pause()
        assert [go.disabled] == [False]
        await pilot.press("enter")
        await pilot.pause()
        assert answers == [True]


async def test_a_typed_text_that_is_taken_back_is_not_agreed() -> None:
    async with asked(typed="38") as (pilot, answers):
        pilot.app.screen.query_one(Input).focus()
        await pilot.press("3", "8", "backspace")
        await pilot.pause()
        assert pilot.app.screen.query_one("#confirm-yes", Button).disabled
        await pilot.press("escape")
        await pilot.pause()
        assert answers == [False]


async def test_the_mouse_works_too() -> None:
    async with asked() as (pilot, answers):
        await pilot.click("#confirm-yes")
        await pilot.pause()
        assert answers == [True]


@pytest.mark.parametrize("size", [(60, 15), (60, 20), (80, 24), (200, 60)])
async def test_long_texts_leave_the_buttons_visible(size: tuple[int, int]) -> None:
    lines = [f"line {n} " + "x" * 300 for n in range(30)]
    async with asked(typed="38", lines=lines, size=size) as (pilot, _):
        text = screen_text(pilot.app)
        assert "Cancel" in text
        assert "Do it" in text
        assert "Discard 38 dead letters" in text


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_texts_are_shown_and_do_nothing(text: str) -> None:
    async with asked(typed=text, lines=[text], title=text) as (pilot, _):
        shown = screen_text(pilot.app)
        assert not {"\x1b", "\u202e", "\x07"} & {*shown}
        if text.startswith("["):
            assert shown.count(text) == 3
