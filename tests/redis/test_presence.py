"""Leases: one id one holder, fencing, leaving, options in force."""

import asyncio

import pytest

from eventbus_core.options import FOREVER, SharedOptions
from eventbus_core.transport import (
    BROADCASTS,
    FencedError,
    Holder,
    Outcome,
    Room,
    Settlement,
)
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


async def held_by(world: World, instance_id: str) -> Holder:
    holder = await world.transport().join(member(instance_id))
    assert isinstance(holder, Holder)
    return holder


async def test_an_id_has_one_holder(world: World) -> None:
    session = await world.join("a", lease=7.5)
    before = await world.all_keys()
    holder = await held_by(world, "a")
    assert (holder.incarnation, holder.lease, holder.expired) == (session._state.me, 7.5, False)
    assert await world.all_keys() == before
    await session.renew()
    assert (await held_by(world, "a")).renewals != holder.renewals


async def test_joining_again_with_the_same_incarnation_is_the_same_joining(world: World) -> None:
    who, sender = member("a"), await world.join("s")
    await world.publish(sender, broadcast("1"))
    # The reply to the first one was lost: nothing of it is known here.
    first = await world.joined(world.transport(), who)
    second = await world.joined(world.transport(), who)
    assert (first.replayed, second.replayed) == (1, 1)
    assert texts(await take(second, 1)) == ["1"]


async def test_replacing_needs_the_same_expired_holder(world: World) -> None:
    session = await world.join("a")
    holder = await held_by(world, "a")
    transport = world.transport()
    assert isinstance(await transport.join(member("a"), holder), Holder)
    await session.renew()
    await world.expire(session)
    stale = Holder(
        incarnation=holder.incarnation, lease=10.0, renewals=holder.renewals, expired=True
    )
    assert isinstance(await transport.join(member("a"), stale), Holder)
    watched = await held_by(world, "a")
    assert watched.expired
    successor = await world.joined(transport, member("a"), watched)
    with pytest.raises(FencedError):
        await session.renew()
    await successor.renew()


async def test_an_expired_lease_is_prolonged_while_nobody_has_ended_it(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    await world.expire(session)
    (suspect,) = (await other.renew()).suspects
    assert (suspect.instance_id, suspect.lease) == ("a", 10.0)
    await session.renew()
    assert list(await other.declare_dead([suspect])) == []
    assert (await other.renew()).suspects == []


async def test_every_call_of_a_fenced_session_says_so(world: World) -> None:
    session, other = await world.join("a", fixed=True), await world.join("b")
    await world.publish(other, anycast(*"12") + broadcast("3"))
    held = await take(session, 3)
    await world.expire(session)
    suspects = (await other.renew()).suspects
    assert list(await other.declare_dead(suspects)) == list(suspects)
    assert list(await other.declare_dead(suspects)) == []
    for call in (
        lambda: session.renew(),
        lambda: session.publish(1, anycast("x")),
        lambda: session.subscribe(frozenset({JOB})),
        lambda: session.settle([Settlement(each, Outcome.DONE) for each in held]),
        lambda: session.fetch({WORK: Room(1, 1)}, 0.1),
        lambda: session.declare_dead([]),
        lambda: session.maintain(),
        lambda: session.leave(),
    ):
        with pytest.raises(FencedError):
            await call()
    assert len(await world.pending()) == 2
    got = await take(other, 2, {WORK: Room(2, 2)})
    assert texts(got) == ["1", "2"]


async def test_a_fenced_session_is_told_by_its_own_late_settlement(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    await world.publish(other, anycast(*"12"))
    held = await take(session, 2)
    await world.expire(session)
    await other.declare_dead((await other.renew()).suspects)
    got = await take(other, 2, {WORK: Room(2, 2)})
    with pytest.raises(FencedError):
        await settle(session, held)
    assert {who for who, _ in (await world.pending()).values()} == {other._state.me}
    await settle(other, got)


async def test_what_a_blocked_read_takes_after_its_death_is_found(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    fetching = asyncio.ensure_future(session.fetch({WORK: Room(1, 5)}, 5.0))
    await asyncio.sleep(0.1)
    await world.expire(session)
    await other.declare_dead((await other.renew()).suspects)
    await world.publish(other, anycast("1"))  # goes to the read that is still blocked
    await asyncio.gather(fetching, return_exceptions=True)
    await session.close()
    await other.maintain()
    (got,) = await take(other, 1)
    assert (got.data, got.orphaned) == (b"1", True)


async def test_leaving_twice_is_leaving_once(world: World) -> None:
    session = await world.join("a")
    link = session._state.commands.line.link
    assert link is not None
    await session.leave()
    session._presence._leaving = True  # as after a first call whose reply was lost
    await session.leave()


async def test_an_instance_that_leaves_leaves_nothing(world: World) -> None:
    stays = await world.join("s")
    before = set(await world.all_keys())
    session = await world.join("a")
    await world.publish(stays, unicast("a", "1", "2") + broadcast("3"))
    await settle(session, (await take(session, 3))[:1])
    await session.leave()
    await stays.maintain()
    after = set(await world.all_keys())
    extra = {key.removeprefix(world.keys.prefix) for key in after - before}
    assert extra <= {
        "broadcast", "broadcast:counts", "sent", "dead", "totals", "journal", "maintenance",
    } | {"eventbus:buses"}  # fmt: skip
    letters = await stays.dead_letters(10, None, None, None)
    assert {(each.data, each.instance, each.event) for each in letters} == {
        (b"1", "a", "note"), (b"2", "a", "note"),
    }  # fmt: skip
    for key in (world.keys.holders, world.keys.targets, world.keys.cursors):
        assert await world.redis("HEXISTS", key, "a") == 0


async def test_the_inbox_of_a_dead_instance_becomes_dead_letters(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    names = [str(number) for number in range(500)]
    await world.publish(other, unicast("a", *names))
    held = await take(session, 100)
    await settle(session, held[:50])
    await session.begin(held[50], 1)
    await world.die(session)
    await other.declare_dead((await other.renew()).suspects)
    letters = await other.dead_letters(1000, None, None, None)
    assert sorted(int(each.data) for each in letters) == list(range(50, 500))
    assert {each.attempts for each in letters if each.data == b"50"} == {1}
    assert not [key for key in await world.all_keys() if "inbox:a" in key]


async def test_an_unfinished_clean_up_is_finished_by_anybody(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    await world.publish(other, unicast("a", *map(str, range(300))))
    # As if whoever ended it had died right after the one step that does so.
    await world.redis("HDEL", world.keys.targets, "a")
    await world.redis("HSET", world.keys.abandoned, "inbox a", "g")
    await session.close()
    await other.maintain()
    assert len(await other.dead_letters(1000, None, None, None)) == 300


async def test_a_fixed_id_resumes_its_broadcasts(world: World) -> None:
    sender = await world.join("s")
    first = await world.join("a", fixed=True)
    await world.publish(sender, broadcast(*"1234"))
    held = await take(first, 4)
    await settle(first, [held[0], held[2]])
    await first.begin(held[1], 1)
    await first.leave()
    await world.publish(sender, broadcast("5"))
    second = await world.join("a", fixed=True)
    assert second.replayed == 0
    got = await take(second, 4, {BROADCASTS: Room(1, 10)})
    assert [(d.data, d.starts) for d in got] == [(b"2", 1), (b"3", 0), (b"4", 0), (b"5", 0)]
    await settle(second, got)
    await second.leave()
    third = await world.join("a", fixed=True)
    assert await third.fetch({BROADCASTS: Room(1, 10)}, 0.1) == ()


async def test_after_being_fenced_broadcasts_go_on(world: World) -> None:
    sender, transport = await world.join("s"), world.transport()
    first = await world.joined(transport, member("a"))
    await world.publish(sender, broadcast(*"1234"))
    held = await take(first, 4)
    await settle(first, [held[0], held[2]])
    await world.expire(first)
    await sender.declare_dead((await sender.renew()).suspects)
    await first.close()
    await world.publish(sender, broadcast("5"))
    second = await world.joined(transport, member("a"))
    assert second.replayed == 0
    assert texts(await take(second, 3)) == ["2", "4", "5"]


async def test_a_newcomer_gets_what_is_retained_unless_only_new(world: World) -> None:
    sender = await world.join("s", role="publisher", subscriptions=frozenset())
    await world.publish(sender, broadcast(*"12") + anycast("w"))
    everything = await world.join("a")
    assert everything.replayed == 2
    assert sorted(texts(await take(everything, 3))) == ["1", "2", "w"]
    new = await world.join("b", only_new=True, group="h")
    assert new.replayed == 0
    await world.publish(sender, broadcast("3"))
    assert texts(await take(new, 1)) == ["3"]


async def test_a_new_group_starts_now_if_it_asks_for_that(world: World) -> None:
    sender = await world.join("s", role="publisher", subscriptions=frozenset())
    await world.publish(sender, anycast("old"))
    session = await world.join("a", only_new=True, max_backlog=1)
    await world.publish(sender, anycast("new"))
    assert texts(await take(session, 1)) == ["new"]


async def test_the_most_generous_options_hold(world: World) -> None:
    one = await world.join("a", max_backlog=5, message_retention=0.25, stream_ttl=FOREVER)
    assert (await one.renew()).options == SharedOptions(
        max_backlog=5, message_retention=0.25, stream_ttl=FOREVER
    )
    two = await world.join("b", max_backlog=7, message_retention=0.125)
    in_force = SharedOptions(max_backlog=7, message_retention=0.25, stream_ttl=FOREVER)
    assert (await one.renew()).options == (await two.renew()).options == in_force
    await one.leave()
    await two.maintain()
    assert (await two.renew()).options == SharedOptions(max_backlog=7, message_retention=0.125)


async def test_asking_for_no_expiry(own_world: World) -> None:
    session = await own_world.join("a", stream_ttl=FOREVER, backlog_ttl=FOREVER)
    await own_world.publish(session, anycast("1") + broadcast("2"))
    await settle(session, await take(session, 2))
    await session.maintain()
    expiring = set(await own_world.all_keys()) - set(await own_world.keys_without_expiry())
    assert {key.removeprefix(own_world.keys.prefix) for key in expiring} <= {"maintenance"}
    await session.leave()
    assert own_world.keys.broadcast in await own_world.keys_without_expiry()


async def test_after_the_last_close_idle_keys_expire_first(own_world: World) -> None:
    one, two = await own_world.join("a"), await own_world.join("b", fixed=True)
    await own_world.publish(one, anycast("1") + broadcast("2"))
    held = await take(one, 2)
    await settle(one, [d for d in held if d.channel == WORK])
    await own_world.publish(one, anycast("x", event="waits"))
    await one.leave()
    await two.leave()
    hour, week = 3_600_000, 604_800_000

    async def life(key: str) -> int:
        left: int = await own_world.redis("PTTL", key)
        return left

    keys = own_world.keys
    assert 0 < await life(keys.work_stream("job")) <= hour
    assert hour < await life(keys.work_stream("waits")) <= week
    assert hour < await life(keys.work_counts("waits")) <= week
    assert hour < await life(keys.inbox("b").stream) <= week
    assert hour < await life(keys.cursors) <= week
    assert await own_world.keys_without_expiry() == []


async def test_an_unused_bus_leaves_the_store(own_world: World) -> None:
    short = {"stream_ttl": 1.0, "backlog_ttl": 1.0, "dead_letter_retention": 1.0, "lease": 0.5}
    session = await own_world.join("a", **short)
    await own_world.publish(session, anycast("1") + broadcast("2"))
    await settle(session, await take(session, 2), Outcome.DEAD)
    await session.maintain()
    assert await own_world.keys_without_expiry() == []
    await session.leave()

    async def gone() -> bool:
        return await own_world.all_keys() == []

    await until(gone, "all keys have expired")


async def test_closing_is_silent_and_final(world: World) -> None:
    transport = world.transport()
    session = await world.joined(transport, member("a"))
    await session.fetch({WORK: Room(1, 1)}, 0.05)
    await session.close()
    await session.close()
    await transport.close()
    await transport.close()
    assert (await held_by(world, "a")).incarnation == session._state.me
