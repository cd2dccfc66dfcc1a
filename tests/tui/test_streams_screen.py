"""The screen of streams, with keys."""

from eventbus_tui.navigation import Place
from eventbus_tui.screens.streams import StreamsScreen
from tests.tui import worlds
from tests.tui.staged import Stage, staged


def screen(stage: Stage) -> StreamsScreen:
    assert isinstance(stage.app.screen, StreamsScreen)
    return stage.app.screen


def line_with(stage: Stage, text: str) -> str:
    return next(line for line in stage.text.splitlines() if text in line)


async def test_every_mode_is_there_with_its_figures() -> None:
    async with staged(worlds.healthy(), screen="streams") as stage:
        told = line_with(stage, "orders")
        for figure in ("✓ ok", "anycast", "2.1k/s", "████████", "5,000", "1.2 MB", "4m", "99%"):
            assert figure in told
        assert "broadcast" in line_with(stage, "broadcasts")
        assert "unicast" in line_with(stage, "ship-7 (inbox)")


async def test_a_narrow_terminal_keeps_backlog_rate_and_margin() -> None:
    async with staged(worlds.healthy(), size=(60, 20), screen="streams") as stage:
        heading = stage.text.splitlines()[2]
        assert all(name in heading for name in ("STREAM", "IN/s", "BACKLOG", "MARGIN"))
        assert "BYTES" not in heading


async def test_enter_opens_the_stream_and_its_groups_lead_on() -> None:
    async with staged(worlds.healthy(), screen="streams") as stage:
        await stage.press("slash", *"orders", "enter", "enter")
        assert stage.app.way.here == Place("stream", "work orders", "orders")
        assert "billing@orders" in stage.text
        await stage.press("enter")
        assert stage.app.way.here.screen == "group"
        await stage.press("enter")
        assert stage.app.way.here.screen == "instance"
        await stage.press("escape", "escape", "escape")
        assert [place.screen for place in stage.app.way.places] == ["streams"]


async def test_its_groups_alone_are_one_key_away() -> None:
    async with staged(worlds.stuck(), screen="streams") as stage:
        await stage.press("slash", *"orders", "enter", "o")
        assert stage.app.way.here.filter == "stream=orders"
        assert "billing@orders" in stage.text
        assert "search@products" not in stage.text


async def test_an_absent_target_and_a_margin_at_risk_are_told() -> None:
    async with staged(worlds.memberless(), screen="streams") as stage:
        assert "◌ absent" in line_with(stage, "ship-7 (inbox)")
        told = line_with(stage, "audit")
        assert "▲ RETENTION" in told
        assert "2%" in told


async def test_unknown_figures_are_question_marks() -> None:
    async with staged(worlds.unknown(), screen="streams") as stage:
        assert line_with(stage, "audit").count(" ?") == 5


async def test_an_empty_bus_says_so() -> None:
    async with staged(worlds.empty(), screen="streams") as stage:
        assert "nothing was emitted on this bus" in stage.text


async def test_nothing_is_written_when_nothing_changed() -> None:
    view = worlds.big()
    async with staged(view, screen="streams") as stage:
        before = screen(stage).table.writes
        await stage.show(view)
        assert screen(stage).table.writes == before
