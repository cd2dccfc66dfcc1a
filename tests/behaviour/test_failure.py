"""Failing handlers: retries, rejection, dead letters and redriving."""

import asyncio

import pytest

from eventbus_core import Message, Reject, Retry, RetryPolicy
from eventbus_core.testing import wait_until

from .conftest import MakeBus

QUICK = RetryPolicy(max_deliveries=3, initial=0.05, jitter=0)


async def test_anycast_sets_a_failed_message_aside_and_goes_on(make_bus: MakeBus) -> None:
    got: list[tuple[int, int]] = []
    bus = make_bus(retry=RetryPolicy(max_deliveries=3, initial=0.3, jitter=0))

    @bus.on("task")
    async def handle(message: Message) -> None:
        got.append((message.data, message.attempt))
        if message.data == 0 and message.attempt < 3:
            raise ValueError("not yet")

    async with bus:
        for number in range(5):
            await bus.emit("task", number, mode="anycast")
        await wait_until(lambda: (0, 3) in got, what="the third attempt", timeout=10)
        assert got == [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (0, 2), (0, 3)]
        assert await bus.dead_letters.list() == []


@pytest.mark.parametrize("mode", ["anycast", "unicast", "broadcast"])
async def test_after_max_deliveries_it_is_a_dead_letter(make_bus: MakeBus, mode: str) -> None:
    attempts: list[int] = []
    bus = make_bus(retry=QUICK)

    @bus.on("task")
    async def handle(message: Message) -> None:
        attempts.append(message.attempt)
        raise ValueError(f"attempt {message.attempt}")

    async with bus:
        target = bus.id if mode == "unicast" else None
        sent = await bus.emit("task", {"n": 1}, mode=mode, target=target)
        await wait_until(lambda: bus.stats().dead_lettered == 1, what="dead")
        await wait_until(lambda: bus.stats().unsettled == 0, what="settled")
        (letter,) = await bus.dead_letters.list()
        assert attempts == [1, 2, 3]
        assert letter.message is not None
        assert letter.message.id == sent
        assert letter.attempts == 3
        assert letter.error == "ValueError: attempt 3"
        assert "raise ValueError" in letter.traceback
        assert letter.group == ("default" if mode == "anycast" else None)
        assert await bus.dead_letters.list(event="other") == []


async def test_reject_goes_to_the_dead_letters_at_once(make_bus: MakeBus) -> None:
    attempts: list[int] = []
    bus = make_bus()

    @bus.on("task")
    def handle(message: Message) -> None:
        attempts.append(message.attempt)
        raise Reject("no such user")

    async with bus:
        await bus.emit("task", 1, mode="anycast")
        await wait_until(lambda: bus.stats().dead_lettered == 1, what="dead")
        await wait_until(lambda: bus.stats().unsettled == 0, what="settled")
        (letter,) = await bus.dead_letters.list()
        assert attempts == [1]
        assert letter.reason == "rejected by its handler: no such user"


async def test_retry_chooses_its_delay(make_bus: MakeBus) -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()
    bus = make_bus(retry=RetryPolicy(initial=30.0))

    @bus.on("task")
    async def handle(message: Message) -> None:
        times.append(loop.time())
        if message.attempt == 1:
            raise Retry(0.2)

    async with bus:
        await bus.emit("task", 1, mode="anycast")
        await wait_until(lambda: len(times) == 2, what="the second attempt")
        assert 0.15 < times[1] - times[0] < 5


async def test_a_timeout_is_a_failure(make_bus: MakeBus) -> None:
    attempts: list[int] = []
    bus = make_bus(retry=QUICK)

    @bus.on("task", timeout=0.05)
    async def handle(message: Message) -> None:
        attempts.append(message.attempt)
        if message.attempt == 1:
            await asyncio.sleep(60)

    async with bus:
        await bus.emit("task", 1)
        await wait_until(lambda: attempts == [1, 2], what="the second attempt")
        await wait_until(lambda: bus.stats().handled == 1, what="handled")


async def test_only_the_failed_handler_of_an_event_runs_again(make_bus: MakeBus) -> None:
    good: list[int] = []
    bad: list[int] = []
    bus = make_bus(retry=QUICK)

    @bus.on("task")
    async def fine(message: Message) -> None:
        good.append(message.attempt)

    @bus.on("task")
    async def failing(message: Message) -> None:
        bad.append(message.attempt)
        if message.attempt < 3:
            raise ValueError

    async with bus:
        await bus.emit("task", 1, mode="anycast")
        await wait_until(lambda: bad == [1, 2, 3], what="three attempts")
        await wait_until(lambda: bus.stats().unsettled == 0, what="settled")
    assert good == [1]


@pytest.mark.parametrize("mode", ["anycast", "unicast", "broadcast"])
async def test_redrive_gives_it_to_its_owner_only(make_bus: MakeBus, mode: str) -> None:
    broken = True
    got: list[tuple[str, str, int]] = []
    owner = make_bus(group="one", retry=RetryPolicy(max_deliveries=1))
    other = make_bus(group="two")

    @owner.on("task")
    async def handle(message: Message) -> None:
        if broken:
            raise ValueError("broken")
        got.append(("owner", message.id, message.attempt))

    other.on("task", lambda message: got.append(("other", message.id, message.attempt)))
    await owner.init()
    await other.init()
    sent = await other.emit("task", 1, mode=mode, target=owner.id if mode == "unicast" else None)
    await wait_until(lambda: owner.stats().dead_lettered == 1, what="dead")
    await wait_until(lambda: owner.stats().unsettled == 0, what="settled")
    if mode != "unicast":
        await wait_until(lambda: len(got) == 1, what="the other has its own")
        got.clear()
    broken = False
    (letter,) = await other.dead_letters.list()
    assert await other.dead_letters.redrive(letter.id)
    await wait_until(lambda: got == [("owner", sent, 1)], what="redriven")
    assert await other.dead_letters.list() == []
    assert not await other.dead_letters.redrive(letter.id)
    # A later message still reaches both: nothing of the redrive is left in the way.
    got.clear()
    if mode == "anycast":
        await other.emit("task", 2, mode=mode)
        await wait_until(lambda: sorted(item[0] for item in got) == ["other", "owner"], what="2")


async def test_discard_and_paging(make_bus: MakeBus) -> None:
    bus = make_bus()

    @bus.on("task")
    def handle(message: Message) -> None:
        raise Reject

    async with bus:
        for number in range(5):
            await bus.emit("task", number, mode="anycast")
        await wait_until(lambda: bus.stats().dead_lettered == 5, what="dead")
        await wait_until(lambda: bus.stats().unsettled == 0, what="settled")
        first = await bus.dead_letters.list(limit=2)
        rest = await bus.dead_letters.list(after=first[-1].id)
        assert [x.message and x.message.data for x in (*first, *rest)] == [0, 1, 2, 3, 4]
        assert await bus.dead_letters.discard(first[0].id)
        assert not await bus.dead_letters.discard(first[0].id)
        assert await bus.dead_letters.discard_all(group="default") == 4
        assert await bus.dead_letters.list() == []


async def test_a_handler_that_awaits_something_cancelled_has_failed(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus(retry=QUICK)

    @bus.on("task")
    async def handle(message: Message) -> None:
        got.append(message.attempt)
        if message.attempt == 1:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    async with bus:
        await bus.emit("task", 1)
        await bus.emit("task", 2)
        await wait_until(lambda: got == [1, 2, 1, 2] or got == [1, 2, 1], what="goes on")
        await wait_until(lambda: bus.stats().handled == 2, what="both handled")
