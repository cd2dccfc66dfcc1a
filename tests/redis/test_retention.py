"""Trimming: what is handled and old or too many goes, what is unhandled stays."""

from typing import Any

import pytest

from eventbus_core.transport import BROADCASTS, INBOX, Outcome, Room
from tests.redis.world import (
    JOB,
    WORK,
    World,
    anycast,
    broadcast,
    member,
    settle,
    take,
    texts,
    unicast,
    until,
)

NOTHING: dict[str, Any] = {"message_retention": 0.0, "max_message_count": 0}


async def ids(world: World, stream: str) -> list[bytes]:
    return [entry for entry, _ in await world.redis("XRANGE", stream, "-", "+")]


async def bodies(world: World, stream: str) -> list[str]:
    return [fields[1].decode() for _, fields in await world.redis("XRANGE", stream, "-", "+")]


async def test_handled_work_goes_and_unhandled_stays(world: World) -> None:
    session = await world.join("a", **NOTHING)
    await world.publish(session, anycast(*"123456"))
    held = await take(session, 4, {WORK: Room(4, 4)})
    await settle(session, held[:2])
    await session.maintain()
    assert await bodies(world, world.keys.work_stream("job")) == ["3", "4", "5", "6"]
    await settle(session, held[2:])
    await settle(session, await take(session, 2))
    await session.maintain()
    assert await world.length() == 0


async def test_a_stuck_message_does_not_hold_the_others(world: World) -> None:
    session = await world.join("a", **NOTHING)
    names = [str(number) for number in range(700)]
    for at in range(0, 700, 100):
        await world.publish(session, anycast(*names[at : at + 100]))
    held = await take(session, 700)
    stuck = [held[0], held[333], held[699]]
    await settle(session, [each for each in held if each not in stuck])

    async def trimmed() -> bool:
        await session.maintain()
        return await world.length() == 3

    await until(trimmed, "only what is stuck is left")
    assert await bodies(world, world.keys.work_stream("job")) == ["0", "333", "699"]
    await settle(session, stuck)
    await session.maintain()
    assert await world.length() == 0


async def test_the_newest_handled_ones_are_kept_up_to_the_count(world: World) -> None:
    session = await world.join("a", message_retention=3600.0, max_message_count=5)
    await world.publish(session, anycast(*map(str, range(40))))
    held = await take(session, 40)
    await settle(session, held[:30])
    await session.maintain()
    assert await bodies(world, world.keys.work_stream("job")) == list(map(str, range(25, 40)))
    await settle(session, held[30:])
    await session.maintain()
    assert await bodies(world, world.keys.work_stream("job")) == list(map(str, range(35, 40)))


async def test_a_large_surplus_goes_in_steps(world: World) -> None:
    session = await world.join("a", message_retention=3600.0, max_message_count=10)
    for at in range(0, 3000, 500):
        await world.publish(session, anycast(*map(str, range(at, at + 500))))
    await settle(session, await take(session, 3000))
    await session.maintain()
    assert await world.length() == 10


async def test_retention_by_age_keeps_what_is_young(world: World) -> None:
    session = await world.join("a", message_retention=3600.0, max_message_count=1000)
    await world.publish(session, anycast(*"123"))
    await settle(session, await take(session, 3))
    await session.maintain()
    assert await world.length() == 3


async def test_every_group_must_have_handled_it(world: World) -> None:
    session = await world.join("a", **NOTHING)
    await world.redis("XGROUP", "CREATE", world.keys.work_stream("job"), "idle", "0")
    await world.publish(session, anycast(*"12"))
    await settle(session, await take(session, 2))
    await session.maintain()
    assert await world.length() == 2


async def test_work_without_a_group_is_never_trimmed(world: World) -> None:
    session = await world.join("a", **NOTHING)
    await world.publish(session, anycast(*"12", event="waits"))
    await session.maintain()
    assert await bodies(world, world.keys.work_stream("waits")) == ["1", "2"]


async def test_inboxes_are_trimmed_alike(world: World) -> None:
    session = await world.join("a", **NOTHING)
    await world.publish(session, unicast("a", *"1234"))
    held = await take(session, 3, {INBOX: Room(3, 3)})
    await settle(session, held)
    await session.maintain()
    assert await bodies(world, world.keys.inbox("a").stream) == ["4"]


async def test_broadcasts_wait_for_every_live_instance(world: World) -> None:
    one, two = await world.join("a", **NOTHING), await world.join("b", **NOTHING)
    await world.publish(one, broadcast(*"1234"))
    await settle(one, await take(one, 4))
    held = await take(two, 4)
    await settle(two, [held[0], held[1], held[3]])
    for session in (one, two):
        await session.renew()  # stores the cursors
    await one.maintain()
    assert await bodies(world, world.keys.broadcast) == ["3", "4"]
    await world.die(two)
    await one.declare_dead((await one.renew()).suspects)
    await one.maintain()
    assert await bodies(world, world.keys.broadcast) == []


async def test_handled_broadcasts_are_kept_up_to_the_count(world: World) -> None:
    session = await world.join("a", message_retention=3600.0, max_message_count=3)
    await world.publish(session, broadcast(*map(str, range(10))))
    held = await take(session, 10)
    await settle(session, held[:6])
    await session.renew()
    await session.maintain()
    assert await bodies(world, world.keys.broadcast) == list("3456789")


async def test_a_slow_reader_loses_the_oldest_broadcasts_and_learns_it(world: World) -> None:
    fast, slow = await world.join("a", max_backlog=10), await world.join("b", max_backlog=10)
    for at in range(0, 30, 10):
        await world.publish(fast, broadcast(*map(str, range(at, at + 10))))
    await settle(fast, await take(fast, 30))
    await fast.renew()
    await fast.maintain()
    got = await take(slow, 10)
    assert texts(got) == list(map(str, range(20, 30)))
    assert (await slow.renew()).lost == {"broadcasts trimmed": 20}
    assert (await slow.renew()).lost == {}
    assert await world.redis("HGET", world.keys.totals, "lost: broadcasts trimmed") == b"20"
    assert (await fast.renew()).lost == {}


async def test_what_retention_removed_while_a_fixed_id_was_away_is_no_loss(world: World) -> None:
    sender = await world.join("s", **NOTHING)
    first = await world.join("a", fixed=True)
    await world.publish(sender, broadcast(*"12"))
    await settle(first, await take(first, 2))
    await first.leave()
    await world.publish(sender, broadcast(*"345"))
    await settle(sender, await take(sender, 5))
    await sender.renew()
    await sender.maintain()
    await world.publish(sender, broadcast("6"))
    second = await world.join("a", fixed=True)
    assert texts(await take(second, 1)) == ["6"]
    assert (await second.renew()).lost == {}


async def test_one_instance_at_a_time_does_the_work(world: World) -> None:
    one, two = await world.join("a", **NOTHING), await world.join("b", **NOTHING)
    await world.publish(one, anycast("1"))
    await settle(one, await take(one, 1, {WORK: Room(1, 1)}))
    await world.redis("SET", world.keys.lock, two._state.me, "PX", 60_000)
    await one.maintain()
    assert await world.length() == 1
    await two.maintain()
    assert await world.length() == 0


async def test_a_group_without_members_is_dropped_after_backlog_ttl(world: World) -> None:
    session, other = (
        await world.join("a", backlog_ttl=60.0),
        await world.join("b", role="publisher", subscriptions=frozenset(), backlog_ttl=60.0),
    )
    await world.publish(session, anycast(*map(str, range(300))))
    held = await take(session, 100)
    await settle(session, held[:10])
    await settle(session, held[10:20], Outcome.FAILED, delay=100.0, starts=1)
    await session.leave()
    await other.maintain()
    assert len(await world.pending()) == 90
    await world.redis("ZADD", world.keys.groups, 1, "job g")
    other._maintenance._tidied = float("-inf")
    await world.redis("DEL", world.keys.lock)

    async def dropped() -> bool:
        await other.maintain()
        groups: list[object] = await world.redis("XINFO", "GROUPS", world.keys.work_stream("job"))
        return groups == []

    await until(dropped, "the group is gone")
    letters = await other.dead_letters(1000, None, None, "g")
    assert sorted(int(x.data) for x in letters) == list(range(10, 300))
    assert {x.attempts for x in letters if 10 <= int(x.data) < 20} == {1}
    again = await world.join("c")
    await world.publish(again, anycast("new"))
    assert "new" in texts(await take(again, 301))


async def test_a_group_with_a_live_member_is_never_dropped(world: World) -> None:
    session = await world.join("a", JOB, backlog_ttl=60.0)
    await world.publish(session, anycast("1"))
    await world.redis("ZADD", world.keys.groups, 1, "job g")
    session._maintenance._shown = float("-inf")
    await session.maintain()
    assert texts(await take(session, 1)) == ["1"]


async def test_a_fixed_id_is_forgotten_after_backlog_ttl(world: World) -> None:
    session, other = await world.join("a", fixed=True), await world.join("b")
    await world.publish(other, unicast("a", "1"))
    await session.leave()
    await world.redis("ZADD", world.keys.remembered, 1, "a")
    await other.maintain()
    (letter,) = await other.dead_letters(10, None, None, None)
    assert (letter.data, letter.instance) == (b"1", "a")
    assert not [key for key in await world.all_keys() if "inbox:a" in key or "attempts:a" in key]
    for key in (world.keys.cursors, world.keys.targets, world.keys.instances, world.keys.holders):
        assert await world.redis("HEXISTS", key, "a") == 0


async def test_a_fixed_id_that_comes_back_in_time_keeps_its_inbox(world: World) -> None:
    session, other = await world.join("a", fixed=True), await world.join("b")
    await world.publish(other, unicast("a", "1"))
    await session.leave()
    again = await world.joined(world.transport(), member("a", fixed=True))
    await other.maintain()
    assert texts(await take(again, 1)) == ["1"]


async def test_expiries_are_prolonged_while_the_bus_is_in_use(world: World) -> None:
    session = await world.join("a", fixed=True)
    await world.publish(session, anycast("1") + broadcast("2") + unicast("a", "3"))
    held = await take(session, 3)
    await session.begin(next(d for d in held if d.channel == BROADCASTS), 1)
    await settle(session, [d for d in held if d.channel == WORK], Outcome.FAILED, note="n", delay=9)
    await session.maintain()
    for key in await world.all_keys():
        await world.redis("PEXPIRE", key, 60_000)
    session._maintenance._refreshed = float("-inf")
    await session.maintain()
    lives = {key: await world.redis("PTTL", key) for key in await world.all_keys()}
    short = {key for key, life in lives.items() if life <= 60_000}
    assert short == {world.keys.lock}


@pytest.mark.parametrize("size", [10, 100_000])
async def test_trimming_by_number_with_bodies_of_any_size(world: World, size: int) -> None:
    session = await world.join("a", message_retention=3600.0, max_message_count=2)
    messages = [each._replace(data=b"x" * size) for each in anycast(*map(str, range(30)))]
    await world.publish(session, messages)
    await settle(session, await take(session, 30))
    await session.maintain()
    assert len(await ids(world, world.keys.work_stream("job"))) == 2
