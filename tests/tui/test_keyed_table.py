"""The table: its cursor stays on its row, its order is held, and it paints differences only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

import eventbus_tui
from eventbus_tui.table import Cell, Column, Row
from eventbus_tui.theme import DEFAULTS
from eventbus_tui.widgets.keyed_table import HOLD_SECONDS, KeyedTable
from tests.tui.frames import count_frames
from tests.tui.worlds import HOSTILE

COLUMNS = (
    Column(name="NAME", width=12, grows=True),
    Column(name="LAG", width=6, right=True),
    Column(name="STATE", width=10, priority=1),
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class TableApp(App[None]):
    CSS_PATH = Path(eventbus_tui.__file__).with_name("styles.tcss")
    CSS = "KeyedTable { height: 10; }"

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.table = KeyedTable(COLUMNS, empty="nothing here", clock=self.clock)
        self.opened: list[str] = []
        self.moved: list[str] = []
        self.pressed: list[int] = []
        self.frames = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DEFAULTS)

    def compose(self) -> ComposeResult:
        yield self.table

    def on_keyed_table_opened(self, event: KeyedTable.Opened) -> None:
        self.opened.append(event.key)

    def on_keyed_table_cursor_moved(self, event: KeyedTable.CursorMoved) -> None:
        self.moved.append(event.key)

    def on_keyed_table_heading_pressed(self, event: KeyedTable.HeadingPressed) -> None:
        self.pressed.append(event.column)


@asynccontextmanager
async def table(
    *rows: Row, size: tuple[int, int] = (40, 12)
) -> AsyncIterator[tuple[TableApp, Pilot[None]]]:
    app = TableApp()
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        app.table.focus()
        app.table.show(rows)
        await settled(pilot)
        yield app, pilot


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause()
    await pilot.pause()


def row(key: str, lag: int = 0, state: str = "ok") -> Row:
    return Row(key, (Cell(key), Cell(str(lag)), Cell(state, "ok")), (key, lag, state), {})


def rows(*keys: str) -> list[Row]:
    return [row(key) for key in keys]


def many(count: int) -> list[Row]:
    return [row(f"row-{number:03}", number) for number in range(count)]


def lines(app: TableApp) -> list[str]:
    strips = app.screen._compositor.render_strips(app.size)
    return [strip.text.rstrip() for strip in strips[: app.table.size.height]]


def held(app: TableApp) -> bool:
    return app.table.held


def columns(app: TableApp) -> tuple[int, ...]:
    return app.table.shown_columns


def names(app: TableApp) -> list[str]:
    return [line[1:].split()[0] for line in lines(app)[1:] if line.strip()]


async def test_rows_stand_below_their_headings_with_the_cursor_on_the_first() -> None:
    async with table(row("a", 5), row("b", 1200, "stuck")) as (app, _):
        assert lines(app)[:4] == [
            " NAME                     LAG STATE",
            "▌a                          5 ok",
            " b                       1200 stuck",
            "",
        ]
        assert app.table.cursor_key == "a"


async def test_without_rows_it_says_so() -> None:
    async with table() as (app, pilot):
        assert lines(app)[1] == " nothing here"
        app.table.say_empty("none matches")
        await settled(pilot)
        assert lines(app)[1] == " none matches"
        assert app.table.cursor_key is None
        await pilot.press("down", "enter", "end")
        assert app.opened == []


async def test_the_cursor_follows_its_key_when_the_order_changes() -> None:
    async with table(*rows("a", "b", "c")) as (app, pilot):
        await pilot.press("down")
        app.clock.now += HOLD_SECONDS + 1
        app.table.show(rows("c", "b", "d", "a"))
        await settled(pilot)
        assert app.table.cursor_key == "b"
        await pilot.press("enter")
        assert app.opened == ["b"]
        app.table.show(rows("b", "c", "d", "a"))
        await settled(pilot)
        assert app.table.cursor_key == "b"
        assert lines(app)[1].startswith("▌b")


async def test_the_cursor_of_a_row_that_vanishes_stays_at_its_place_and_tells() -> None:
    async with table(*rows("a", "b", "c", "d")) as (app, pilot):
        await pilot.press("down")
        app.moved.clear()
        app.table.show(rows("a", "c", "d"))
        await settled(pilot)
        assert app.table.cursor_key == "c"
        assert app.moved == ["c"]
        app.table.show(rows("a"))
        app.table.show(())
        await settled(pilot)
        assert app.moved == ["c", "a", ""]


async def test_the_order_is_held_after_the_cursor_moved() -> None:
    async with table(*rows("a", "b", "c")) as (app, pilot):
        assert not held(app)
        await pilot.press("down")
        assert held(app)
        app.table.show(rows("x", "c", "b"))  # x is new, a is gone
        await settled(pilot)
        assert names(app) == ["b", "c", "x"]
        app.clock.now += HOLD_SECONDS + 0.1
        assert not held(app)
        app.table.show(rows("x", "c", "b"))
        await settled(pilot)
        assert names(app) == ["x", "c", "b"]


async def test_held_rows_still_change_their_figures() -> None:
    async with table(row("a", 1), row("b", 2)) as (app, pilot):
        await pilot.press("down")
        app.table.show([row("b", 9), row("a", 1)])
        await settled(pilot)
        assert [line.split()[-2] for line in lines(app)[1:3]] == ["1", "9"]


async def test_who_asks_for_another_order_gets_it() -> None:
    async with table(*rows("a", "b")) as (app, pilot):
        await pilot.press("down")
        app.table.release()
        app.table.show(rows("b", "a"))
        await settled(pilot)
        assert names(app) == ["b", "a"]


async def test_the_row_under_the_cursor_keeps_its_place_on_the_screen() -> None:
    async with table(*many(100)) as (app, pilot):
        await pilot.press(*["down"] * 30)
        app.clock.now += HOLD_SECONDS + 1
        before = lines(app).index(next(line for line in lines(app) if line.startswith("▌row-030")))
        app.table.show([*(row(f"new-{number}") for number in range(20)), *many(100)])
        await settled(pilot)
        assert lines(app)[before].startswith("▌row-030")


async def test_what_the_mouse_scrolled_to_stays_when_the_cursor_is_elsewhere() -> None:
    async with table(*many(100)) as (app, pilot):
        await pilot.press("down")
        app.clock.now += HOLD_SECONDS + 1
        app.table.scroll_to(y=40, animate=False, immediate=True)
        await settled(pilot)
        app.table.show([row("new"), *many(100)])
        await settled(pilot)
        assert app.table.scroll_offset.y == 40
        assert app.table.cursor_key == "row-001"


async def test_who_never_moved_stays_at_the_top() -> None:
    async with table(*many(50)) as (app, pilot):
        app.table.show([*(row(f"new-{number}") for number in range(20)), *many(50)])
        await settled(pilot)
        assert app.table.scroll_offset.y == 0
        assert app.table.cursor_key == "new-0"


async def test_keys_go_up_down_and_to_the_ends() -> None:
    async with table(*many(100)) as (app, pilot):
        steps = [
            ("j", 1), ("down", 2), ("k", 1), ("up", 0), ("up", 0), ("pagedown", 8), ("end", 99),
            ("pageup", 91), ("home", 0), ("G", 99), ("down", 99), ("g", 0),
        ]  # fmt: skip
        for key, place in steps:
            await pilot.press(key)
            assert app.table.cursor_key == f"row-{place:03}", key
            await settled(pilot)
            assert sum(line.startswith("▌") for line in lines(app)) == 1, key


async def test_there_is_one_line_for_all_that_is_not_shown() -> None:
    async with table() as (app, pilot):
        app.table.show(many(500), more=1312)
        await pilot.press("end")
        await settled(pilot)
        app.table.scroll_end(animate=False, immediate=True)
        await settled(pilot)
        assert lines(app)[-1].strip() == "1,312 more: narrow them down with /"
        app.table.show(many(500), more=1313)
        await settled(pilot)
        assert lines(app)[-1].strip() == "1,313 more: narrow them down with /"


async def test_equal_rows_write_nothing_and_paint_nothing() -> None:
    async with table(*many(30)) as (app, pilot):
        painted = count_frames(app)
        writes = app.table.writes
        for _ in range(5):
            app.table.show(many(30))
            await settled(pilot)
        assert app.table.writes == writes
        assert painted == []


async def test_one_changed_row_is_one_write_and_one_line() -> None:
    async with table(*many(30)) as (app, pilot):
        drawn: list[int] = []
        render_line = app.table.render_line
        app.table.render_line = lambda y: drawn.append(y) or render_line(y)  # type: ignore[method-assign, func-returns-value]  # counts
        writes = app.table.writes
        changed = many(30)
        changed[3] = row("row-003", 999)
        app.table.show(changed)
        await settled(pilot)
        assert app.table.writes == writes + 1
        assert drawn == [4]
        assert "999" in lines(app)[4]


async def test_a_change_below_what_is_visible_paints_nothing() -> None:
    async with table(*many(60)) as (app, pilot):
        painted = count_frames(app)
        changed = many(60)
        changed[50] = row("row-050", 999)
        app.table.show(changed)
        await settled(pilot)
        assert painted == []
        await pilot.press("end")
        await settled(pilot)
        assert any("999" in line for line in lines(app)) or app.table.scroll_offset.y > 42


async def test_columns_go_when_it_is_narrow_and_come_back() -> None:
    async with table(row("a", 5)) as (app, pilot):
        assert columns(app) == (0, 1, 2)
        await pilot.resize_terminal(24, 12)
        await settled(pilot)
        assert columns(app) == (0, 1)
        assert lines(app)[0].split() == ["NAME", "LAG"]
        await pilot.resize_terminal(40, 12)
        await settled(pilot)
        assert columns(app) == (0, 1, 2)


async def test_the_sort_is_marked_in_its_heading() -> None:
    async with table(row("a", 5)) as (app, pilot):
        app.table.mark_sort(1, descending=True)
        await settled(pilot)
        assert "LAG▼" in lines(app)[0]
        app.table.mark_sort(1, descending=False)
        await settled(pilot)
        assert "LAG▲" in lines(app)[0]


async def test_the_mouse_moves_opens_and_presses_headings() -> None:
    async with table(*rows("a", "b", "c")) as (app, pilot):
        await pilot.click(KeyedTable, offset=(3, 2))
        assert app.table.cursor_key == "b"
        assert app.opened == []
        await pilot.click(KeyedTable, offset=(3, 3), times=2)
        assert app.opened == ["c"]
        await pilot.click(KeyedTable, offset=(25, 0))
        assert app.pressed == [1]
        await pilot.click(KeyedTable, offset=(3, 8))
        assert app.table.cursor_key == "c"


async def test_going_to_keys_and_to_the_next_of_a_kind() -> None:
    async with table(*many(20)) as (app, _):
        assert app.table.go_to("row-007")
        assert app.table.cursor_key == "row-007"
        assert not app.table.go_to("nowhere")
        assert app.table.go_to_next(lambda r: r.sort[1] == 3, 1)
        assert app.table.cursor_key == "row-003"
        assert not app.table.go_to_next(lambda r: False, 1)
        assert app.table.go_to_next(lambda r: r.sort[1] in (2, 9), -1)
        assert app.table.cursor_key == "row-002"


@pytest.mark.parametrize("text", HOSTILE)
async def test_any_text_fills_exactly_its_column(text: str) -> None:
    from eventbus_tui.format import clean

    hostile = Row("k", (Cell(clean(text)), Cell("7"), Cell("end")), ("", 0, ""), {})
    async with table(hostile, row("after")) as (app, _):
        strips = app.screen._compositor.render_strips(app.size)
        assert all(strip.cell_length == app.size.width for strip in strips)
        shown = strips[1].text
        assert shown.rstrip().endswith("7 end")
        assert "\x1b" not in shown
        assert strips[1].crop(26, 33).text.strip().startswith("7") or "7" in shown
