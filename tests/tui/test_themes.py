"""Colours: three themes, none at all, and states that can be read without them."""

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.pilot import Pilot

from eventbus_tui.navigation import ROOTS
from eventbus_tui.theme import THEMES, next_theme, themes
from tests.tui import worlds
from tests.tui.pilot import app_of, run_view, settled, text_of

SIZES = [(60, 20), (80, 24), (120, 36), (200, 60)]


def segments(pilot: Pilot[None]) -> list[Segment]:
    """What is painted on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return [segment for strip in strips for segment in strip]


def colours(pilot: Pilot[None]) -> set[str]:
    """Of all that is painted."""
    styles = [segment.style for segment in segments(pilot) if segment.style]
    found = {colour.name for style in styles for colour in (style.color, style.bgcolor) if colour}
    return found - {"default"}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_in_every_theme_and_size(theme: str, size: tuple[int, int]) -> None:
    async with run_view(worlds.stuck(), size=size, theme=theme) as pilot:
        for number, name in enumerate(ROOTS, start=1):
            await pilot.press(str(number))
            await settled(pilot)
            text = text_of(pilot)
            assert "● live" in text, name
            assert "? Help" in text.split("\n")[-1], name


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_colour_can_be_read_on_its_ground(name: str) -> None:
    theme = next(theme for theme in themes() if theme.name == name)
    words = ("ok", "warn", "crit", "quiet", "stale", "broadcast", "unicast", "anycast")
    background = theme.background or ""
    for ground in (background, theme.variables["bar"], theme.variables["cursor"]):
        for word in (theme.foreground or "", *(theme.variables[word] for word in words)):
            assert contrast(word, ground) >= 3.5, (word, ground)
    for word in words:
        assert contrast(theme.variables[word], background) >= 4.5, word


def contrast(one: str, other: str) -> float:
    """As the WCAG reckons it: 1 for none, 21 for black on white."""
    dark, light = sorted(luminance(Color.parse(each)) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Color) -> float:
    parts = (part / 255 for part in colour.rgb)
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_a_key_goes_through_the_themes() -> None:
    async with run_view(worlds.stuck(), notifications=True) as pilot:
        seen = [pilot.app.theme]
        painted = [colours(pilot)]
        for _ in THEMES:
            await pilot.press("t")
            await settled(pilot)
            seen.append(pilot.app.theme)
            painted.append(colours(pilot))
        assert seen == ["dark", "light", "ansi", "dark"]
        assert painted[0] == painted[3]
        assert painted[0] != painted[1] != painted[2]
    assert next_theme("unknown") == "dark"


async def test_an_unknown_theme_is_the_dark_one() -> None:
    async with run_view(worlds.stuck(), theme="solarized") as pilot:
        assert pilot.app.theme == "dark"


async def test_the_ansi_theme_uses_the_colours_of_the_terminal_only() -> None:
    async with run_view(worlds.stuck(), theme="ansi") as pilot:
        for number in range(1, 5):
            await pilot.press(str(number))
            await settled(pilot)
            assert not {name for name in colours(pilot) if name.startswith("#")}


async def test_without_colours_nothing_is_coloured_and_everything_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with run_view(worlds.stuck(), theme="light", notifications=True) as pilot:
        for number in range(1, 5):
            await pilot.press(str(number))
            await settled(pilot)
            assert colours(pilot) == set()
        await pilot.press("1")
        await settled(pilot)
        for said in ("✖ STUCK", "▲ LAGGING", "✖ 1 critical", "● live", "READ-ONLY"):
            assert said in text_of(pilot)
        cursor = next(line for line in text_of(pilot).split("\n") if "STUCK" in line)
        assert cursor.startswith("▌")
        assert any(s.style and s.style.reverse for s in segments(pilot) if "STUCK" in s.text)
        await pilot.press("t")
        await settled(pilot)
        assert colours(pilot) == set()
        assert "NO_COLOR is set" in text_of(pilot)


async def test_signs_in_ascii() -> None:
    async with run_view(worlds.stuck(), ascii=True, size=(120, 36)) as pilot:
        for key in ("1", "2", "3", "4", "question_mark"):
            await pilot.press(key)
            await settled(pilot)
            lines = text_of(pilot).split("\n")
            assert [line for line in lines if not line.isascii()] == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "READ-ONLY"),
        ({"allow_actions": True}, "ACTIONS"),
        ({"demo": True}, "DEMO READ-ONLY"),
        ({"badge": "PROD", "badge_level": "crit"}, "[PROD]"),
    ],
)
async def test_the_bar_says_what_may_be_done_and_where(
    settings: dict[str, object], said: str
) -> None:
    async with run_view(worlds.stuck(), **settings) as pilot:  # type: ignore[arg-type]  # fields
        assert said in text_of(pilot).split("\n")[0]
        assert ("READ-ONLY" in text_of(pilot)) is not app_of(pilot).settings.allow_actions
