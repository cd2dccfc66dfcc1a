"""Publishing, settling, dead letters and the monitor on an imitation of a server."""

from collections.abc import AsyncIterator

import pytest

from eventbus_core.monitoring import ChannelKind, open_monitor
from eventbus_core.transport import INBOX, Outcome, Published, Redriven, Room
from tests.redis.fake_store import FakeWorld, fake_server
from tests.redis.world import (
    ALL,
    WORK,
    anycast,
    broadcast,
    settle,
    take,
    texts,
    unicast,
)


@pytest.fixture
async def world() -> AsyncIterator[FakeWorld]:
    with fake_server() as url:
        async with FakeWorld(url, "fake") as made:
            yield made
            assert await made.keys_without_expiry() == []


async def test_publishing(world: FakeWorld) -> None:
    session = await world.join("a", max_backlog=2)
    batch = anycast(*"123") + broadcast("b") + unicast("a", "u") + unicast("nobody", "x")
    for _ in range(2):  # sent again, it stores nothing and answers the same
        assert list(await session.publish(7, batch)) == [
            Published.STORED, Published.STORED, Published.BACKLOG_FULL,
            Published.STORED, Published.STORED, Published.TARGET_NOT_FOUND,
        ]  # fmt: skip
    assert sorted(texts(await take(session, 4))) == ["1", "2", "b", "u"]
    assert await session.fetch(ALL, 0.05) == ()


async def test_a_message_wakes_a_fetch_that_waits(world: FakeWorld) -> None:
    session, sender = await world.join("a"), await world.join("b")
    for text in "12345":
        assert await session.fetch(ALL, 0.02) == ()
        await world.publish(sender, unicast("a", text))
        assert texts(await take(session, 1)) == [text]


async def test_settling(world: FakeWorld) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"1234"))
    done, released, failed, dead = await take(session, 4)
    await settle(session, [done])
    await settle(session, [failed], Outcome.FAILED, delay=0.05, starts=2, note="why")
    await settle(session, [dead], Outcome.DEAD)
    await settle(session, [released], Outcome.RELEASED)
    again = await take(session, 2)
    assert [(x.data, x.starts, x.note, x.again) for x in again] == [
        (b"2", 0, "", True), (b"3", 2, "why", True),
    ]  # fmt: skip
    await settle(session, again)
    assert await world.pending() == {}


async def test_dead_letters(world: FakeWorld) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"12"))
    await settle(session, await take(session, 2), Outcome.DEAD)
    first, second = await session.dead_letters(10, None, None, None)
    assert await session.redrive(first.id) is Redriven.DONE
    assert await session.redrive(first.id) is Redriven.UNKNOWN
    assert await session.discard(second.id)
    assert texts(await take(session, 1)) == ["1"]
    assert await session.dead_letters(10, None, None, None) == []


async def test_a_death_hands_work_on(world: FakeWorld) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"12") + unicast("a", "mail"))
    await take(one, 3, {WORK: Room(2, 2), INBOX: Room(1, 1)})
    await world.die(one)
    assert len(await two.declare_dead((await two.renew()).suspects)) == 1
    assert [(x.data, x.orphaned) for x in await take(two, 2)] == [(b"1", True), (b"2", True)]
    (letter,) = await two.dead_letters(10, None, None, None)
    assert letter.data == b"mail"
    await two.leave()


async def test_the_monitor(world: FakeWorld) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"123") + broadcast("b"))
    held = await take(session, 1, {WORK: Room(1, 1)})
    await settle(session, held)
    await session.maintain()
    async with open_monitor(world.url) as monitor:
        assert await monitor.buses() == ("fake",)
        seen = await monitor.snapshot("fake")
        (group,) = (each for each in seen.groups if each.kind is ChannelKind.WORK)
        assert (group.lag, group.pending, group.settled) == (2, 0, 1)
        assert [each.behind for each in seen.instances] == [1]
        assert all("MEMORY" in each.unknown["bytes"] for each in seen.streams)
        assert not await monitor.drop_group("fake", "job", "g")
