"""Finding, sampling and following single messages."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventbus_core import EventBus, Message
from eventbus_core.errors import InvalidMessageError
from eventbus_core.ids import MessageIds
from eventbus_core.modes import EventMode
from eventbus_core.monitoring import ChannelKind, DeliverySnapshot, Monitor, open_monitor
from eventbus_core.snapshots import StoredMessage
from eventbus_core.testing import ManualClock
from eventbus_core.transport import Outcome, Redriven, Room, work
from eventbus_redis.config import RedisConfig
from eventbus_redis.monitor import RedisMonitor
from tests.redis.world import (
    JOB,
    World,
    anycast,
    broadcast,
    settle,
    take,
    unicast,
    until,
)

OTHER = JOB._replace(group="h")


@pytest.fixture
async def monitor(world: World) -> AsyncIterator[Monitor]:
    async with open_monitor(world.url) as made:
        yield made


@pytest.fixture
async def source(world: World) -> AsyncIterator[RedisMonitor]:
    made = RedisMonitor(RedisConfig.from_url(world.url), io_timeout=5.0)
    yield made
    await made.close()


async def standing(source: RedisMonitor, bus: str, data: bytes) -> list[DeliverySnapshot]:
    """Where the message with that body stands."""
    (found,) = (each for each in await source.messages(bus, 100) if each.data == data)
    return list(await source.deliveries(bus, found))


async def test_messages_of_all_streams_in_order(world: World, source: RedisMonitor) -> None:
    session = await world.join("a")
    for number in range(3):
        await world.publish(session, broadcast(f"b{number}"))
        await world.publish(session, unicast("a", f"u{number}"))
        await world.publish(session, anycast(f"w{number}"))
    found = await source.messages(world.bus, 100)
    assert len(found) == 9
    assert [each.stored_ms for each in found] == sorted(each.stored_ms for each in found)
    assert {(each.kind, each.name) for each in found} == {
        (ChannelKind.BROADCAST, ""), (ChannelKind.INBOX, "a"), (ChannelKind.WORK, "job"),
    }  # fmt: skip
    for kind, first in (("broadcast", b"b"), ("inbox", b"u"), ("work", b"w")):
        mine = [each.data for each in found if each.kind == kind]
        assert mine == [first + b"%d" % number for number in range(3)]
    assert await source.messages(world.bus, 4) == found[-4:]
    middle = found[4].stored_ms
    within = await source.messages(world.bus, 100, middle, middle)
    assert within == [each for each in found if each.stored_ms == middle]
    assert await source.messages(world.bus, 100, found[-1].stored_ms + 1) == []
    assert await source.messages(world.bus, 100, 0, found[0].stored_ms - 1) == []


async def test_work_is_followed_to_its_end(world: World, source: RedisMonitor) -> None:
    one, two = await world.join("a"), await world.join("b", OTHER)
    await world.publish(one, anycast(*"1234"))
    fresh = [DeliverySnapshot(group=g, state="new", holder="", starts=None, due_ms=None)
             for g in "gh"]  # fmt: skip
    assert await standing(source, world.bus, b"1") == fresh
    held = await take(one, 4)
    other = await take(two, 4, {work("job", "h"): Room(9, 9)})
    await one.begin(held[0], 1)
    (mine, theirs) = await standing(source, world.bus, b"1")
    assert (mine.state, mine.holder, mine.starts) == ("pending", one._state.me, 1)
    assert (theirs.state, theirs.holder, theirs.starts) == ("pending", two._state.me, 0)
    await settle(two, other)
    await settle(one, held[:1])
    await settle(one, held[1:2], Outcome.RELEASED)
    await settle(one, held[2:3], Outcome.FAILED, delay=3600.0, starts=2)
    states = [(await standing(source, world.bus, b"%d" % number))[0] for number in (1, 2, 3)]
    assert [(each.state, each.holder, each.starts) for each in states] == [
        ("settled", "", None), ("waiting", "", 0), ("delayed", "", 2),
    ]  # fmt: skip
    seconds = int((await world.redis("TIME"))[0])
    assert states[2].due_ms is not None
    assert abs(states[2].due_ms / 1000 - seconds - 3600) < 5
    await world.redis("ZADD", world.keys.work("job", "g").due, 1, held[2].token.id)
    assert (await standing(source, world.bus, b"3"))[0].state == "waiting"
    await world.die(one)
    await two.declare_dead((await two.renew()).suspects)
    (mine, theirs) = await standing(source, world.bus, b"4")
    assert (mine.state, mine.holder, mine.starts) == ("waiting", one._state.me, 0)
    assert (theirs.state, theirs.holder) == ("settled", "")


async def test_only_those_who_get_a_message_are_named(world: World, source: RedisMonitor) -> None:
    one = await world.join("a")
    await world.publish(one, anycast("before"))
    await world.join("b", OTHER, only_new=True)
    await world.publish(one, anycast("after") + broadcast("all") + unicast("a", "mail"))
    assert [each.group for each in await standing(source, world.bus, b"before")] == ["g"]
    assert [each.group for each in await standing(source, world.bus, b"after")] == ["g", "h"]
    assert await standing(source, world.bus, b"all") == []
    assert [(each.group, each.state) for each in await standing(source, world.bus, b"mail")] == [
        ("a", "new")
    ]
    await settle(one, await take(one, 4), Outcome.DEAD)
    (letter,) = (each for each in await one.dead_letters(9, None, "job", "g") if
                 each.data == b"before")  # fmt: skip
    assert await one.redrive(letter.id) is Redriven.DONE
    newest = (await source.messages(world.bus, 1))[0]
    assert newest.data == b"before"
    assert [each.group for each in await source.deliveries(world.bus, newest)] == ["g"]


async def test_a_message_that_is_not_stored_any_more(world: World, source: RedisMonitor) -> None:
    def message(kind: ChannelKind, name: str) -> StoredMessage:
        return StoredMessage(kind=kind, name=name, position="5-0", stored_ms=5, data=b"")

    session = await world.join("a")
    assert await source.deliveries(world.bus, message(ChannelKind.WORK, "nothing")) == []
    assert await source.deliveries(world.bus, message(ChannelKind.INBOX, "nobody")) == []
    await world.publish(session, anycast("1"))
    await settle(session, await take(session, 1))
    (gone,) = await source.deliveries(world.bus, message(ChannelKind.WORK, "job"))
    assert gone.state == "settled"


async def test_finding_and_sampling_real_messages(world: World, monitor: Monitor) -> None:
    handled = asyncio.Event()
    async with EventBus(world.url, name=world.bus, instance_id="one", group="g") as bus:

        async def handler(message: Message) -> None:
            handled.set()

        bus.on("job", handler, modes=[EventMode.ANYCAST])
        await bus.ready()
        sent = await bus.emit("job", {"n": 1}, mode=EventMode.ANYCAST)
        everyone = await bus.emit("news", "x")
        await asyncio.wait_for(handled.wait(), 5)

        async def settled() -> bool:
            found = await monitor.find(world.bus, sent)
            assert found is not None
            return [each.state for each in found.deliveries] == ["settled"]

        await until(settled, "the settlement")
        found = await monitor.find(world.bus, sent)
        assert found is not None and found.message is not None
        assert (found.message.id, found.message.event, found.message.source) == (sent, "job", "one")
        assert (found.message.body, found.dead_letters) == (b'{"n":1}', ())
        news = await monitor.find(world.bus, everyone)
        assert news is not None and news.deliveries == ()
        assert {each.id for each in await monitor.sample(world.bus)} == {sent, everyone}
        assert len(await monitor.sample(world.bus, limit=1)) == 1
        (seen,) = (x for x in await monitor.sample(world.bus) if x.id == everyone)
        assert seen in await monitor.sample(world.bus, since_ms=seen.stored_ms)
        assert await monitor.sample(world.bus, since_ms=seen.stored_ms + 1) == ()
        key = world.keys.broadcast
        assert len(await world.redis("XRANGE", key, seen.position, seen.position)) == 1
        with pytest.raises(InvalidMessageError):
            await monitor.find(world.bus, "nonsense")
        assert await monitor.find(world.bus, MessageIds(ManualClock()).next()[0]) is None


async def test_a_foreign_entry_is_sampled_as_unreadable(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("no envelope"))
    await world.redis("XADD", world.keys.broadcast, "*", "odd", "x")
    await world.redis("PEXPIRE", world.keys.broadcast, 60_000)
    found = await monitor.sample(world.bus)
    assert {(each.kind, bool(each.problem)) for each in found} == {
        (ChannelKind.WORK, True), (ChannelKind.BROADCAST, True),
    }  # fmt: skip
