"""Actions from the screens: what was meant when the key was pressed, asked first, or refused."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from eventbus_core.monitoring import BusSnapshot, DeadLettersSnapshot
from eventbus_core.transport import Redriven, StoredDeadLetter
from eventbus_tui.actions import ActionResult
from eventbus_tui.navigation import Place
from eventbus_tui.screens.confirm import ConfirmDialog
from eventbus_tui.screens.letter_actions import result_text
from tests.tui.letters import message_id, packed, stored_letter
from tests.tui.pieces import group, snapshot, stream
from tests.tui.pilot import StubMonitor, app_of, rendered, run_app, settled, text_of, until

LETTERS = [
    *(stored_letter(n) for n in range(1, 4)),
    stored_letter(4, error="ValueError: no", group="mail"),
]
KINDS = Place("failures")
ALL = Place("dead-letters", "", "all")
ONE = Place("message", message_id(2), "one")
EVERYWHERE = [KINDS, ALL, ONE]


def picture(letters: Sequence[StoredDeadLetter]) -> BusSnapshot:
    look = snapshot([stream("orders")], [group("billing", "orders")])
    dead = DeadLettersSnapshot(
        count=len(letters),
        oldest_ms=letters[0].died_ms if letters else None,
        newest_ms=letters[-1].died_ms if letters else None,
    )
    return BusSnapshot(
        **{name: getattr(look, name) for name in look.__slots__ if name != "dead_letters"},
        dead_letters=dead,
    )


@asynccontextmanager
async def at(
    place: Place,
    letters: Sequence[StoredDeadLetter] = tuple(LETTERS),
    *,
    allowed: bool = True,
    capable: bool = True,
) -> AsyncIterator[tuple[Pilot[None], StubMonitor]]:
    monitor = StubMonitor(picture(letters), actions=capable)
    monitor.source.letters["default"] = [*letters]
    async with run_app(
        monitor, size=(110, 34), screen="overview", notifications=True, allow_actions=allowed
    ) as pilot:
        app_of(pilot).open(place)
        await until(lambda: "TimeoutError" in text_of(pilot))
        await settled(pilot)
        yield pilot, monitor


async def press(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    await settled(pilot)
    return text_of(pilot)


def told(pilot: Pilot[None]) -> str:
    """All notices."""
    return "\n".join(notice.message for notice in app_of(pilot)._notifications)


async def asked(pilot: Pilot[None]) -> str:
    """The dialog, when it is there."""
    await until(lambda: isinstance(app_of(pilot).screen, ConfirmDialog))
    await settled(pilot)
    return text_of(pilot)


def acted(monitor: StubMonitor) -> list[tuple[str, int]]:
    return [(step[0], int(step[2])) for step in monitor.source.acted]


# Refused


@pytest.mark.parametrize("place", EVERYWHERE, ids=lambda place: place.screen)
@pytest.mark.parametrize(("key", "kind"), [("R", "redrive"), ("X", "discard")])
async def test_read_only_refuses_and_says_why(place: Place, key: str, kind: str) -> None:
    async with at(place, allowed=False) as (pilot, monitor):
        await press(pilot, key)
        assert f"{kind} is refused: this monitor is read-only" in told(pilot)
        assert "--allow-actions" in told(pilot)
        assert not isinstance(app_of(pilot).screen, ConfirmDialog)
        assert monitor.source.acted == []


@pytest.mark.parametrize("place", EVERYWHERE, ids=lambda place: place.screen)
async def test_a_transport_that_cannot_is_not_asked(place: Place) -> None:
    async with at(place, capable=False) as (pilot, monitor):
        for key in ("R", "X"):
            await press(pilot, key)
        assert told(pilot).count("does not declare the capability actions") == 2
        assert monitor.source.acted == []


# Asked first


@pytest.mark.parametrize("place", EVERYWHERE, ids=lambda place: place.screen)
@pytest.mark.parametrize("key", ["R", "X"])
async def test_nothing_happens_without_a_yes(place: Place, key: str) -> None:
    for answer in ("escape", "enter"):
        async with at(place) as (pilot, monitor):
            await press(pilot, key)
            await asked(pilot)
            await press(pilot, answer)
            await until(lambda pilot=pilot: "nothing was done" in told(pilot))  # type: ignore[misc]
            assert monitor.source.acted == []


async def test_all_of_a_kind_after_the_number_was_typed() -> None:
    async with at(KINDS) as (pilot, monitor):
        screen = app_of(pilot).monitor_screen
        await press(pilot, "end", "home")
        kinds = getattr(screen, "_kinds")  # noqa: B009  # of that screen only
        getattr(screen, "kinds").table.go_to(next(k for k in kinds if "billing" in k))  # noqa: B009
        await press(pilot, "X")
        text = await asked(pilot)
        assert "Discard 3 dead letters on bus default?" in text
        assert "3 of group billing of orders" in text
        assert "This cannot be undone" in text
        assert app_of(pilot).screen.query_one("#confirm-yes", Button).disabled
        await press(pilot, "3", "enter")
        await until(lambda: "discard: 3 done" in told(pilot))
        assert acted(monitor) == [("discard", n) for n in (1, 2, 3)]
        assert [letter.id for letter in monitor.source.letters["default"]] == ["00000004"]


async def test_one_under_the_cursor() -> None:
    async with at(ALL) as (pilot, monitor):
        await press(pilot, "home", "down", "R")
        text = await asked(pilot)
        assert "Redrive 1 dead letter on bus default?" in text
        assert f"message {message_id(3)} of group billing of orders" in text
        await press(pilot, "right", "enter")
        await until(lambda: acted(monitor) == [("redrive", 3)])


async def test_those_that_are_marked() -> None:
    async with at(ALL) as (pilot, monitor):
        text = await press(pilot, "home", "space", "down", "space")
        assert "2 marked" in text
        assert text.count("*") == 2
        await press(pilot, "X")
        text = await asked(pilot)
        assert "1 of group mail of orders" in text
        assert "1 of group billing of orders" in text
        await press(pilot, "2", "enter")
        await until(lambda: len(acted(monitor)) == 2)
        assert acted(monitor) == [("discard", 2), ("discard", 4)]
        await until(lambda: "marked" not in text_of(pilot))


async def test_marks_are_taken_back_with_escape() -> None:
    async with at(ALL) as (pilot, _):
        assert "1 marked" in await press(pilot, "space")
        assert "marked" not in await press(pilot, "escape")
        assert app_of(pilot).way.here == ALL
        assert "4 marked" in await press(pilot, "a")
        assert "marked" not in await press(pilot, "a")


async def test_all_that_the_filter_leaves_can_be_marked() -> None:
    many = [stored_letter(n, group=f"g{n % 2}") for n in range(1, 1_201)]
    async with at(ALL, many) as (pilot, _):
        await until(lambda: "1,200" in text_of(pilot))
        await press(pilot, "slash", *"group=g1", "enter")
        assert "600 marked" in await press(pilot, "a")


async def test_kinds_can_be_marked_too() -> None:
    async with at(KINDS) as (pilot, monitor):
        await press(pilot, "home", "space", "space", "R")
        assert "Redrive 4 dead letters" in await asked(pilot)
        await press(pilot, "4", "enter")
        await until(lambda: len(acted(monitor)) == 4)


async def test_from_the_message_itself() -> None:
    async with at(ONE) as (pilot, monitor):
        await press(pilot, "X")
        assert message_id(2) in await asked(pilot)
        await press(pilot, "right", "enter")
        await until(lambda: acted(monitor) == [("discard", 2)])


# What was meant


async def test_the_letters_meant_are_those_of_the_key_press() -> None:
    async with at(ALL) as (pilot, monitor):
        await press(pilot, "home", "X")
        await asked(pilot)
        # Meanwhile others come and go.
        changed = [*LETTERS[:3], *(stored_letter(n) for n in range(5, 9))]
        monitor.source.letters["default"] = changed
        monitor.source.put(picture(changed))
        await rendered(pilot, 3)
        await press(pilot, "right", "enter")
        await until(lambda: "were not there any more" in told(pilot))
        assert acted(monitor) == [("discard", 4)]


async def test_an_action_goes_on_when_the_reader_leaves() -> None:
    many = [stored_letter(n) for n in range(1, 300)]
    async with at(KINDS, many) as (pilot, monitor):
        await until(lambda: "299" in text_of(pilot))
        await press(pilot, "X")
        await asked(pilot)
        await press(pilot, *"299", "enter", "1")
        await until(lambda: len(acted(monitor)) == 299)


# How it went


async def test_what_failed_is_said_and_stays() -> None:
    async with at(KINDS) as (pilot, monitor):
        redrive = monitor.source.redrive

        async def no_owner(bus: str, letter_id: str) -> Redriven:
            if letter_id == "00000002":
                return Redriven.NO_OWNER
            return await redrive(bus, letter_id)

        monitor.source.redrive = no_owner  # type: ignore[method-assign, assignment]
        await press(pilot, "home", "space", "space", "R")
        await asked(pilot)
        await press(pilot, "4", "enter")
        await until(lambda: "redrive: 3 done, 1 failed" in told(pilot))
        left = monitor.source.letters["default"]
        monitor.source.put(picture(left))
        await until(lambda: "1 dead letter" in text_of(pilot).split("\n")[1])


async def test_a_store_that_is_lost_meanwhile_is_said() -> None:
    async with at(ALL) as (pilot, monitor):
        await press(pilot, "a", "R")
        await asked(pilot)
        monitor.source.lose("no route")
        await press(pilot, "4", "enter")
        await until(lambda: "no route" in told(pilot))
        assert acted(monitor) == []


async def test_nothing_to_act_on() -> None:
    letter = stored_letter(1, data=packed(1))
    async with at(ALL, [letter]) as (pilot, monitor):
        monitor.source.letters["default"] = []
        monitor.source.put(picture([]))
        await until(lambda: "✓ no dead letters" in text_of(pilot))
        await press(pilot, "R")
        assert told(pilot) == "nothing to redrive here"


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (ActionResult(done=1, gone=0, failed=()), "discard: 1 done"),
        (
            ActionResult(done=1_204, gone=2, failed=()),
            "discard: 1,204 done, 2 were not there any more",
        ),
        (
            ActionResult(done=0, gone=0, failed=tuple(f"{n}: gone" for n in range(5))),
            "discard: 0 done, 5 failed: 0: gone; 1: gone; 2: gone; 2 more",
        ),
    ],
)
def test_results_in_words(result: ActionResult, told: str) -> None:
    assert result_text("discard", result) == told
