"""The memory transport at the boundary: what is kept, for how long, and what is lost."""

import pytest

from eventbus_core.memory.session import MemorySession
from eventbus_core.options import FOREVER
from eventbus_core.transport import BROADCASTS, Published, work
from tests.core.memory_world import (
    LEASE,
    World,
    dead,
    done,
    mail,
    read,
    take,
    texts,
    works,
)


@pytest.fixture
def world() -> World:
    return World()


async def pass_time(world: World, session: MemorySession, seconds: float) -> None:
    """Let time pass for a live instance."""
    remaining = seconds
    while remaining > 0:
        step = min(LEASE / 2, remaining)
        await world.clock.advance(step)
        await session.renew()
        remaining -= step
    await session.maintain()


async def kept_broadcasts(world: World) -> list[str]:
    """What a newcomer gets."""
    probe = await world.join("probe")
    found = await read(probe)
    await probe.leave()
    return found


async def kept_work(world: World) -> list[str]:
    """What a new group gets of the stream; the group stays, and has handled it."""
    probe = await world.join("probe", works(group="probe"))
    deliveries = await take(probe, work("job", "probe"))
    await probe.settle([done(d) for d in deliveries])
    await probe.leave()
    return texts(deliveries)


class TestBroadcasts:
    async def test_handled_ones_go_when_they_are_old(self, world: World) -> None:
        a = await world.join("a", message_retention=60.0)
        await world.broadcast(a, "1")
        await read(a)
        await pass_time(world, a, 30.0)
        await world.broadcast(a, "2")
        await pass_time(world, a, 29.0)
        assert await kept_broadcasts(world) == ["1", "2"]
        await pass_time(world, a, 2.0)
        assert await kept_broadcasts(world) == ["2"]

    async def test_handled_ones_go_when_they_are_too_many(self, world: World) -> None:
        a = await world.join("a", max_message_count=2)
        await world.broadcast(a, *"12345")
        await a.maintain()
        assert len(await read(a)) == 5
        await a.maintain()
        assert await kept_broadcasts(world) == ["4", "5"]

    async def test_what_a_live_instance_has_not_handled_stays(self, world: World) -> None:
        a = await world.join("a", message_retention=1.0, max_message_count=0)
        b = await world.join("b", lease=1000.0, message_retention=1.0, max_message_count=0)
        await world.broadcast(a, "1", "2", "3")
        await read(a)
        one, _two, three = await take(b, BROADCASTS)
        await b.settle([done(one), done(three)])
        await pass_time(world, a, 30.0)
        assert await kept_broadcasts(world) == ["2", "3"]
        await b.leave()
        await a.maintain()
        assert await kept_broadcasts(world) == []
        assert (await a.renew()).lost == {}

    async def test_beyond_max_backlog_a_slow_instance_loses_the_oldest(self, world: World) -> None:
        a = await world.join("a", max_backlog=3)
        b = await world.join("b", max_backlog=3)
        await world.broadcast(a, *"12345")
        await read(a)
        assert texts(await take(b, BROADCASTS, limit=1)) == ["1"]
        await a.maintain()
        # "1" is in its hands, and so not lost.
        assert (await b.renew()).lost == {"broadcasts trimmed": 1}
        assert (await b.renew()).lost == {}
        assert (await a.renew()).lost == {}
        assert texts(await take(b, BROADCASTS)) == ["3", "4", "5"]

    async def test_the_log_is_bounded_without_any_heartbeat(self, world: World) -> None:
        a = await world.join("a", max_backlog=3, max_message_count=2)
        for number in range(100):
            await world.broadcast(a, str(number))
        assert len(await take(a, BROADCASTS, limit=100)) <= 5
        assert (await a.renew()).lost["broadcasts trimmed"] >= 95

    async def test_what_was_trimmed_while_a_fixed_id_was_away_is_no_loss(
        self, world: World
    ) -> None:
        a = await world.join("a", max_message_count=1)
        b = await world.join("b", fixed=True)
        await b.leave()
        await world.broadcast(a, "1", "2", "3")
        await read(a)
        await pass_time(world, a, LEASE)  # the options of b do not count any more
        b = await world.join("b", fixed=True, max_message_count=1)
        await b.maintain()
        assert await read(b) == ["3"]
        assert (await b.renew()).lost == {}


class TestWork:
    async def test_handled_by_all_groups_it_goes_when_old_or_too_much(self, world: World) -> None:
        a = await world.join("a", works(), works(group="h"), message_retention=60.0)
        await world.anycast(a, "1", "2")
        await a.settle([done(d) for d in await take(a)])
        await pass_time(world, a, 100.0)
        assert texts(await take(a, work("job", "h"), limit=1)) == ["1"]
        assert await kept_work(world) == ["1", "2"]

    async def test_a_stuck_one_does_not_keep_those_behind_it(self, world: World) -> None:
        a = await world.join("a", works(), max_message_count=1, message_retention=3600.0)
        await world.anycast(a, *"12345")
        _stuck, *others = await take(a)
        await a.settle([done(d) for d in others])
        await a.maintain()
        assert await kept_work(world) == ["1", "5"]

    async def test_unhandled_ones_are_never_removed(self, world: World) -> None:
        a = await world.join("a", works(), message_retention=1.0, max_message_count=0)
        await world.anycast(a, "1", "2")
        await world.anycast(a, "3", event="nobody")
        await world.unicast(a, "a", "4")
        (one,) = await take(a, limit=1)
        await pass_time(world, a, 1000.0)
        await a.settle([done(one)])
        await a.maintain()
        assert await kept_work(world) == ["2"]
        await a.subscribe(frozenset({works("nobody"), works()}))
        assert texts(await take(a, work("nobody", "g"))) == ["3"]
        assert texts(await take(a)) == ["2"]
        assert texts(await mail(a)) == ["4"]

    async def test_a_group_without_members_is_removed_after_backlog_ttl(self, world: World) -> None:
        a = await world.join("a", works(), backlog_ttl=100.0)
        b = await world.join("b", works(group="h"), backlog_ttl=100.0)
        await world.anycast(a, "1")
        await b.leave()
        await pass_time(world, a, 99.0)
        assert await a.dead_letters(10, None, None, None) == []
        await pass_time(world, a, 1.0)
        (letter,) = await a.dead_letters(10, None, None, None)
        assert (letter.data, letter.group, letter.reason) == (b"1", "h", "group removed")
        assert await a.redrive(letter.id) == "no owner"
        # The group that has members keeps its work.
        assert texts(await take(a)) == ["1"]

    async def test_what_the_last_group_left_is_not_handled_again(self, world: World) -> None:
        a = await world.join("a", works(), backlog_ttl=100.0)
        await world.anycast(a, "1", "2")
        await a.settle([done(d) for d in await take(a, limit=1)])
        await a.subscribe(frozenset())
        await pass_time(world, a, 100.0)
        assert len(await a.dead_letters(10, None, None, None)) == 1
        assert await kept_work(world) == []
        await world.anycast(a, "3")
        await a.subscribe(frozenset({works()}))
        assert texts(await take(a)) == ["3"]

    async def test_a_member_that_crashed_counts_until_its_lease_ended(self, world: World) -> None:
        a = await world.join("a", backlog_ttl=100.0)
        await world.join("b", works(), backlog_ttl=100.0)
        await world.anycast(a, "1")
        await pass_time(world, a, LEASE + 99.0)
        assert await a.dead_letters(10, None, None, None) == []
        await a.declare_dead((await a.renew()).suspects)
        await pass_time(world, a, 1.0)
        assert len(await a.dead_letters(10, None, None, None)) == 1


class TestFixedIds:
    async def test_it_is_forgotten_after_backlog_ttl(self, world: World) -> None:
        a = await world.join("a", backlog_ttl=100.0)
        b = await world.join("b", fixed=True, backlog_ttl=100.0)
        await b.leave()
        await pass_time(world, a, 99.0)
        assert await world.unicast(a, "b", "1") == (Published.STORED,)
        await pass_time(world, a, 1.0)
        assert await world.unicast(a, "b", "2") == (Published.TARGET_NOT_FOUND,)
        (letter,) = await a.dead_letters(10, None, None, None)
        assert (letter.data, letter.reason) == (b"1", "instance forgotten")
        await world.broadcast(a, "3")
        b = await world.join("b", fixed=True)
        assert b.replayed == 1


class TestDeadLetters:
    async def test_the_old_and_the_surplus_go(self, world: World) -> None:
        a = await world.join("a", works(), dead_letter_retention=50.0, max_dead_letters=2)
        await world.anycast(a, *"1234")
        one, *others = await take(a)
        await a.settle([dead(one)])
        await pass_time(world, a, 40.0)
        assert len(await a.dead_letters(10, None, None, None)) == 1
        await pass_time(world, a, 10.5)
        assert await a.dead_letters(10, None, None, None) == []
        await a.settle([dead(d) for d in others])
        await a.maintain()
        left = await a.dead_letters(10, None, None, None)
        assert [letter.data for letter in left] == [b"3", b"4"]


class TestUnusedBuses:
    """Nothing runs for an unused bus: it goes when the store is touched the next time."""

    async def test_after_an_orderly_close_handled_messages_go_after_stream_ttl(
        self, world: World
    ) -> None:
        a = await world.join("a", works(), stream_ttl=100.0)
        await world.anycast(a, "1")
        await world.broadcast(a, "2")
        await a.settle([done(d) for d in await take(a)])
        await a.leave()
        await world.clock.advance(99.0)
        assert len(world.store.bus("bus").log) == 1
        await world.clock.advance(1.0)
        with world.store.step() as now:
            world.store.sweep(now)
            assert world.store._buses == {}

    async def test_unhandled_work_and_fixed_ids_stay_for_backlog_ttl(self, world: World) -> None:
        a = await world.join("a", works(), fixed=True, stream_ttl=50.0, backlog_ttl=100.0)
        await world.anycast(a, "1")
        await world.unicast(a, "a", "2")
        await world.broadcast(a, "3")
        await a.leave()
        await world.clock.advance(99.0)
        a = await world.join("a", works(), fixed=True, stream_ttl=50.0, backlog_ttl=100.0)
        assert texts(await take(a)) == ["1"]
        assert texts(await mail(a)) == ["2"]
        assert await read(a) == []
        await world.broadcast(a, "4")
        assert await read(a) == ["4"]
        await a.leave()
        await world.clock.advance(100.0)
        with world.store.step() as now:
            world.store.sweep(now)
            assert world.store._buses == {}

    async def test_after_a_crash_all_stays_for_backlog_ttl(self, world: World) -> None:
        a = await world.join("a", works(), fixed=True, stream_ttl=5.0, backlog_ttl=100.0)
        await world.broadcast(a, "1")
        await world.clock.advance(LEASE + 99.0)
        with world.store.step() as now:
            world.store.sweep(now)
        assert len(world.store.bus("bus").log) == 1
        await world.clock.advance(1.0)
        again = await world.join("a", works(), fixed=True)
        assert await take(again, BROADCASTS) == []

    async def test_a_live_instance_keeps_its_bus(self, world: World) -> None:
        a = await world.join("a", lease=1000.0, stream_ttl=1.0, backlog_ttl=1.0)
        await world.broadcast(a, "1")
        await world.clock.advance(999.0)
        await a.maintain()
        assert await read(a) == ["1"]

    async def test_no_ttl_means_for_ever(self, world: World) -> None:
        a = await world.join("a", works(), fixed=True, stream_ttl=FOREVER, backlog_ttl=FOREVER)
        await world.anycast(a, "1")
        await world.broadcast(a, "2")
        await a.leave()
        await world.clock.advance(10**9)
        a = await world.join("a", works(), fixed=True)
        assert texts(await take(a)) == ["1"]
        assert await read(a) == ["2"]

    async def test_dead_letters_outlast_their_bus(self, world: World) -> None:
        ttl = {"stream_ttl": 10.0, "backlog_ttl": 20.0, "dead_letter_retention": 100.0}
        a = await world.join("a", works(), **ttl)
        await world.anycast(a, "1")
        await a.settle([dead(d) for d in await take(a)])
        await a.leave()
        await world.clock.advance(50.0)
        a = await world.join("a", **ttl)
        assert len(await a.dead_letters(10, None, None, None)) == 1
        await a.leave()
        await world.clock.advance(60.0)
        a = await world.join("a", **ttl)
        assert await a.dead_letters(10, None, None, None) == []
