"""The message view: its life first, then what it says, in every form and however hostile."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from eventbus_core.monitoring import BusSnapshot, DeliverySnapshot, JournalEntry
from eventbus_core.snapshots import StoredMessage
from eventbus_core.transport import StoredDeadLetter
from eventbus_tui.navigation import Place
from eventbus_tui.screens.message import LETTER, MessageScreen
from tests.tui.letters import message_id, packed, stored, stored_letter
from tests.tui.pieces import AT, group, instance, snapshot, stream
from tests.tui.pilot import StubMonitor, app_of, rendered, run_app, settled, text_of, until
from tests.tui.worlds import HOSTILE

FORBIDDEN = {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\r", "\u2028"}


def picture(*journal: JournalEntry, at_ms: int = AT + 60_000) -> BusSnapshot:
    return snapshot(
        [stream("orders")],
        [group("billing", "orders", lag=7)],
        [instance("bill-1"), instance("bill-2")],
        journal=journal,
        at_ms=at_ms,
    )


def pending(starts: int = 1) -> DeliverySnapshot:
    return DeliverySnapshot(
        group="billing", state="pending", holder="life-bill-2", starts=starts, due_ms=None
    )


SETTLED = DeliverySnapshot(group="billing", state="settled", holder="", starts=None, due_ms=None)


def monitor_of(
    *messages: StoredMessage,
    look: BusSnapshot | None = None,
    standing: Mapping[str, Sequence[DeliverySnapshot]] | None = None,
    letters: Sequence[StoredDeadLetter] = (),
) -> StubMonitor:
    monitor = StubMonitor(look or picture())
    monitor.source.stored["default"] = [*messages]
    monitor.source.standing = standing or {}
    monitor.source.letters["default"] = [*letters]
    return monitor


@asynccontextmanager
async def opened(
    monitor: StubMonitor,
    key: str,
    *,
    size: tuple[int, int] = (110, 40),
    ready: str = "Life",
    ascii: bool = False,
) -> AsyncIterator[Pilot[None]]:
    async with run_app(
        monitor, size=size, screen="streams", notifications=True, ascii=ascii
    ) as pilot:
        app_of(pilot).open(Place("message", key, f"message {key}"))
        await until(lambda: ready in text_of(pilot))
        await settled(pilot)
        yield pilot


def screen_of(pilot: Pilot[None]) -> MessageScreen:
    screen = app_of(pilot).monitor_screen
    assert isinstance(screen, MessageScreen)
    return screen


async def press(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    await settled(pilot)
    return text_of(pilot)


def payload_lines(pilot: Pilot[None]) -> list[str]:
    """What stands below the line that says what the payload is."""
    lines = text_of(pilot).split("\n")
    start = next(i for i, line in enumerate(lines) if " Payload  " in line)
    return [line for line in lines[start + 1 : -1] if line.strip()]


# The life


async def test_life_first_then_headers_then_payload() -> None:
    monitor = monitor_of(
        stored(1, {"name": "Ada"}, headers={"trace": "abc"}),
        standing={"1": [SETTLED]},
        look=picture(),
    )
    async with opened(monitor, message_id(1)) as pilot:
        text = text_of(pilot)
        order = [
            text.index(part)
            for part in (
                "emitted     14:03:22.000  by bill-1 (worker-1.example pid 4711, live)",
                "stored      14:03:22.002  2 ms later, as work of orders",
                "✓ settled     group billing  settled by group billing; by whom is not recorded",
                "trace: abc",
                "[tree]",
                'name: "Ada"',
            )
        ]
        assert order == sorted(order)


async def test_a_takeover_is_seen_and_with_whom_it_is_now() -> None:
    taken = JournalEntry(
        at_ms=AT + 30_000,
        kind="takeover",
        details={
            "channel": "orders billing",
            "count": "1",
            "by": "life-bill-2",
            "from": "life-bill-1",
            "positions": "1",
            "starts": "1",
        },
    )
    monitor = monitor_of(stored(1), standing={"1": [pending(2)]}, look=picture(taken))
    async with opened(monitor, message_id(1)) as pilot:
        text = text_of(pilot)
        assert "● pending     group billing  with bill-2 (life life-bil…), tried 2 times" in text
        assert "▲ 14:03:52.000  taken over  by bill-2 from bill-1, which had died" in text


async def test_it_looks_again_until_it_is_settled() -> None:
    monitor = monitor_of(stored(1), standing={"1": [pending()]})
    clock = {"now": 1_000.0}
    async with run_app(monitor, size=(110, 40), clock=lambda: clock["now"]) as pilot:
        app_of(pilot).open(Place("message", message_id(1)))
        await until(lambda: "pending" in text_of(pilot))
        monitor.source.standing = {"1": [SETTLED]}
        await rendered(pilot, 3)
        assert "● pending" in text_of(pilot)  # not at each look
        clock["now"] += 2.0
        await until(lambda: "✓ settled" in text_of(pilot))
        monitor.source.standing = {"1": [pending()]}
        clock["now"] += 60.0
        await rendered(pilot, 3)
        assert "✓ settled" in text_of(pilot)  # it was over


async def test_one_that_goes_while_it_is_watched_stays_and_that_is_said() -> None:
    monitor = monitor_of(stored(1), standing={"1": [pending()]})
    clock = {"now": 1_000.0}
    async with run_app(monitor, size=(110, 40), clock=lambda: clock["now"]) as pilot:
        app_of(pilot).open(Place("message", message_id(1)))
        await until(lambda: "pending" in text_of(pilot))
        monitor.source.stored["default"] = []
        clock["now"] += 2.0
        await until(lambda: "not kept any more" in text_of(pilot))
        assert "pending" in text_of(pilot)


async def test_dead_with_reason_and_traceback() -> None:
    trace = 'Traceback (most recent call last):\n  File "bill.py", line 7\nTimeoutError: no answer'
    letter = stored_letter(1, data=packed(1), traceback=trace)
    monitor = monitor_of(stored(1), standing={"1": [SETTLED]}, letters=[letter])
    async with opened(monitor, message_id(1), size=(110, 60)) as pilot:
        text = text_of(pilot)
        assert "✖ dead letter group billing" in text
        assert "failed 5 times at bill-1: TimeoutError: no answer" in text
        assert "Dead letter of group billing" in text
        assert 'File "bill.py", line 7' in text


async def test_only_the_dead_letter_is_left() -> None:
    monitor = monitor_of(letters=[stored_letter(1, data=packed(1, {"n": 7}))])
    async with opened(monitor, message_id(1), size=(110, 60)) as pilot:
        assert "not kept any more, only as a dead letter" in text_of(pilot)
        assert "encoded again from the dead letter" in text_of(pilot)
        assert "n: 7" in text_of(pilot)


async def test_a_letter_whose_message_has_no_id() -> None:
    monitor = monitor_of(letters=[stored_letter(1, data=b"\xff", reason="not a message")])
    async with opened(monitor, f"{LETTER}00000001", size=(110, 60)) as pilot:
        assert "not a message" in text_of(pilot)
        assert "the stored bytes cannot be decoded" in text_of(pilot)


# Not found


async def test_where_it_was_looked_for_and_why_it_may_be_gone() -> None:
    async with opened(monitor_of(), message_id(1), ready="not found") as pilot:
        text = " ".join(text_of(pilot).split())
        assert "14:03:22.000" in text
        assert "from one minute before to ten minutes after" in text
        assert "This bus keeps handled ones for 5m" in text
        assert "Payload" not in text


@pytest.mark.parametrize("key", ["no id", "[/x]", "\x1b[31m", "f" * 31, "F" * 32])
async def test_what_is_no_id_is_said(key: str) -> None:
    async with opened(monitor_of(), key, ready="is no message id") as pilot:
        assert not {*text_of(pilot)} & FORBIDDEN
        assert screen_of(pilot).trouble == ""


async def test_a_lost_store_is_said_and_found_again() -> None:
    monitor = monitor_of(stored(1), standing={"1": [SETTLED]})
    async with run_app(monitor, size=(110, 40)) as pilot:
        monitor.source.lose("no route")
        await until(lambda: "lost" in text_of(pilot).split("\n")[0])
        app_of(pilot).open(Place("message", message_id(1)))
        await until(lambda: "looking for it" in text_of(pilot))
        monitor.source.find_again()
        app_of(pilot).feed.poll_now()
        await until(lambda: "Life" in text_of(pilot))


# The payload


async def test_the_four_forms() -> None:
    monitor = monitor_of(stored(1, {"a": [1, {"b": None}], "text": "Zoë\n"}))
    async with opened(monitor, message_id(1), size=(110, 60)) as pilot:
        tree = payload_lines(pilot)
        assert tree[0].strip() == "▼ {2}"
        assert "▶ a: [2]" in tree[1]
        assert "[json]" in await press(pilot, "v")
        assert '  "a": [' in payload_lines(pilot)
        assert "[raw]" in await press(pilot, "v")
        assert payload_lines(pilot)[0] == '{"a": [1, {"b": null}], "text": "Zo\\u00eb\\n"}'
        assert "[hex]" in await press(pilot, "v")
        assert "00000000  7b 22 61 22 3a 20" in payload_lines(pilot)[0]
        assert "[tree]" in await press(pilot, "v")
        assert "[hex]" in await press(pilot, "V")


async def test_a_tree_unfolds_where_it_is_asked_to() -> None:
    monitor = monitor_of(stored(1, {"a": [10, {"b": "deep"}], "z": 1}))
    async with opened(monitor, message_id(1)) as pilot:
        assert "deep" not in text_of(pilot)
        assert "0: 10" in await press(pilot, "down", "enter")
        text = await press(pilot, "down", "down", "space")
        assert 'b: "deep"' in text
        assert "0: 10" not in await press(pilot, "up", "up", "space")


async def test_a_long_list_comes_in_lots() -> None:
    monitor = monitor_of(stored(1, list(range(500))))
    async with opened(monitor, message_id(1)) as pilot:
        await press(pilot, "G")
        await until(lambda: "… 300 more: enter" in text_of(pilot))
        for _ in range(3):
            await press(pilot, "up")
        tree = screen_of(pilot).payload.query_one("JsonTree")
        last = getattr(tree, "root").children[-1]  # noqa: B009  # not typed there
        getattr(tree, "move_cursor")(last)  # noqa: B009  # as above
        await press(pilot, "enter", "G")
        await until(lambda: "… 100 more: enter" in text_of(pilot))


async def test_keys_that_occur_twice_and_long_numbers() -> None:
    monitor = monitor_of(stored(1, b'{"a":1,"a":2,"n":' + b"9" * 40 + b"}"))
    async with opened(monitor, message_id(1)) as pilot:
        text = text_of(pilot)
        assert "a: 1" in text
        assert "a: 2" in text
        assert "n: " + "9" * 40 in text


@pytest.mark.parametrize(
    ("body", "codec", "problem"),
    [
        (b'{"a": "\xff\x1b"}', "json", "not UTF-8: byte 0xff at 7"),
        (b"[" * 20_000, "json", "nested too deep"),
        (b"{'a': 1}", "json", "not JSON"),
        (b"\x81\xa1a\x01", "msgpack", "encoded as 'msgpack', which can be shown as bytes only"),
        (b"", "json", "not JSON"),
    ],
)
async def test_what_cannot_be_decoded_is_kept_and_says_why(
    body: bytes, codec: str, problem: str
) -> None:
    async with opened(monitor_of(stored(1, body, codec=codec)), message_id(1)) as pilot:
        assert problem in text_of(pilot)
        for _ in range(4):
            text = await press(pilot, "v")
            assert not {*text} & FORBIDDEN
            assert problem in text
        assert screen_of(pilot).trouble == ""


async def test_long_lines_go_on_below_and_nothing_is_hidden() -> None:
    digits = "0123456789" * 60
    async with opened(monitor_of(stored(1, digits.encode())), message_id(1)) as pilot:
        await press(pilot, "v")
        assert "".join(payload_lines(pilot)[1:]) == digits


async def test_a_long_payload_is_cut_until_all_of_it_is_asked_for() -> None:
    payload = {"items": ["x" * 100] * 9_000, "last": "the end"}
    monitor = monitor_of(stored(1, payload))
    async with opened(monitor, message_id(1)) as pilot:
        assert "first 64.0 KB of" in text_of(pilot)
        assert "a: up to 1.0 MB" in text_of(pilot)
        assert "[json]" in text_of(pilot)
        assert "the end" not in await press(pilot, "G")
        await press(pilot, "a", "G")
        await until(lambda: '"last": "the end"' in text_of(pilot))
        assert "first 64.0 KB" not in text_of(pilot)
        assert "▼ {2}" in await press(pilot, "V")


async def test_a_payload_of_many_megabytes_is_never_shown_whole() -> None:
    monitor = monitor_of(stored(1, b'"' + b"x" * 3_000_000 + b'"'))
    async with opened(monitor, message_id(1)) as pilot:
        text = await press(pilot, "a", "G")
        assert "first 1.0 MB of 2.9 MB" in text
        for _ in range(4):
            await press(pilot, "v")
        assert screen_of(pilot).trouble == ""


@pytest.mark.parametrize("size", [(60, 20), (120, 36)])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
async def test_hostile_texts_everywhere(size: tuple[int, int], number: int) -> None:
    text = HOSTILE[number]
    valid = text.encode("utf-8", "replace").decode()
    monitor = monitor_of(
        stored(
            1,
            {valid: [valid, {valid: valid}]},
            event=valid,
            source=valid,
            headers={valid: valid * 3},
        ),
        standing={
            "1": [
                DeliverySnapshot(group=text, state="pending", holder=text, starts=1, due_ms=None),
                DeliverySnapshot(group="g", state=text, holder=text, starts=1, due_ms=None),
            ]
        },
        letters=[
            stored_letter(
                1,
                data=packed(1),
                group=text,
                instance=text,
                reason=text,
                error=text,
                traceback=f"{text}\n{text}",
            )
        ],
    )
    async with opened(monitor, message_id(1), size=size) as pilot:
        screen = screen_of(pilot)
        for keys in ((), ("J",), ("v",), ("v",), ("v",), ("K",)):
            shown = await press(pilot, *keys)
            assert not {*shown} & FORBIDDEN
            assert screen.trouble == ""
        assert not {*app_of(pilot).export_screenshot()} & FORBIDDEN
        exported = screen.exported()
        assert exported is not None
        assert json.loads(exported.text)["event"] == valid


# What the reader does


async def test_what_is_copied_can_be_chosen() -> None:
    monitor = monitor_of(stored(1, {"name": "Ada"}), standing={"1": [SETTLED]})
    async with opened(monitor, message_id(1)) as pilot:
        app = app_of(pilot)
        for presses, wanted in enumerate(
            (message_id(1), '{"name": "Ada"}', "settled by group billing", '"stored_ms"')
        ):
            await press(pilot, "y")
            assert isinstance(app.screen.focused, OptionList)
            await press(pilot, *["down"] * presses, "enter")
            assert wanted in app.clipboard
        before = app.clipboard
        await press(pilot, "y", "escape")
        assert app.clipboard == before


async def test_the_export_has_all_of_it() -> None:
    letters = [stored_letter(1, data=packed(1))]
    monitor = monitor_of(stored(1, {"n": 1}), standing={"1": [pending()]}, letters=letters)
    async with opened(monitor, message_id(1)) as pilot:
        exported = screen_of(pilot).exported()
        assert exported is not None
        found = json.loads(exported.text)
        assert found["payload"] == {"n": 1}
        assert found["deliveries"][0]["to"] == "group billing"
        assert found["dead_letters"][0]["traceback"] == "Traceback: …"
        assert found["life"][0]["state"] == "emitted"


async def test_a_payload_that_is_no_json_is_exported_in_base64() -> None:
    async with opened(monitor_of(stored(1, b"\xff\x00")), message_id(1)) as pilot:
        exported = screen_of(pilot).exported()
        assert exported is not None
        assert json.loads(exported.text)["payload_base64"] == "/wA="


async def test_opened_from_nowhere_there_is_no_next_one() -> None:
    async with opened(monitor_of(stored(1)), message_id(1)) as pilot:
        assert "no other message in that direction" in await press(pilot, "n")


async def test_side_by_side_where_there_is_room() -> None:
    monitor = monitor_of(stored(1, {"name": "Ada"}))
    async with opened(monitor, message_id(1), size=(140, 40)) as pilot:
        line = next(x for x in text_of(pilot).split("\n") if "Life" in x)
        assert "Payload" in line
    async with opened(monitor, message_id(1), size=(80, 24)) as pilot:
        line = next(x for x in text_of(pilot).split("\n") if "Life" in x)
        assert "Payload" not in line
        assert "Payload" in text_of(pilot)


async def test_plain_signs_where_they_are_asked_for() -> None:
    monitor = monitor_of(stored(1, {"a": [1]}), standing={"1": [SETTLED]})
    async with opened(monitor, message_id(1), ascii=True) as pilot:
        for _ in range(4):
            text = await press(pilot, "v")
            assert text.isascii(), {char for char in text if not char.isascii()}
