"""What an operator may do through a monitor."""

from collections.abc import AsyncIterator

import pytest

from eventbus_core.errors import TargetNotFoundError, TransportUnavailableError
from eventbus_core.monitoring import Monitor, open_monitor
from eventbus_core.transport import Outcome, Room
from tests.redis.world import (
    JOB,
    WORK,
    World,
    anycast,
    broadcast,
    settle,
    take,
    texts,
    until,
)

OTHER = JOB._replace(event="other")
DROPPED = "group dropped by an operator"


@pytest.fixture
async def monitor(world: World) -> AsyncIterator[Monitor]:
    async with open_monitor(world.url) as made:
        yield made


async def groups(world: World) -> list[bytes]:
    found = await world.redis("XINFO", "GROUPS", world.keys.work_stream("job"))
    return [group[1] for group in found]


async def test_redriving_and_discarding(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"123"))
    await settle(session, await take(session, 3), Outcome.DEAD)
    first, second, third = await monitor.dead_letters(world.bus)
    assert await monitor.redrive(world.bus, first.id)
    assert not await monitor.redrive(world.bus, first.id)
    assert await monitor.discard(world.bus, second.id)
    assert not await monitor.discard(world.bus, second.id)
    assert not await monitor.discard(world.bus, "nonsense")
    assert texts(await take(session, 1)) == ["1"]
    assert [each.id for each in await monitor.dead_letters(world.bus)] == [third.id]
    assert await monitor.dead_letters(world.bus, group="other") == ()
    assert await monitor.dead_letters(world.bus, after=third.id) == ()
    await world.redis("XGROUP", "DESTROY", world.keys.work_stream("job"), "g")
    with pytest.raises(TargetNotFoundError):
        await monitor.redrive(world.bus, third.id)
    seen = await monitor.snapshot(world.bus)
    assert seen.totals["redriven"] == seen.totals["discarded"] == 1
    assert seen.journal[-1].kind == "redrive"


async def test_a_group_without_members_is_dropped(world: World, monitor: Monitor) -> None:
    one, two = await world.join("a", max_dead_letters=10_000), await world.join("b", OTHER)
    numbers = list(map(str, range(700)))
    await world.publish(one, anycast(*numbers))
    held = await take(one, 300, {WORK: Room(300, 300)})
    await settle(one, held[:100])
    await settle(one, held[100:200], Outcome.FAILED, delay=3600.0, starts=2)
    await one.leave()
    assert await monitor.drop_group(world.bus, "job", "g")
    assert await groups(world) == []
    letters = await monitor.dead_letters(world.bus, limit=10_000)
    assert len(letters) == 600
    assert {(x.group, x.reason) for x in letters} == {("g", DROPPED)}
    assert sorted(x.attempts for x in letters) == [0] * 500 + [2] * 100
    seen = await monitor.snapshot(world.bus)
    assert [each.event for each in seen.groups if each.event] == ["other"]
    assert seen.journal[-1].kind == "group dropped"
    assert dict(seen.journal[-1].details) == {"event": "job", "group": "g", "reason": DROPPED}
    assert await world.redis("HGETALL", world.keys.abandoned) == []
    assert not await monitor.drop_group(world.bus, "job", "g")
    # A new member makes a new one, from the oldest message stored.
    three = await world.join("c")
    await world.publish(two, anycast("new"))
    assert len(await take(three, 701, {WORK: Room(1000, 1000)})) == 701


async def test_a_group_with_a_member_stays(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("1"))
    assert not await monitor.drop_group(world.bus, "job", "g")
    held = await take(session, 1, {WORK: Room(1, 1)})
    await session.subscribe(frozenset({OTHER}))
    # Not subscribed any more, but still at work on it.
    assert not await monitor.drop_group(world.bus, "job", "g")
    await settle(session, held)
    assert await monitor.drop_group(world.bus, "job", "g")
    assert await groups(world) == []
    # Subscribed again, it goes on with a new group.
    await session.subscribe(frozenset({JOB}))
    await world.publish(session, anycast("2"))
    assert "2" in texts(await take(session, 2, {WORK: Room(9, 9)}))


async def test_a_member_whose_lease_ran_out_is_a_member_until_declared_dead(
    world: World, monitor: Monitor
) -> None:
    one, two = await world.join("a"), await world.join("b", OTHER)
    await world.publish(one, anycast("1"))
    await take(one, 1, {WORK: Room(1, 1)})
    await world.die(one)
    assert not await monitor.drop_group(world.bus, "job", "g")
    await two.declare_dead((await two.renew()).suspects)
    assert await monitor.drop_group(world.bus, "job", "g")
    assert [x.reason for x in await monitor.dead_letters(world.bus)] == [DROPPED]


async def test_nobody_can_tell_what_a_newer_instance_works_for(
    world: World, monitor: Monitor
) -> None:
    one, _ = await world.join("a"), await world.join("b", OTHER)
    await one.leave()
    record = await world.redis("HGET", world.keys.instances, "b")
    newer = record.replace(b'"format":1', b'"format":2')
    await world.redis("HSET", world.keys.instances, "b", newer)
    assert not await monitor.drop_group(world.bus, "job", "g")
    await world.redis("HDEL", world.keys.instances, "b")
    assert not await monitor.drop_group(world.bus, "job", "g")
    await world.redis("HSET", world.keys.instances, "b", record)
    await world.redis("PEXPIRE", world.keys.instances, 60_000)
    assert await monitor.drop_group(world.bus, "job", "g")


async def test_there_is_no_such_group(world: World, monitor: Monitor) -> None:
    assert not await monitor.drop_group(world.bus, "job", "g")
    assert await world.all_keys() in ([], ["eventbus:buses"])
    session = await world.join("a", OTHER)
    await world.publish(session, anycast("1"))
    assert not await monitor.drop_group(world.bus, "job", "g")


async def test_a_group_of_a_deleted_stream(world: World, monitor: Monitor) -> None:
    one, _ = await world.join("a"), await world.join("b", OTHER)
    await one.leave()
    await world.redis("DEL", world.keys.work_stream("job"), world.keys.work_counts("job"))
    assert await monitor.drop_group(world.bus, "job", "g")
    seen = await monitor.snapshot(world.bus)
    assert [each.event for each in seen.groups if each.event] == ["other"]


async def test_a_drop_that_was_cut_off_is_finished_by_the_maintenance(
    world: World, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(*_: object) -> bool:
        raise TransportUnavailableError("cut off")

    one, two = await world.join("a"), await world.join("b", OTHER)
    await world.publish(two, anycast(*"123") + broadcast("4"))
    await one.leave()
    with monkeypatch.context() as patch:
        patch.setattr("eventbus_redis.monitor.drain", cut_off)
        with pytest.raises(TransportUnavailableError):
            await monitor.drop_group(world.bus, "job", "g")
    assert await groups(world) == [b"g"]

    async def dropped() -> bool:
        await two.maintain()
        return await groups(world) == []

    await until(dropped, "the maintenance finishes it")
    letters = await monitor.dead_letters(world.bus)
    assert [x.reason for x in letters] == [DROPPED] * 3


async def test_a_member_that_comes_back_in_time_keeps_what_is_left(
    world: World, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(*_: object) -> bool:
        raise TransportUnavailableError("cut off")

    one, two = await world.join("a"), await world.join("b", OTHER)
    await world.publish(two, anycast(*"123"))
    await one.leave()
    with monkeypatch.context() as patch:
        patch.setattr("eventbus_redis.monitor.drain", cut_off)
        with pytest.raises(TransportUnavailableError):
            await monitor.drop_group(world.bus, "job", "g")
    back = await world.join("c")
    await two.maintain()
    assert texts(await take(back, 3)) == ["1", "2", "3"]
    assert await monitor.dead_letters(world.bus) == ()
