"""Calls whose answer nobody heard, and calls made again."""

import asyncio

import pytest

from eventbus_core.modes import EventMode
from eventbus_core.transport import Holder, Outcome, Published, Room, Settlement

from .world import WORK, WORKS, World, done, hear, member, outgoing, send, take, texts


@pytest.mark.parametrize("delay", [0.0, 0.0002, 0.001, 0.005, 0.02])
async def test_a_cancelled_fetch_loses_nothing(world: World, delay: float) -> None:
    a = await world.join("a", WORKS)
    taken: list[str] = []

    async def fetch_once() -> None:
        taken.extend(texts(list(await a.fetch({WORK: Room(9, 9)}, 60.0))))

    fetching = asyncio.create_task(fetch_once())
    sending = asyncio.create_task(send(a, "1", "2"))
    await asyncio.sleep(delay)
    fetching.cancel()
    await asyncio.gather(fetching, sending, return_exceptions=True)
    taken += texts(await take(a))
    assert taken == ["1", "2"]


async def test_a_batch_whose_answer_was_lost_is_stored_once(world: World) -> None:
    transport = await world.connect()
    a = await world.join("a", WORKS, transport=transport, max_backlog=1)
    batch = [outgoing("1"), outgoing("2"), outgoing("3", EventMode.BROADCAST)]
    publishing = asyncio.create_task(a.publish(7, batch))
    await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.wait([publishing])
    first = await a.publish(7, batch)
    assert first == [Published.STORED, Published.BACKLOG_FULL, Published.STORED]
    await a.leave()
    # A later session of the same transport.
    b = await world.join("a", WORKS, transport=transport)
    assert await b.publish(7, batch) == first
    assert await b.publish(6, batch[:1]) == [Published.STORED]
    assert texts(await take(b)) == ["1"]
    assert await hear(b) == ["3"]


async def test_what_no_fetch_returned_is_released_by_stop(world: World) -> None:
    a, b = await world.join("a", WORKS), await world.join("b", WORKS)
    await send(b, "1", "2")
    fetching = asyncio.create_task(a.fetch({WORK: Room(9, 9)}, 60.0))
    await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.wait([fetching])
    await a.stop()
    await a.stop()
    assert await take(a) == []
    assert texts(await take(b)) == ["1", "2"]


async def test_a_settlement_repeated_or_late_does_nothing(world: World) -> None:
    a, b = await world.join("a", WORKS), await world.join("b", WORKS)
    await send(a, "1")
    (old,) = await take(a)
    released = Settlement(old, Outcome.RELEASED)
    await a.settle([released])
    (mine,) = await take(a)
    # The answer to the release was lost: it must not release what was taken again since then.
    await a.settle([released, Settlement(old, Outcome.DEAD), Settlement(old, Outcome.DONE)])
    assert await take(b) == []
    await done(a, mine)


async def test_the_holder_of_an_id_is_replaced_only_when_it_expired(world: World) -> None:
    await world.join("a", lease=0.05)
    transport = await world.connect()
    async with asyncio.timeout(10.0):
        while True:
            holder = await transport.join(member("a"))
            assert isinstance(holder, Holder)
            if holder.expired:
                break
            await asyncio.sleep(0.01)
    assert not isinstance(await transport.join(member("a"), holder), Holder)
