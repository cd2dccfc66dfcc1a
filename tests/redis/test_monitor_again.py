"""Looks that follow one another: what did not change is not made again, and nothing is missed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import msgspec
import pytest

from eventbus_core.monitoring import (
    BusSnapshot,
    ChannelKind,
    GroupSnapshot,
    Monitor,
    StreamSnapshot,
    open_monitor,
)
from eventbus_core.transport import Outcome, Room, Vitals
from eventbus_redis import looking
from eventbus_redis.session import RedisSession
from tests.redis.test_monitor_access import allow, login
from tests.redis.world import JOB, WORK, World, anycast, broadcast, settle, take, unicast

OTHER = JOB._replace(group="h")


class Eye:
    """Looks through one monitor that remembers earlier looks."""

    def __init__(self, world: World, monitor: Monitor) -> None:
        self.monitor = monitor
        self._world = world

    async def look(self) -> BusSnapshot:
        """What it sees: the same as one that has seen nothing before."""
        seen = await self.monitor.snapshot(self._world.bus)
        async with open_monitor(self._world.url) as fresh:
            expected = await fresh.snapshot(self._world.bus)
        assert [replace(each, bytes=None) for each in seen.streams] == [
            replace(each, bytes=None) for each in expected.streams
        ]
        assert [replace(each, last_member_ms=None) for each in seen.groups] == [
            replace(each, last_member_ms=None) for each in expected.groups
        ]
        assert [replace(each, lease_left=0) for each in seen.instances] == [
            replace(each, lease_left=0) for each in expected.instances
        ]
        for name in ("dead_letters", "absent", "totals", "journal", "options"):
            assert getattr(seen, name) == getattr(expected, name), name
        return seen

    async def rest(self) -> BusSnapshot:
        """Look until it expects no change."""
        for _ in range(4):
            seen = await self.look()
        return seen

    async def await_sight(self, condition: Callable[[BusSnapshot], bool]) -> int:
        """Look until it sees that; return the number of looks."""
        for number in range(1, 40):
            if condition(await self.monitor.snapshot(self._world.bus)):
                return number
        raise AssertionError("it is never seen")


@pytest.fixture
async def eye(world: World) -> AsyncIterator[Eye]:
    async with open_monitor(world.url) as monitor:
        yield Eye(world, monitor)


def group(seen: BusSnapshot, name: str = "g", event: str = "job") -> GroupSnapshot:
    (found,) = (each for each in seen.groups if (each.event, each.name) == (event, name))
    return found


def work(seen: BusSnapshot, event: str = "job") -> StreamSnapshot:
    (found,) = (s for s in seen.streams if (s.kind, s.name) == (ChannelKind.WORK, event))
    return found


def figures(found: GroupSnapshot) -> tuple[int | None, ...]:
    """Lag, pending, waiting, delayed and settled."""
    return found.lag, found.pending, found.waiting, found.delayed, found.settled


async def idle(world: World) -> RedisSession:
    """One instance that has handled all that was stored."""
    session = await world.join("a")
    await world.publish(session, anycast(*"12") + broadcast("3") + unicast("a", "4"))
    await settle(session, await take(session, 4))
    await session.renew(Vitals(handled=4))
    return session


async def test_what_did_not_change_is_the_same_object(world: World, eye: Eye) -> None:
    session = await idle(world)
    await world.join("b", OTHER)
    await world.publish(session, anycast("held"))
    await take(session, 1, {WORK: Room(1, 1)})
    first = await eye.rest()
    second = await eye.look()
    for name in ("groups", "streams"):
        for before, after in zip(getattr(first, name), getattr(second, name), strict=True):
            if after.kind is not ChannelKind.BROADCAST:
                assert after is before
    assert all(a.vitals is b.vitals for a, b in zip(first.instances, second.instances, strict=True))
    await world.publish(session, anycast("new"))
    third = await eye.look()
    assert {each.name for each in third.streams if each not in second.streams} == {"job"}
    assert {each.event for each in third.groups if each not in second.groups} == {"job"}


async def test_each_step_of_a_message_is_seen(world: World, eye: Eye) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"1234"))
    await eye.rest()
    held = await take(one, 4, {WORK: Room(4, 4)})
    assert figures(group(await eye.look())) == (0, 4, 0, 0, 0)
    await eye.rest()
    await settle(one, held[:1], Outcome.RELEASED)
    assert figures(group(await eye.look())) == (0, 3, 1, 0, 0)
    await eye.rest()
    await settle(one, held[1:2], Outcome.FAILED, delay=3600.0, starts=1)
    assert figures(group(await eye.look())) == (0, 2, 1, 1, 0)
    await eye.rest()
    await take(two, 1, {WORK: Room(1, 1)})
    seen = group(await eye.look())
    assert [(c.instance, c.pending) for c in seen.consumers if c.alive] == [("a", 2), ("b", 1)]
    await eye.rest()
    await settle(one, held[2:3])
    assert figures(group(await eye.look())) == (0, 2, 0, 1, 1)
    await eye.rest()
    await settle(one, held[3:], Outcome.DEAD)
    seen_all = await eye.look()
    assert figures(group(seen_all)) == (0, 1, 0, 1, 2)
    assert seen_all.dead_letters.count == 1
    await eye.rest()
    await world.redis("ZADD", world.keys.work("job", "g").due, 1, held[1].token.id)
    assert figures(group(await eye.look())) == (0, 1, 1, 0, 2)


async def test_what_the_dead_held_is_seen(world: World, eye: Eye) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"12"))
    await take(one, 2, {WORK: Room(2, 2)})
    await eye.rest()
    await world.die(one)
    assert (await eye.look()).instances[0].lease_left < 0
    await two.declare_dead((await two.renew()).suspects)
    seen = await eye.look()
    assert [each.id for each in seen.instances] == ["b"]
    assert figures(group(seen)) == (0, 0, 2, 0, 0)
    await eye.rest()
    await take(two, 2, {WORK: Room(2, 2)})
    assert figures(group(await eye.look())) == (0, 2, 0, 0, 0)


async def test_a_stream_that_is_made_again_as_long_as_it_was(world: World, eye: Eye) -> None:
    session = await idle(world)
    before = work(await eye.rest())
    key = world.keys.work_stream("job")
    await world.redis("DEL", key)
    await world.redis("XGROUP", "CREATE", key, "g", "0", "MKSTREAM")
    for text in "12":
        await world.redis("XADD", key, "*", "d", text)
    after = work(await eye.look())
    assert (after.length, before.length) == (2, 2)
    assert before.newest_ms is not None and after.newest_ms is not None
    assert after.oldest_ms is not None and after.oldest_ms >= before.newest_ms
    await eye.rest()
    # Deleted and stored again by the library itself.
    await world.redis("DEL", key, world.keys.work_counts("job"))
    await world.publish(session, anycast(*"12"))
    assert work(await eye.look()).length == 2
    await eye.rest()
    await world.redis("DEL", key)
    assert await eye.await_sight(lambda seen: work(seen).length == 0) <= 5
    assert await world.redis("EXISTS", key) == 0
    await eye.look()


async def test_what_is_stored_and_removed_by_hand_is_seen(world: World, eye: Eye) -> None:
    await idle(world)
    key = world.keys.work_stream("job")
    before = work(await eye.rest())
    entry = await world.redis("XADD", key, "*", "d", "another")
    seen = await eye.look()
    assert (work(seen).length, work(seen).added) == (3, before.added)
    assert group(seen).lag == 1
    await eye.rest()
    await world.redis("XDEL", key, entry)
    assert group(await eye.look()).lag == 0
    await eye.rest()
    # From a stream in which everything is handled.
    ((newest, _),) = await world.redis("XREVRANGE", key, "+", "-", "COUNT", 1)
    await world.redis("XDEL", key, newest)
    assert await eye.await_sight(lambda seen: work(seen).length == 1) <= 5
    await world.redis("XADD", key, "*", "d", "another")
    assert work(await eye.look()).length == 2


async def test_discarded_dead_letters_are_seen(world: World, eye: Eye) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"12"))
    await settle(session, await take(session, 2), Outcome.DEAD)
    await eye.rest()
    for left in (1, 0):
        letter, *_ = await eye.monitor.dead_letters(world.bus)
        assert await eye.monitor.discard(world.bus, letter.id)
        assert (await eye.look()).dead_letters.count == left


async def test_a_group_that_is_dropped_and_made_again(world: World, eye: Eye) -> None:
    one, two = await idle(world), await world.join("b", OTHER)
    await eye.rest()
    await one.subscribe(frozenset())
    assert group(await eye.look()).consumers == ()
    await eye.rest()
    assert await eye.monitor.drop_group(world.bus, "job", "g")
    assert [each.name for each in (await eye.look()).groups if each.event] == ["h"]
    await eye.rest()
    await one.subscribe(frozenset({JOB}))
    seen = await eye.look()
    assert figures(group(seen)) == (2, 0, 0, 0, 0)
    assert [each.instance for each in group(seen).consumers] == ["a"]
    await two.leave()


async def test_a_group_that_is_removed_and_rebuilt(world: World, eye: Eye) -> None:
    session = await idle(world)
    await eye.rest()
    await world.redis("XGROUP", "DESTROY", world.keys.work_stream("job"), "g")
    again = await take(session, 2)  # made again where nothing is skipped: these come twice
    assert figures(group(await eye.look()))[:3] == (0, 2, 0)
    await settle(session, again)
    assert figures(group(await eye.look()))[:3] == (0, 0, 0)


async def test_an_instance_that_announces_itself_again(world: World, eye: Eye) -> None:
    session = await world.join("a", host="here")
    first = await eye.rest()
    await session.subscribe(frozenset({JOB, OTHER}))
    second = await eye.look()
    assert (first.instances[0].subscriptions, second.instances[0].subscriptions) == (
        (JOB,),
        (JOB, OTHER),
    )
    assert [each.instance for each in group(second, "h").consumers] == ["a"]
    await session.leave()
    assert (await eye.look()).instances == ()
    await world.join("a", host="there", max_backlog=7)
    (found,) = (await eye.look()).instances
    assert (found.host, found.options.max_backlog) == ("there", 7)
    assert found.incarnation != first.instances[0].incarnation
    two = await world.join("b", host="one")
    await eye.rest()
    await two.leave()
    await world.join("b", host="two")
    assert [each.host for each in (await eye.look()).instances] == ["there", "two"]


async def test_a_group_that_is_new(world: World, eye: Eye) -> None:
    await idle(world)
    await eye.rest()
    await world.join("b", OTHER, only_new=True)
    assert figures(group(await eye.look(), "h")) == (0, 0, 0, 0, 0)
    await world.join("c", JOB._replace(group="i"))
    assert figures(group(await eye.look(), "i")) == (2, 0, 0, 0, 0)


async def test_options_that_change(world: World, eye: Eye) -> None:
    await world.join("a", max_backlog=7)
    assert (options := (await eye.rest()).options) is not None
    assert options.max_backlog == 7
    other = await world.join("b", max_backlog=9)
    assert (options := (await eye.look()).options) is not None
    assert options.max_backlog == 9
    await other.leave()
    assert (options := (await eye.look()).options) is not None
    assert options.max_backlog == 7


async def test_vitals_and_broadcasts_that_change(world: World, eye: Eye) -> None:
    session = await idle(world)
    await eye.rest()
    await session.renew(Vitals(handled=9))
    await world.publish(session, broadcast(*"12"))
    (found,) = (await eye.look()).instances
    assert (found.vitals, found.behind) == (Vitals(handled=9), 2)
    await settle(session, await take(session, 2))
    await session.renew()
    (found,) = (await eye.look()).instances
    assert (found.vitals, found.behind) == (Vitals(handled=9), 0)


async def test_registries_that_somebody_deletes(world: World, eye: Eye) -> None:
    await world.join("a", host="here")
    await eye.rest()
    await world.redis("DEL", world.keys.instances)
    assert "host" in (await eye.look()).instances[0].unknown
    await world.redis("DEL", world.keys.incarnations)
    assert "id" in (await eye.look()).instances[0].unknown
    await world.redis("DEL", world.keys.options)
    await eye.look()


async def test_after_a_loss_of_data_nothing_old_is_shown(own_world: World) -> None:
    async with open_monitor(own_world.url) as monitor:
        eye = Eye(own_world, monitor)
        await idle(own_world)
        await eye.rest()
        await own_world.redis("FLUSHALL")
        assert (await eye.look()).streams == ()
        await idle(own_world)
        assert figures(group(await eye.look())) == (0, 0, 0, 0, 2)
        await eye.rest()
        # Lost between two looks, and what is stored since has lower ids: the clock was put back.
        await own_world.redis("FLUSHALL")
        await own_world.join("a")
        for entry_id in ("5-1", "6-1"):
            await own_world.redis("XADD", own_world.keys.work_stream("job"), entry_id, "d", "x")
        found = work(await eye.look())
        assert (found.length, found.oldest_ms, found.newest_ms) == (2, 5, 6)


async def test_bytes_follow_the_length(world: World, eye: Eye) -> None:
    session = await idle(world)
    before = work(await eye.rest()).bytes
    await world.publish(session, anycast(*(text * 1_000 for text in "12345678")))
    await eye.look()
    after = work(await eye.look()).bytes
    assert before is not None and after is not None
    assert after > before + 3_000
    key = world.keys.work_stream("job")
    await world.redis("DEL", key)
    await world.redis("XADD", key, "*", "d", "x")
    await world.redis("XADD", key, "*", "d", "x")
    await world.redis("PEXPIRE", key, 60_000)
    await eye.look()
    shrunk = work(await eye.look()).bytes
    assert shrunk is not None and shrunk < after - 3_000


async def test_what_another_program_does_to_groups_at_rest_is_seen_late(
    world: World, eye: Eye
) -> None:
    one = await idle(world)
    await world.join("b")
    await world.publish(one, anycast("held", event="more"))
    await world.redis("XGROUP", "CREATE", world.keys.work_stream("more"), "g", "0")
    await world.redis(
        "XREADGROUP", "GROUP", "g", "x", "STREAMS", world.keys.work_stream("more"), ">"
    )
    await eye.rest()
    await world.redis("XGROUP", "CREATE", world.keys.work_stream("job"), "alien", "0")
    await eye.await_sight(lambda seen: any(each.name == "alien" for each in seen.groups))
    await world.redis("HSET", world.keys.work_counts("job"), "settled:g", 1)
    await eye.await_sight(lambda seen: group(seen).settled == 1)
    ((entry, *_),) = await world.redis("XPENDING", world.keys.work_stream("more"), "g", "-", "+", 9)
    await world.redis("XCLAIM", world.keys.work_stream("more"), "g", "y", 0, entry)
    await eye.await_sight(
        lambda seen: [c.incarnation for c in group(seen, "g", "more").consumers] == ["y"]
    )
    record = msgspec.json.decode(await world.redis("HGET", world.keys.instances, "b"))
    written = msgspec.json.encode(record | {"host": "elsewhere"})
    await world.redis("HSET", world.keys.instances, "b", written)
    await eye.await_sight(lambda seen: seen.instances[1].host == "elsewhere")
    await eye.look()


async def test_more_than_one_call_of_the_script_can_do(
    world: World, eye: Eye, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await idle(world)
    for number in range(40):
        await world.publish(session, anycast("x", event=f"event-{number}"))
    await eye.rest()
    for work_left in (1, 60, 200):
        monkeypatch.setattr(looking, "_WORK", work_left)
        for number in range(0, 40, 3):
            await world.publish(session, anycast("x", event=f"event-{number}"))
        seen = await eye.look()
        assert len(seen.streams) == 43


async def test_a_stream_that_may_not_be_read_hides_no_other(own_world: World) -> None:
    session = await own_world.join("a")
    await own_world.publish(session, anycast(*"12") + unicast("a", "3"))
    await allow(
        own_world, "+@read", "+@scripting", "+time", "+info", "+hello",
        keys=("~eventbus:buses", "~eventbus:{own}:[^i]*", "~eventbus:{own}:in[^b]*"),
    )  # fmt: skip
    async with open_monitor(login(own_world)) as monitor:
        for _ in range(3):
            seen = await monitor.snapshot("own")
            inbox = next(each for each in seen.streams if each.kind is ChannelKind.INBOX)
            assert inbox.length is None
            assert "NOPERM" in inbox.unknown["length"]
            assert work(seen).length == 2
            assert group(seen).lag == 2


async def test_monitors_that_look_at_the_same_time_and_give_up(world: World, eye: Eye) -> None:
    session = await idle(world)
    await eye.rest()

    for number in range(20):
        looks = [asyncio.ensure_future(eye.monitor.snapshot(world.bus)) for _ in range(5)]
        await world.publish(session, anycast(str(number)))
        for each in looks[::2]:
            each.cancel()
        seen = await asyncio.gather(*looks, return_exceptions=True)
        assert all(isinstance(each, (BusSnapshot, asyncio.CancelledError)) for each in seen)
        assert group(await eye.look()).lag == number + 1
