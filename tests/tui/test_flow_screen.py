"""The flow screen: what is stored, as it comes, and still under the reader's eyes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from textual.pilot import Pilot

from eventbus_core.monitoring import BusSnapshot, EventMode, JournalEntry
from eventbus_core.snapshots import StoredMessage
from eventbus_tui.navigation import Place
from eventbus_tui.screens.flow import FlowScreen
from tests.tui.letters import message_id, stored
from tests.tui.pieces import AT, group, instance, snapshot, stream
from tests.tui.pilot import StubMonitor, app_of, rendered, run_app, settled, text_of, until
from tests.tui.worlds import HOSTILE, entry


@dataclass
class Flow:
    """The screen, and the bus below it."""

    pilot: Pilot[None]
    monitor: StubMonitor
    added: int = 1_000
    at_ms: int = AT
    journal: list[JournalEntry] = field(default_factory=list)
    last: int = 0

    @property
    def screen(self) -> FlowScreen:
        screen = app_of(self.pilot).monitor_screen
        assert isinstance(screen, FlowScreen)
        return screen

    def put(self, *messages: StoredMessage) -> None:
        self.monitor.source.stored.setdefault("default", []).extend(messages)

    def emit(self, count: int) -> None:
        """So many messages, numbered on."""
        self.put(*(numbered(self.last + n) for n in range(1, count + 1)))
        self.last += count

    async def came(self, number: int) -> None:
        """Until that message is a row."""
        await until(lambda: any(_number(row) == number for row in self.screen.buffer.shown))
        await settled(self.pilot)

    async def flow(self, count: int) -> None:
        """So many come, and are rows."""
        self.emit(count)
        await self.came(self.last)

    def look(self, *, stored_more: int = 0) -> None:
        """What the bus looks like from the next look on."""
        self.added += stored_more
        self.at_ms += 1_000
        self.monitor.source.put(picture(self.added, self.at_ms, self.journal))

    def lines(self) -> list[str]:
        """What the rows say, without the scrollbar."""
        region = self.screen.view.region
        lines = text_of(self.pilot).split("\n")[region.y : region.bottom]
        return [line[: region.width - 1].rstrip() for line in lines]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await settled(self.pilot)


def _number(row: object) -> int:
    return int(getattr(row, "position", -1))


def numbered(number: int) -> StoredMessage:
    return stored(number, {"number": number}, at_ms=AT + number)


def picture(added: int, at_ms: int, journal: list[JournalEntry]) -> BusSnapshot:
    return snapshot(
        [stream("orders", added=added)],
        [group("billing", "orders"), group("mail", "orders")],
        [instance("bill-1"), instance("bill-2")],
        at_ms=at_ms,
        journal=journal,
    )


@asynccontextmanager
async def flowing(
    *messages: StoredMessage,
    journal: list[JournalEntry] | None = None,
    size: tuple[int, int] = (110, 20),
    ascii: bool = False,
) -> AsyncIterator[Flow]:
    monitor = StubMonitor(picture(1_000, AT, journal or []))
    monitor.source.stored["default"] = [*messages]
    async with run_app(monitor, size=size, screen="flow", notifications=True, ascii=ascii) as pilot:
        flow = Flow(pilot, monitor, journal=journal or [])
        await until(lambda: len(flow.screen.buffer) >= len(messages))
        await until(lambda: messages or "nothing known yet" not in text_of(pilot))
        await settled(pilot)
        yield flow


async def test_messages_of_all_modes_with_all_that_is_to_be_seen() -> None:
    async with flowing(
        stored(1, {"name": "Ada"}, event="orders"),
        stored(2, "for one", mode=EventMode.UNICAST, target="ship-7", event="move"),
        stored(3, None, mode=EventMode.BROADCAST, event="prices", source="web-3"),
    ) as flow:
        work, inbox, all_ = flow.lines()[:3]
        for part in ("any", "orders", "bill-1", "→ billing, mail", '{"name": "Ada"}'):
            assert part in work
        for part in ("uni", "move", "→ ship-7", '"for one"'):
            assert part in inbox
        for part in ("all", "prices", "web-3", "→ all (2 in", " B null"):
            assert part in all_


async def test_a_takeover_is_seen_where_it_happened() -> None:
    taken = JournalEntry(
        at_ms=AT + 5,
        kind="takeover",
        details={
            "channel": "orders billing",
            "count": "3",
            "by": "life-bill-2",
            "from": "life-bill-1",
        },
    )
    async with flowing(*map(numbered, (1, 9)), journal=[taken]) as flow:
        first, middle, last = flow.lines()[:3]
        assert '{"number": 1}' in first
        assert "▲ takeover  bill-2 took over 3 messages from bill-1 (billing@orders)" in middle
        assert '{"number": 9}' in last
        await flow.press("up", "enter")
        assert app_of(flow.pilot).way.here == Place(
            "group", "work orders billing", "billing@orders"
        )


async def test_it_follows_the_newest() -> None:
    async with flowing() as flow:
        assert "no message is stored here" in text_of(flow.pilot)
        await flow.flow(60)
        assert '{"number": 60}' in flow.lines()[-1]
        await flow.flow(1)
        assert '{"number": 61}' in flow.lines()[-1]
        assert "FOLLOW" in text_of(flow.pilot)
        assert "FOLLOW OFF" not in text_of(flow.pilot)


@pytest.mark.parametrize("keys", [("up",), ("k", "k"), ("pageup",), ("home",), ("f",)])
async def test_once_the_reader_moves_nothing_moves_but_the_reader(keys: tuple[str, ...]) -> None:
    async with flowing() as flow:
        await flow.flow(60)
        await flow.press(*keys)
        before = flow.lines()
        await flow.flow(25)
        assert flow.lines() == before
        assert "FOLLOW OFF" in text_of(flow.pilot)
        newer = 85 - 60 if keys != ("home",) else 85 - len(before)
        if keys != ("pageup",):
            assert f"{newer} newer ↓ (End)" in text_of(flow.pilot)


async def test_rows_stay_when_older_ones_fall_out_of_the_buffer() -> None:
    async with flowing() as flow:
        flow.screen.buffer.kept = 100
        await flow.flow(100)
        await flow.press("up", "up", "up")
        before = flow.lines()
        await flow.flow(30)
        await flow.flow(30)
        assert flow.screen.buffer.fallen == 60
        assert flow.lines() == before
        # What the cursor is on is kept too.
        row = flow.screen.view.cursor_row
        assert _number(row) == 97


async def test_rows_that_are_gone_are_replaced_by_the_oldest_there_are() -> None:
    async with flowing() as flow:
        flow.screen.buffer.kept = 50
        await flow.flow(50)
        await flow.press("home")
        await flow.flow(30)
        assert '{"number": 31}' in flow.lines()[0]
        await flow.press("down")
        assert _number(flow.screen.view.cursor_row) == 32


async def test_what_is_put_in_above_moves_nothing() -> None:
    async with flowing() as flow:
        await flow.flow(60)
        await flow.press("up")
        before = flow.lines()
        flow.journal = [JournalEntry(at_ms=AT + 3, kind="retry", details={})]
        flow.look()
        await until(lambda: len(flow.screen.buffer) == 61)
        await settled(flow.pilot)
        assert flow.lines() == before


@pytest.mark.parametrize("key", ["end", "G", "f"])
async def test_back_to_the_newest_at_once(key: str) -> None:
    async with flowing() as flow:
        await flow.flow(60)
        await flow.press("home")
        await flow.flow(60)
        await flow.press(key)
        assert '{"number": 120}' in flow.lines()[-1]
        assert "FOLLOW OFF" not in text_of(flow.pilot)
        await flow.flow(1)
        assert '{"number": 121}' in flow.lines()[-1]


async def test_the_wheel_stops_the_following_too() -> None:
    async with flowing() as flow:
        await flow.flow(60)
        flow.screen.view.scroll_up(animate=False)
        await settled(flow.pilot)
        before = flow.lines()
        assert "FOLLOW OFF" in text_of(flow.pilot)
        await flow.flow(10)
        assert flow.lines() == before


async def test_a_click_selects_and_a_second_one_opens() -> None:
    async with flowing() as flow:
        await flow.flow(60)
        line = flow.lines().index(next(x for x in flow.lines() if '{"number": 50}' in x))
        await flow.pilot.click(flow.screen.view, offset=(10, line))
        await settled(flow.pilot)
        assert _number(flow.screen.view.cursor_row) == 50
        await flow.pilot.click(flow.screen.view, offset=(10, line), times=2)
        await settled(flow.pilot)
        assert app_of(flow.pilot).way.here.key == message_id(50, AT + 50)


async def test_another_size_keeps_the_rows() -> None:
    async with flowing(size=(110, 30)) as flow:
        await flow.flow(60)
        await flow.press("up")
        top = flow.lines()[0]
        await flow.pilot.resize_terminal(90, 22)
        await settled(flow.pilot)
        assert flow.lines()[0].split()[:3] == top.split()[:3]
        await flow.press("end")
        await flow.pilot.resize_terminal(110, 30)
        await settled(flow.pilot)
        assert '{"number": 60}' in flow.lines()[-1]


async def test_counts_are_exact_and_rows_a_sample() -> None:
    async with flowing() as flow:
        flow.look()
        await rendered(flow.pilot)
        flow.emit(450)
        await flow.came(450)
        flow.look(stored_more=450)
        await until(lambda: "450 stored, 100 shown" in text_of(flow.pilot))
        assert "shown (sampled)" in text_of(flow.pilot)
        assert "sampled" in text_of(flow.pilot).split("\n")[0]
        assert len(flow.screen.buffer) == 100


async def test_a_filter_is_used_while_it_is_typed() -> None:
    messages = [stored(n, {"n": n}, event=f"e{n % 2}", at_ms=AT + n) for n in range(40)]
    async with flowing(*messages) as flow:
        await flow.press("slash", *"event=e1")
        assert all(" e1 " in line for line in flow.lines() if line.strip())
        assert "20 of 40 rows" in text_of(flow.pilot)
        await flow.press("enter")
        flow.put(stored(41, {"n": 41}, event="e1", at_ms=AT + 41))
        flow.put(stored(42, {"n": 42}, event="e0", at_ms=AT + 42))
        await until(lambda: "21 of 42 rows" in text_of(flow.pilot))
        await flow.press("escape")
        assert "42 rows" in text_of(flow.pilot)


async def test_a_wrong_expression_is_said_and_hides_nothing() -> None:
    async with flowing(*map(numbered, range(1, 6))) as flow:
        await flow.press("slash", *"re:[")
        assert "not a regular expression" in text_of(flow.pilot)
        assert '{"number": 5}' in text_of(flow.pilot)


async def test_nothing_that_matches_is_said() -> None:
    async with flowing(*map(numbered, range(1, 6))) as flow:
        await flow.press("slash", *"nothing-like-this")
        assert "none of 5 rows matches" in text_of(flow.pilot)


async def test_it_can_be_opened_with_a_filter() -> None:
    messages = [stored(n, event=f"e{n % 2}", at_ms=AT + n) for n in range(10)]
    async with flowing(*messages) as flow:
        app_of(flow.pilot).open(Place("flow", "", "flow of e1", "event=e1"))
        await until(lambda: "5 of 10 rows" in text_of(flow.pilot))
        assert all(" e1 " in line for line in flow.lines() if line.strip())


async def test_what_is_hidden_does_not_read_and_keeps_its_rows() -> None:
    async with flowing(*map(numbered, range(1, 6))) as flow:
        screen = flow.screen
        app_of(flow.pilot).open(Place("help"))
        await settled(flow.pilot)
        flow.put(numbered(6))
        await rendered(flow.pilot, 10)  # half a second
        assert len(screen.buffer) == 5
        await flow.press("escape")
        await until(lambda: len(screen.buffer) == 6)


async def test_frozen_it_stands_still() -> None:
    async with flowing(*map(numbered, range(1, 6))) as flow:
        await flow.press("p")
        before = flow.lines()
        flow.put(numbered(6))
        await rendered(flow.pilot, 10)
        assert flow.lines() == before
        assert "FROZEN" in text_of(flow.pilot)
        await flow.press("p")
        await flow.came(6)


async def test_a_store_that_is_lost_is_said_and_tried_again() -> None:
    async with flowing(*map(numbered, range(1, 6))) as flow:
        flow.monitor.source.lose("no route\x1b[31m")
        await until(lambda: "no rows: no route" in text_of(flow.pilot))
        assert '{"number": 5}' in text_of(flow.pilot)
        flow.monitor.source.find_again()
        flow.put(numbered(6))
        await flow.came(6)
        assert "no rows" not in text_of(flow.pilot)


async def test_readings_never_overlap() -> None:
    async with flowing() as flow:
        running, most = 0, 0
        messages = flow.monitor.source.messages

        async def slow(*args: object, **kwargs: object) -> object:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await rendered(flow.pilot, 2)
            running -= 1
            return await messages(*args, **kwargs)  # type: ignore[arg-type]  # handed on

        flow.monitor.source.messages = slow  # type: ignore[method-assign, assignment]
        await flow.flow(1)
        await flow.flow(1)
        assert most == 1


async def test_nothing_is_painted_while_nothing_comes() -> None:
    async with flowing(*map(numbered, range(1, 6))) as flow:
        painted: list[object] = []
        refresh = flow.screen.view.refresh

        def noted(*args: object, **kwargs: object) -> object:
            painted.append(args)
            return refresh(*args, **kwargs)  # type: ignore[arg-type]  # handed on

        await rendered(flow.pilot, 2)
        flow.screen.view.refresh = noted  # type: ignore[method-assign, assignment]
        await rendered(flow.pilot, 20)  # a second: four readings
        assert painted == []


async def test_enter_opens_the_message_and_n_goes_on() -> None:
    async with flowing(*map(numbered, range(1, 6))) as flow:
        await flow.press("up", "up", "enter")
        app = app_of(flow.pilot)
        assert app.way.here.key == message_id(3, AT + 3)
        await until(lambda: "number: 3" in text_of(flow.pilot))
        await flow.press("n")
        await until(lambda: "number: 4" in text_of(flow.pilot))
        assert len(app.way.places) == 2
        await flow.press("N", "N")
        await until(lambda: "number: 2" in text_of(flow.pilot))
        await flow.press("N", "N")
        assert app.way.here.key == message_id(1, AT + 1)
        assert "no other message" in text_of(flow.pilot)
        await flow.press("escape")
        assert _number(flow.screen.view.cursor_row) == 1


async def test_one_that_cannot_be_read_says_so() -> None:
    async with flowing(stored(1, data=b"\xc1\xff no message")) as flow:
        assert "✖ cannot be read" in text_of(flow.pilot)
        await flow.press("up", "enter")
        assert "it cannot be read" in text_of(flow.pilot)
        assert app_of(flow.pilot).way.here.screen == "flow"


async def test_copy_and_export(monkeypatch: pytest.MonkeyPatch) -> None:
    async with flowing(*map(numbered, range(1, 4)), journal=[entry("retry", 5)]) as flow:
        await flow.press("up")
        assert message_id(2, AT + 2) in flow.screen.copied()
        export = flow.screen.exported()
        assert export is not None
        lines = [json.loads(line) for line in export.text.split("\n")]
        assert [line.get("id", line.get("journal")) for line in lines] == [
            "retry",
            *(message_id(n, AT + n) for n in range(1, 4)),
        ]
        assert export.suffix == "jsonl"


async def test_another_bus_shows_its_own() -> None:
    async with flowing(*map(numbered, range(1, 4))) as flow:
        flow.monitor.source.add(snapshot(bus="other"))
        flow.monitor.source.stored["other"] = [stored(7, "of the other bus")]
        await rendered(flow.pilot, 2)
        app_of(flow.pilot).choose_bus("other")
        await until(lambda: "of the other bus" in text_of(flow.pilot))
        assert '{"number": 1}' not in text_of(flow.pilot)


async def test_plain_signs_where_they_are_asked_for() -> None:
    async with flowing(*map(numbered, range(1, 40)), journal=[entry("retry", 5)], ascii=True) as it:
        await it.press("home")
        text = text_of(it.pilot)
        assert "-> billing, mail" in text
        assert "newer v (End)" in text
        assert text.isascii(), {char for char in text if not char.isascii()}


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)])
async def test_hostile_texts_in_every_column(size: tuple[int, int]) -> None:
    messages = [
        stored(
            n,
            (text * 5_000).encode("utf-8", "surrogatepass") + b"\xff\x1b[31m",
            event=text.encode("utf-8", "replace").decode(),
            source=text.encode("utf-8", "replace").decode(),
            mode=EventMode.UNICAST,
            target=text.encode("utf-8", "replace").decode(),
            at_ms=AT + n,
        )
        for n, text in enumerate(HOSTILE)
    ]
    journal = [entry(text, 5, by=text, channel=f"{text} {text}") for text in HOSTILE]
    async with flowing(*messages, journal=journal, size=size) as flow:
        for key in ("home", "end", "up"):
            await flow.press(key)
            text = text_of(flow.pilot)
            assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\r", "\u2028"} & {
                *text
            }
            assert flow.screen.trouble == ""
        assert "[bold red]" in text
        assert not {"\x1b", "\u202e"} & {*app_of(flow.pilot).export_screenshot()}
        assert flow.screen.exported()
