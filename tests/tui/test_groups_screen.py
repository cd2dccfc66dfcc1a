"""The screen of groups, with keys: order, filter, drill-down and back, what is copied."""

import json
from dataclasses import replace

from eventbus_tui.format import NOT_YET
from eventbus_tui.navigation import Place
from eventbus_tui.screens.groups import GroupsScreen
from tests.tui import worlds
from tests.tui.pieces import bus_view, group, group_view, snapshot
from tests.tui.staged import Stage, staged


def screen(stage: Stage) -> GroupsScreen:
    assert isinstance(stage.app.screen, GroupsScreen)
    return stage.app.screen


def shown(stage: Stage) -> list[str]:
    return [row.cells[1].text for row in screen(stage).table.shown]


async def test_problems_stand_first_with_their_figures() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        assert shown(stage) == ["billing@orders", "search@products", "mail@orders"]
        line = next(line for line in stage.text.splitlines() if "billing@orders" in line)
        for figure in ("✖ STUCK", "any", "↑ 40/s", "▁▂▃▅▆▇██", "1,204", "4m", "3/3", "never"):
            assert figure in line


async def test_in_a_narrow_terminal_the_picture_goes_first_then_the_oldest() -> None:
    async with staged(worlds.stuck(), size=(80, 24), screen="groups") as stage:
        assert "▁▂▃▅▆▇██" not in stage.text
        assert "OLDEST" in stage.text
    async with staged(worlds.stuck(), size=(60, 20), screen="groups") as stage:
        assert "OLDEST" not in stage.text
        for heading in ("STATE", "LAG", "TREND", "PEND", "DRAIN"):
            assert heading in stage.text


async def test_a_filter_of_a_field_keeps_only_what_matches() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        await stage.press("slash", *"state!", "equals_sign", *"ok")
        assert shown(stage) == ["billing@orders", "search@products"]
        await stage.press("enter", "exclamation_mark")
        assert "problems only" in stage.text


async def test_enter_opens_a_group_and_escape_comes_back_to_the_same_row() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        await stage.press("j", "enter")
        assert stage.app.way.here == Place("group", "work products search", "search@products")
        assert "In whose hands" in stage.text
        await stage.press("escape")
        assert screen(stage).table.cursor_key == "work products search"


async def test_the_stream_and_the_messages_of_a_group_are_one_key_away() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        await stage.press("o")
        assert stage.app.way.here == Place("stream", "work orders", "orders")
        await stage.press("escape", "f")
        here = stage.app.way.here
        assert (here.screen, here.filter) == ("flow", "event=orders group~billing")


async def test_the_cursor_stays_on_its_group_when_the_order_changes() -> None:
    view = worlds.stuck()
    async with staged(view, screen="groups") as stage:
        await stage.press("j", "j")
        assert screen(stage).table.cursor_key == "work orders mail"
        screen(stage).table.release()
        worse = replace(view.groups[2], findings=view.groups[0].findings)
        await stage.show(replace(view, groups=(view.groups[1], worse)))
        assert screen(stage).table.cursor_key == "work orders mail"


async def test_nothing_is_written_when_nothing_changed() -> None:
    view = worlds.big()
    async with staged(view, screen="groups") as stage:
        table = screen(stage).table
        before = table.writes
        await stage.show(replace(view, looks=31))
        assert table.writes == before
        grown = replace(view.groups[60], drain_seconds=77.0)
        groups = (*view.groups[:60], grown, *view.groups[61:])
        await stage.show(replace(view, groups=groups))
        assert table.writes == before + 1


async def test_copy_gives_the_row_and_export_all_rows_with_their_figures() -> None:
    async with staged(worlds.stuck(), screen="groups") as stage:
        assert screen(stage).copied().startswith("✖ STUCK  billing@orders  any")
        rows = json.loads(screen(stage).exported().text)
        assert rows[0]["key"] == "work orders billing"
        assert rows[0]["values"]["pend"] == 1204


async def test_an_unknown_lag_is_a_question_mark() -> None:
    async with staged(worlds.unknown(), screen="groups") as stage:
        line = next(line for line in stage.text.splitlines() if "legacy@audit" in line)
        assert "▲ LAG?" in line
        assert " ? " in line


async def test_an_empty_bus_says_so() -> None:
    async with staged(worlds.empty(), screen="groups") as stage:
        assert "nobody listens on this bus" in stage.text


async def test_in_ascii_no_sign_of_ours_is_left() -> None:
    idle = group_view(group("g", "x"), growth=None, drain=None)
    view = bus_view(snapshot(), groups=[idle, *worlds.stuck().groups])
    async with staged(view, screen="groups", ascii=True) as stage:
        assert "X STUCK" in stage.text
        body = "\n".join(stage.text.splitlines()[:-1])  # below stand the names of keys
        assert body.replace(NOT_YET, "-").isascii()
