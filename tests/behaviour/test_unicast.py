"""Unicast: the one target, in order, all of a burst; replies to the source."""

import asyncio

import pytest

from eventbus_core import EventMode, Message, TargetNotFoundError
from eventbus_core.testing import wait_until

from .conftest import MakeBus


async def test_only_the_target_gets_it(make_bus: MakeBus) -> None:
    got: list[str] = []
    one, two = make_bus(), make_bus()
    one.on("job", lambda message: got.append("one"))
    two.on("job", lambda message: got.append("two"))
    await one.init()
    await two.init()
    await one.emit("job", target=two.id)
    await two.emit("job", mode=EventMode.UNICAST, target=two.id)
    await wait_until(lambda: len(got) == 2, what="both")
    assert got == ["two", "two"]


async def test_a_burst_of_100_at_once_all_arrives_in_order(make_bus: MakeBus) -> None:
    got: list[int] = []
    sender, receiver = make_bus(), make_bus()
    receiver.on("job", lambda message: got.append(message.data))
    await sender.init()
    await receiver.init()
    await asyncio.gather(*(sender.emit("job", n, target=receiver.id) for n in range(100)))
    await wait_until(lambda: len(got) >= 100, what="all of the burst")
    assert got == list(range(100))


async def test_reply_to_the_source(make_bus: MakeBus) -> None:
    replies: list[int] = []
    client, worker = make_bus(), make_bus()

    @worker.on("double")
    async def double(message: Message) -> None:
        await worker.emit("doubled", message.data * 2, target=message.source)

    client.on("doubled", lambda message: replies.append(message.data))
    await client.init()
    await worker.init()
    for number in range(10):
        await client.emit("double", number, mode="anycast")
    await wait_until(lambda: len(replies) == 10, what="ten replies")
    assert sorted(replies) == [n * 2 for n in range(10)]


async def test_an_unknown_or_closed_target_is_an_error(make_bus: MakeBus) -> None:
    one, two = make_bus(), make_bus()
    await one.init()
    await two.init()
    with pytest.raises(TargetNotFoundError, match="nobody"):
        await one.emit("job", target="nobody")
    await two.close()
    with pytest.raises(TargetNotFoundError):
        await one.emit("job", target=two.id)


async def test_a_fixed_id_gets_what_was_sent_while_it_was_away(make_bus: MakeBus) -> None:
    got: list[int] = []
    sender = make_bus()
    await sender.init()
    async with make_bus("printer"):
        pass
    for number in range(5):
        await sender.emit("print", number, target="printer")
    again = make_bus("printer")
    again.on("print", lambda message: got.append(message.data))
    await again.init()
    await wait_until(lambda: got == [0, 1, 2, 3, 4], what="the stored ones")


async def test_without_a_handler_it_is_settled_and_counted(make_bus: MakeBus) -> None:
    bus = make_bus()
    async with bus:
        await bus.emit("nobody:listens", target=bus.id)
        await wait_until(lambda: bus.stats().unhandled == 1, what="counted")
        assert await bus.dead_letters.list() == []


async def test_the_inbox_of_a_closed_instance_becomes_dead_letters(make_bus: MakeBus) -> None:
    sender, receiver = make_bus(), make_bus(drain_timeout=0.0)
    started = asyncio.Event()

    @receiver.on("job")
    async def stuck(message: Message) -> None:
        started.set()
        await asyncio.sleep(60)

    await sender.init()
    await receiver.init()
    for number in range(3):
        await sender.emit("job", number, target=receiver.id)
    await started.wait()
    await receiver.close()
    letters = await sender.dead_letters.list()
    assert [letter.message and letter.message.data for letter in letters] == [0, 1, 2]
    assert {letter.instance for letter in letters} == {receiver.id}
