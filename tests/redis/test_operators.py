"""What an operator deletes must not cost a message, and not make one come twice."""

import asyncio

import pytest

from eventbus_core.modes import EventMode
from eventbus_core.transport import Published, Room, Subscription, work
from tests.redis.world import WORK, World, anycast, broadcast, settle, take, texts, until

JUST_WORK = {WORK: Room(10, 100)}


async def test_deleted_options_make_no_repeated_batch_a_second_message(world: World) -> None:
    session = await world.join("a")
    await world.redis("DEL", world.keys.options)
    for _ in range(3):
        assert list(await session.publish(7, broadcast("x"))) == [Published.STORED]
    assert await world.redis("XLEN", world.keys.broadcast) == 1
    await session.renew()
    assert await world.redis("HGET", world.keys.options, "max_backlog") is not None
    assert await world.keys_without_expiry() == []


async def test_unhandled_messages_behind_deleted_ones_stay(world: World) -> None:
    """More pending ids than stored entries: the count of a page must not hide the rest."""
    session = await world.join("a", message_retention=0.05, max_message_count=1)
    await world.publish(session, anycast(*map(str, range(400))))
    held = await take(session, 400, {WORK: Room(500, 500)})
    deleted = [delivery.token.id for delivery in held[1:150]]
    await world.redis("XDEL", world.keys.work_stream("job"), *deleted)
    await asyncio.sleep(0.1)  # everything is older than the retention
    for _ in range(3):
        await session.maintain()
    assert await world.length() == 400 - len(deleted)


async def test_a_deleted_stream_and_a_clock_that_stepped_back_skip_nothing(world: World) -> None:
    session = await world.join("a")
    stream = world.keys.work_stream("job")
    seconds = int((await world.redis("TIME"))[0])
    # Stored while the clock was an hour ahead.
    await world.redis("XADD", stream, f"{(seconds + 3600) * 1000}-0", "d", "x")
    await settle(session, await take(session, 1, JUST_WORK))
    await session.maintain()
    await world.redis("DEL", stream)
    await world.publish(session, anycast("later"))
    got: list[str] = []

    async def delivered() -> bool:
        await session.renew()
        await session.maintain()
        got.extend(texts(await session.fetch(JUST_WORK, 0.2)))
        return bool(got)

    await until(delivered, "the message stored after the step")
    assert got == ["later"]


@pytest.mark.parametrize("maintained", [False, True])
async def test_a_destroyed_group_is_rebuilt_where_it_stood(world: World, maintained: bool) -> None:
    one = await world.join("a")
    two = await world.join("b", Subscription(EventMode.ANYCAST, "job", "h"), group="h")
    await world.publish(one, anycast(*map(str, range(10))))
    await settle(one, await take(one, 10, JUST_WORK))
    await settle(two, await take(two, 10, {work("job", "h"): Room(10, 100)}))
    counts = world.keys.work_counts("job")

    async def noted() -> bool:
        await two.maintain()
        return await world.redis("HGET", counts, "safe:g") is not None

    await until(noted, "the safe place")
    await world.redis("XGROUP", "DESTROY", world.keys.work_stream("job"), "g")
    if maintained:
        await asyncio.sleep(0.3)  # the maintainer's rest is over
        await two.maintain()
    await world.publish(two, anycast("new"))
    assert texts(await take(one, 1, JUST_WORK)) == ["new"]
    assert texts(await one.fetch(JUST_WORK, 0.1)) == []
