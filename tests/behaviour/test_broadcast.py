"""Broadcast: every subscribed instance, the sender too; history; fixed ids."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from eventbus_core import EventBus, InstanceIdInUseError, Message
from eventbus_core.testing import wait_until

from .conftest import MakeBus


async def test_three_instances_all_get_it_the_sender_too(make_bus: MakeBus) -> None:
    got: list[str] = []
    buses = [make_bus() for _ in range(3)]
    for number, bus in enumerate(buses):

        async def handler(message: Message, number: int = number) -> None:
            got.append(f"{number}:{message.data}")

        bus.on("user:created", handler)
        await bus.init()
    await buses[0].emit("user:created", "x")
    await wait_until(lambda: sorted(got) == ["0:x", "1:x", "2:x"], what="all three have it")
    # Nothing comes twice.
    await buses[1].emit("user:created", "y")
    await wait_until(lambda: sum(item.endswith("y") for item in got) == 3, what="the second")
    assert len(got) == 6


async def test_message_carries_everything(make_bus: MakeBus) -> None:
    got: list[Message] = []
    bus = make_bus()
    bus.on("order:paid", got.append)  # a `def` handler
    async with bus:
        sent = await bus.emit("order:paid", {"id": 1, "ok": True}, headers={"trace": "t1"})
        await wait_until(lambda: len(got) == 1, what="the message")
    (message,) = got
    assert message.id == sent
    assert message.event == "order:paid"
    assert message.data == {"id": 1, "ok": True}
    assert message.mode == "broadcast"
    assert message.source == bus.id
    assert message.target is None
    assert message.headers == {"trace": "t1"}
    assert message.attempt == 1
    assert message.group is None
    assert message.timestamp.tzinfo is not None
    with pytest.raises(AttributeError):
        message.data = 2  # type: ignore[misc]


async def test_a_late_instance_gets_the_history_in_order(
    make_bus: MakeBus, caplog: pytest.LogCaptureFixture
) -> None:
    first = make_bus()
    await first.init()
    for number in range(50):
        await first.emit("tick", number)
    got: list[int] = []
    late = make_bus()
    late.on("tick", lambda message: got.append(message.data))
    with caplog.at_level(logging.INFO, logger="eventbus_core"):
        await late.init()
    await wait_until(lambda: len(got) >= 50, what="the history")
    assert got == list(range(50))
    replays = [record for record in caplog.records if "replays 50 retained" in record.message]
    assert len(replays) == 1


async def test_only_new_gets_no_history(make_bus: MakeBus) -> None:
    first = make_bus()
    await first.init()
    await first.emit("tick", "old")
    got: list[str] = []
    late = make_bus(only_new=True)
    late.on("tick", lambda message: got.append(message.data))
    await late.init()
    await first.emit("tick", "new")
    await wait_until(lambda: got == ["new"], what="only the new one")


async def test_a_subscription_made_later_sees_what_comes_after_ready(make_bus: MakeBus) -> None:
    bus = make_bus()
    await bus.init()
    for number in range(20):
        await bus.emit("tick", number)
    got: list[int] = []
    bus.on("tick", lambda message: got.append(message.data))
    await bus.ready()
    await bus.emit("tick", 20)
    await wait_until(lambda: 20 in got, what="the one after ready")
    assert got == [20]


async def test_a_fixed_id_resumes(make_bus: MakeBus) -> None:
    got: list[int] = []

    def new_life() -> EventBus:
        bus = make_bus("cache-1")
        bus.on("tick", lambda message: got.append(message.data))
        return bus

    sender = make_bus()
    await sender.init()
    bus = new_life()
    await bus.init()
    for number in range(10):
        await sender.emit("tick", number)
    await wait_until(lambda: len(got) == 10, what="the first ten")
    await bus.close()
    for number in range(10, 20):
        await sender.emit("tick", number)
    bus = new_life()
    await bus.init()
    await sender.emit("tick", 20)
    await wait_until(lambda: 20 in got, what="the last")
    # Nothing that was handled comes again, nothing sent meanwhile is missed.
    assert got == list(range(21))


async def test_a_fixed_id_resumes_after_a_crash(
    make_bus: MakeBus, kill: Callable[[EventBus], Awaitable[None]]
) -> None:
    got: list[int] = []
    sender = make_bus()
    await sender.init()
    bus = make_bus("cache-1")
    bus.on("tick", lambda message: got.append(message.data))
    await bus.init()
    for number in range(10):
        await sender.emit("tick", number)
    await wait_until(lambda: len(got) == 10, what="the first ten")
    # The list grows in the handler's thread, before the bus knows that the handler has ended.
    await wait_until(lambda: bus.stats().handled == 10, what="handled")
    await wait_until(lambda: bus.stats().unsettled == 0, what="settled")
    await kill(bus)
    await sender.emit("tick", 10)
    again = make_bus("cache-1")
    again.on("tick", lambda message: got.append(message.data))
    await again.init()  # waits for the lease of the dead one
    await wait_until(lambda: 10 in got, what="the missed one")
    assert got == list(range(11))


async def test_one_id_one_process(make_bus: MakeBus) -> None:
    first = make_bus("only-me")
    await first.init()
    started = asyncio.get_running_loop().time()
    with pytest.raises(InstanceIdInUseError) as caught:
        await make_bus("only-me").init()
    assert caught.value.instance_id == "only-me"
    # It waits for one lease and one heartbeat, not for ever, and does not disturb the first.
    assert asyncio.get_running_loop().time() - started < 5.0
    assert first.health().ok
    await first.close()
    async with make_bus("only-me") as second:
        assert second.id == "only-me"


async def test_a_failing_handler_waits_retries_and_stops_no_other(make_bus: MakeBus) -> None:
    from eventbus_core import RetryPolicy

    bad: list[tuple[int, int]] = []
    good: list[int] = []
    bus = make_bus(retry=RetryPolicy(max_deliveries=3, initial=0.02, jitter=0))

    @bus.on("tick")
    async def failing(message: Message) -> None:
        bad.append((message.data, message.attempt))
        if message.data == 1:
            raise RuntimeError("no")

    bus.on("tick", lambda message: good.append(message.data))
    async with bus:
        for number in range(4):
            await bus.emit("tick", number)
        await wait_until(lambda: good == [0, 1, 2, 3], what="the good handler")
        await wait_until(lambda: (3, 1) in bad, what="the bad handler")
        # In order: the handler waits for its retries, then goes on.
        assert bad == [(0, 1), (1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]
        await wait_until(lambda: bus.stats().unsettled == 0, what="settled")
        letters = await bus.dead_letters.list()
        assert [letter.reason for letter in letters] == ["failed 3 times"]
        assert letters[0].attempts == 3
        assert letters[0].instance == bus.id
        assert letters[0].message is not None
        assert letters[0].message.data == 1
        assert "RuntimeError: no" in letters[0].error


async def test_what_retention_removed_while_a_fixed_id_was_away_is_no_loss(
    make_bus: MakeBus,
) -> None:
    options = {"message_retention": 0.1, "max_message_count": 2}
    got: list[int] = []
    sender = make_bus(**options)
    await sender.init()
    async with make_bus("away", **options) as bus:
        await sender.emit("tick", 0)
        await wait_until(lambda: bus.stats().skipped == 1, what="read")
    for number in range(1, 20):
        await sender.emit("tick", number)
    assert sender._runtime is not None
    session = sender._runtime.membership.session
    assert session is not None
    await wait_until(lambda: sender.stats().skipped == 20, what="the sender has passed them")
    await session.renew()
    await asyncio.sleep(0.15)  # older than the retention
    await session.maintain()
    back = make_bus("away", **options)
    back.on("tick", lambda message: got.append(message.data))
    await back.init()
    await sender.emit("tick", 20)
    await wait_until(lambda: 20 in got, what="the next one")
    assert len(got) < 21, "something was removed, or this shows nothing"
    assert back._runtime is not None and back._runtime.membership.session is not None
    assert (await back._runtime.membership.session.renew()).lost == {}
