"""The failures screen: dead letters by kind, then one by one, then the message."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from textual.pilot import Pilot

from eventbus_core import EventBus, Message, Reject, RetryPolicy
from eventbus_core.monitoring import (
    BusSnapshot,
    Capabilities,
    DeadLettersSnapshot,
    EventMode,
    Monitor,
    TransportUnavailableError,
    open_monitor,
)
from eventbus_core.transport import StoredDeadLetter
from eventbus_tui.navigation import Place
from eventbus_tui.screens.failures import FailuresScreen
from tests.tui.letters import message_id, packed, stored_letter
from tests.tui.pieces import group, instance, snapshot, stream
from tests.tui.pilot import (
    StubMonitor,
    app_of,
    rendered,
    run_app,
    settled,
    text_of,
    title_of,
    until,
)
from tests.tui.worlds import HOSTILE, entry

FORBIDDEN = {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\r", "\u2028"}
LETTERS = [
    *(stored_letter(n) for n in range(1, 4)),
    *(stored_letter(n, error="ValueError: no", group="mail") for n in range(4, 6)),
    stored_letter(6, group=None, instance="ship-7", data=packed(6, mode=EventMode.UNICAST)),
]


def picture(letters: Sequence[StoredDeadLetter]) -> BusSnapshot:
    look = snapshot(
        [stream("orders")],
        [
            group("billing", "orders", waiting=3, delayed=4),
            group("mail", "orders"),
        ],
        [instance("bill-1")],
        journal=[
            entry("retry", 9, channel="orders mail", count="2", by="life-bill-1"),
            entry("declared dead", 7, instance="bill-1", incarnation="life-bill-1"),
        ],
    )
    dead = DeadLettersSnapshot(
        count=len(letters),
        oldest_ms=letters[0].died_ms if letters else None,
        newest_ms=letters[-1].died_ms if letters else None,
    )
    return replace(look, dead_letters=dead)


def monitor_of(letters: Sequence[StoredDeadLetter] = tuple(LETTERS)) -> StubMonitor:
    monitor = StubMonitor(picture(letters))
    monitor.source.letters["default"] = [*letters]
    return monitor


@asynccontextmanager
async def failing(
    monitor: Monitor, *, size: tuple[int, int] = (110, 34), allow_actions: bool = False
) -> AsyncIterator[Pilot[None]]:
    async with run_app(
        monitor, size=size, screen="failures", notifications=True, allow_actions=allow_actions
    ) as pilot:
        await until(lambda: "reading the dead letters" not in text_of(pilot))
        await settled(pilot)
        yield pilot


def screen_of(pilot: Pilot[None]) -> FailuresScreen:
    screen = app_of(pilot).monitor_screen
    assert isinstance(screen, FailuresScreen)
    return screen


def _says(pilot: Pilot[None], text: str) -> bool:
    return text in text_of(pilot)


async def press(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    await settled(pilot)
    return text_of(pilot)


async def test_letters_by_event_group_and_error_with_counts() -> None:
    async with failing(monitor_of()) as pilot:
        await until(lambda: "TimeoutError" in text_of(pilot))
        lines = [line.strip("▌ ").split() for line in text_of(pilot).split("\n")]
        kinds = [line[:4] for line in lines if line[1:2] == ["orders"]]
        assert sorted(kinds) == [
            ["1", "orders", "ship-7", "TimeoutError"],
            ["2", "orders", "mail", "ValueError"],
            ["3", "orders", "billing", "TimeoutError"],
        ]
        assert "6 dead letters" in title_of(pilot)


async def test_what_is_tried_again_and_what_happened() -> None:
    async with failing(monitor_of()) as pilot:
        text = text_of(pilot)
        line = next(x for x in text.split("\n") if "billing@orders" in x)
        assert line.split()[1:3] == ["3", "4"]
        assert "mail@orders" in text
        assert "2 messages failed at bill-1, to be tried again (mail@orders)" in text
        assert "declared dead" in text


async def test_silent_when_nothing_failed() -> None:
    monitor = StubMonitor(snapshot([stream("orders")], [group("mail", "orders")]))
    async with failing(monitor) as pilot:
        text = text_of(pilot)
        assert "✓ no dead letters" in text
        assert "✓ nothing waits to be tried again" in text
        assert "✓ nothing unusual is recorded" in text


async def test_a_kind_opens_its_letters_and_a_letter_its_message() -> None:
    async with failing(monitor_of()) as pilot:
        await until(lambda: "TimeoutError" in text_of(pilot))
        screen_of(pilot).kinds.table.go_to(
            next(k for k in screen_of(pilot)._kinds if "billing" in k)
        )
        text = await press(pilot, "enter")
        assert "TimeoutError in billing@orders" in title_of(pilot)
        assert text.count("TimeoutError: no answer") == 3
        assert "ValueError" not in text
        await press(pilot, "down", "enter")
        await until(lambda: "Dead letter of group billing" in text_of(pilot))
        assert "Traceback: …" in text_of(pilot)
        assert app_of(pilot).way.here.key == message_id(2)
        await press(pilot, "n")
        await until(lambda: app_of(pilot).way.here.key == message_id(1))
        assert len(app_of(pilot).way.places) == 3
        await press(pilot, "escape", "escape")
        assert app_of(pilot).way.here.screen == "failures"


async def test_a_letter_that_cannot_be_decoded_can_be_opened_too() -> None:
    async with failing(monitor_of([stored_letter(1, data=b"\xff", error="")])) as pilot:
        await until(lambda: "failed 5 times" in text_of(pilot))
        assert "cannot be decoded" in await press(pilot, "enter")
        await press(pilot, "enter")
        await until(lambda: "the stored bytes cannot be decoded" in text_of(pilot))


async def test_new_letters_come_and_those_that_are_gone_go() -> None:
    monitor = monitor_of(LETTERS[:2])
    async with failing(monitor) as pilot:
        await until(lambda: "2 dead letters" in title_of(pilot))
        monitor.source.letters["default"] = LETTERS[1:5]
        monitor.source.put(picture(LETTERS[1:5]))
        await until(lambda: "4 dead letters" in title_of(pilot))
        monitor.source.letters["default"] = []
        monitor.source.put(picture([]))
        await until(lambda: "✓ no dead letters" in text_of(pilot))


async def test_letters_are_read_once_and_not_at_each_look() -> None:
    monitor = monitor_of()
    asked = 0
    dead_letters = monitor.source.dead_letters

    async def counted(*args: object) -> object:
        nonlocal asked
        asked += 1
        return await dead_letters(*args)  # type: ignore[arg-type]  # handed on

    monitor.source.dead_letters = counted  # type: ignore[method-assign, assignment]
    async with failing(monitor) as pilot:
        await until(lambda: "6 dead letters" in title_of(pilot))
        await rendered(pilot, 10)
        assert asked == 1


async def test_a_failure_to_read_them_is_said() -> None:
    monitor = monitor_of()

    async def refused(*args: object) -> object:
        raise TransportUnavailableError("no\x1b route")

    monitor.source.dead_letters = refused  # type: ignore[method-assign, assignment]
    async with failing(monitor) as pilot:
        await until(lambda: "dead letters cannot be read: no␛ route" in text_of(pilot))


async def test_a_transport_without_dead_letters() -> None:
    monitor = monitor_of()
    monitor.capabilities = Capabilities(monitoring=True)
    async with failing(monitor) as pilot:
        assert "this transport keeps no dead letters" in text_of(pilot)


async def test_a_filter_is_for_all_three_tables() -> None:
    async with failing(monitor_of()) as pilot:
        await until(lambda: "TimeoutError" in text_of(pilot))
        text = await press(pilot, "slash", *"group=mail")
        assert "ValueError" in text
        assert "TimeoutError" not in text
        assert "billing@orders" not in text
        assert "declared dead" not in text
        text = await press(pilot, "enter", "escape")
        assert "TimeoutError" in text


async def test_tab_goes_through_the_tables_and_each_has_its_sort() -> None:
    async with failing(monitor_of()) as pilot:
        await until(lambda: "TimeoutError" in text_of(pilot))
        assert screen_of(pilot).kinds.table.has_focus
        await press(pilot, "tab")
        assert screen_of(pilot).again.table.has_focus
        await press(pilot, "tab")
        assert screen_of(pilot).errors.table.has_focus
        text = await press(pilot, "s")
        assert "WHAT▲" in text
        assert "WHAT▼" in await press(pilot, "S")
        assert "LAST▼" in text


async def test_rows_open_what_they_are_about() -> None:
    async with failing(monitor_of()) as pilot:
        await until(lambda: "TimeoutError" in text_of(pilot))
        await press(pilot, "tab", "enter")
        assert app_of(pilot).way.here.screen == "group"
        await press(pilot, "escape", "tab", "home", "enter")
        assert app_of(pilot).way.here.screen == "instance"
        await press(pilot, "escape", "down", "enter")
        assert app_of(pilot).way.here == Place("group", "work orders mail", "mail@orders")


async def test_links_from_elsewhere_open_the_letters_they_mean() -> None:
    for wanted, count in (
        ("mode=unicast instance=ship-7", 1),
        ("event=orders group=billing", 3),
        ("mode=anycast event=orders", 5),
    ):
        async with failing(monitor_of()) as pilot:
            app_of(pilot).open(Place("dead-letters", "", "dead letters", wanted))
            note = f"{count}/6"
            await until(partial(_says, pilot, note))
            await settled(pilot)


async def test_copy_and_export() -> None:
    async with failing(monitor_of()) as pilot:
        await until(lambda: "6 dead letters" in title_of(pilot))
        assert "TimeoutError" in screen_of(pilot).copied()
        found = json.loads(screen_of(pilot).exported().text)
        assert len(found["Dead letters"]) == 3
        assert len(found["Tried again"]) == 2
        await press(pilot, "d")
        assert app_of(pilot).way.here.screen == "dead-letters"


@pytest.mark.parametrize("size", [(60, 20), (120, 36)])
async def test_hostile_texts_in_every_column(size: tuple[int, int]) -> None:
    letters = [
        stored_letter(
            n,
            data=packed(n, (text * 1_000_000)[:1_000_000].encode("utf-8", "replace")),
            group=text if n % 2 else None,
            instance=text,
            reason=text,
            error=text,
            traceback=text,
        )
        for n, text in enumerate(HOSTILE)
    ]
    look = snapshot(
        [],
        [group(text, text, waiting=1) for text in HOSTILE],
        dead_letters=len(letters),
        journal=[
            each
            for text in HOSTILE
            for each in (
                entry(text, 5, by=text, channel=f"{text} {text}"),
                entry("dead letter", 4, event=text, group=text, instance=text, reason=text),
            )
        ],
    )
    monitor = StubMonitor(look)
    monitor.source.letters["default"] = letters
    async with failing(monitor, size=size) as pilot:
        await until(lambda: f"{len(HOSTILE)} dead letters" in title_of(pilot))
        for keys in (("end",), ("tab", "end"), ("tab", "end"), ("d",), ("end",)):
            assert not {*await press(pilot, *keys)} & FORBIDDEN
            screen = app_of(pilot).monitor_screen
            assert screen is not None
            assert screen.trouble == ""
            assert screen.exported()


async def test_a_redrive_really_delivers_again() -> None:
    url, healed, handled = "memory://failures-redrive", False, list[int]()
    async with EventBus(url, name="shop", group="billing", instance_id="bill-1") as bus:

        async def handle(message: Message[dict[str, int]]) -> None:
            if not healed:
                raise Reject("[/x] not yet \x1b[31m")
            handled.append(message.data["n"])

        bus.on("orders", handle, modes=["anycast"], retry=RetryPolicy(max_deliveries=1))
        for n in range(3):
            await bus.emit("orders", {"n": n}, mode="anycast")
        async with open_monitor(url) as monitor, failing(monitor, allow_actions=True) as pilot:
            await until(lambda: "3 dead letters" in title_of(pilot))
            assert "Reject" in text_of(pilot)
            healed = True
            # All of the kind.
            text = await press(pilot, "R")
            assert "Redrive 3 dead letters on bus shop?" in text
            assert "3 of group billing of orders" in text
            await press(pilot, "3", "enter")
            await until(lambda: sorted(handled) == [0, 1, 2])
            await until(lambda: "redrive: 3 done" in text_of(pilot))
            await until(lambda: "✓ no dead letters" in text_of(pilot))


async def test_the_life_of_a_message_that_was_redriven() -> None:
    url, healed = "memory://failures-life", False
    async with EventBus(url, name="shop", group="billing", instance_id="bill-1") as bus:

        async def handle(message: Message[int]) -> None:
            if not healed:
                raise ValueError("ouch")

        retry = RetryPolicy(max_deliveries=2, initial=0.01)
        bus.on("orders", handle, modes=["anycast"], retry=retry)
        id = await bus.emit("orders", 1, mode="anycast")
        async with open_monitor(url) as monitor, failing(monitor, allow_actions=True) as pilot:
            await until(lambda: "1 dead letter" in text_of(pilot))
            app_of(pilot).open(Place("message", id))
            await until(lambda: "Dead letter of group billing" in text_of(pilot))
            text = text_of(pilot)
            assert "emitted" in text
            assert "failed at bill-1 (tried once), set aside" in text
            assert "failed 2 times at bill-1: ValueError: ouch" in text
            healed = True
            assert "message " + id in await press(pilot, "R")
            await press(pilot, "right", "enter")
            await until(lambda: "✓ settled" in text_of(pilot))
            text = text_of(pilot)
            assert "redriven  given back, attempts counted from one" in text
            assert "became a dead letter: failed 2 times" in text
