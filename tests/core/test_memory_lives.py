"""The memory transport at the boundary: leases, fencing, and what is remembered of whom."""

import asyncio

import pytest

from eventbus_core.memory.presence import Presence
from eventbus_core.memory.session import MemorySession
from eventbus_core.transport import (
    BROADCASTS,
    INBOX,
    FencedError,
    Holder,
    Published,
    Room,
    Suspect,
)
from tests.core.memory_world import (
    LEASE,
    WORK,
    World,
    dead,
    done,
    joined,
    mail,
    member,
    outgoing,
    read,
    released,
    take,
    texts,
    works,
)


@pytest.fixture
def world() -> World:
    return World()


async def outlive(world: World, session: MemorySession, seconds: float) -> None:
    """Let time pass while `session` renews and the others do not."""
    for _ in range(int(seconds)):
        await world.clock.advance(1.0)
        await session.renew()


async def bury(world: World, survivor: MemorySession) -> list[str]:
    """Let everyone but `survivor` die and be declared dead; return their ids."""
    await outlive(world, survivor, LEASE)
    dead = await survivor.declare_dead((await survivor.renew()).suspects)
    return [suspect.instance_id for suspect in dead]


class TestLeases:
    async def test_it_lives_until_its_lease_ends(self, world: World) -> None:
        a, b = await world.join("a"), await world.join("b", lease=LEASE * 2)
        await world.clock.advance(LEASE - 0.01)
        assert (await b.renew()).suspects == []
        await a.renew()
        await world.clock.advance(LEASE - 0.01)
        assert (await b.renew()).suspects == []
        await world.clock.advance(0.01)
        (suspect,) = (await b.renew()).suspects
        assert (suspect.instance_id, suspect.lease) == ("a", LEASE)

    async def test_a_suspect_that_renews_in_time_is_not_declared_dead(self, world: World) -> None:
        a, b = await world.join("a"), await world.join("b", lease=LEASE * 2)
        await world.clock.advance(LEASE)
        suspects = (await b.renew()).suspects
        await a.renew()
        assert await b.declare_dead(suspects) == []
        await a.renew()

    async def test_only_one_declares_it_dead(self, world: World) -> None:
        await world.join("a")
        b, c = await world.join("b", lease=99.0), await world.join("c", lease=99.0)
        await world.clock.advance(LEASE)
        suspects = (await b.renew()).suspects
        assert await b.declare_dead(suspects) == suspects
        assert await c.declare_dead(suspects) == []
        assert await c.declare_dead([Suspect("never-was", "x", 1.0)]) == []

    async def test_at_most_a_hundred_suspects_at_once(self, world: World) -> None:
        for number in range(120):
            await world.join(f"i{number}")
        survivor = await world.join("survivor", lease=99.0)
        await world.clock.advance(LEASE)
        for expected in (100, 20, 0):
            suspects = (await survivor.renew()).suspects
            assert len(suspects) == expected
            await survivor.declare_dead(suspects)

    async def test_the_most_generous_options_of_the_living_hold(self, world: World) -> None:
        await world.join("a", max_backlog=5, max_message_count=9)
        b = await world.join("b", max_backlog=7, max_message_count=2)
        options = (await b.renew()).options
        assert options is not None
        assert (options.max_backlog, options.max_message_count) == (7, 9)
        await bury(world, b)
        options = (await b.renew()).options
        assert options is not None
        assert (options.max_backlog, options.max_message_count) == (7, 2)


class TestFencing:
    async def test_every_call_of_the_dead_is_refused(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1")
        (one,) = await take(a)
        assert await bury(world, b) == ["a"]
        calls = [
            a.publish(99, [outgoing("2")]),
            a.fetch({WORK: Room(1, 1)}, 0.0),
            a.begin(one, 1),
            a.settle([done(one)]),
            a.subscribe(frozenset()),
            a.renew(),
            a.declare_dead([]),
            a.maintain(),
            a.dead_letters(1, None, None, None),
            a.redrive("x"),
            a.discard("x"),
            a.leave(),
        ]
        for call in calls:
            with pytest.raises(FencedError):
                await call
        a.wake()
        await a.close()
        assert texts(await take(b)) == ["1"]

    async def test_a_waiting_fetch_learns_of_its_death(self, world: World) -> None:
        a, b = await world.join("a"), await world.join("b")
        waiting = asyncio.create_task(a.fetch({BROADCASTS: Room(1, 1)}, 3600.0))
        await bury(world, b)
        with pytest.raises(FencedError):
            await waiting

    async def test_its_work_goes_to_others_at_once(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1", "2")
        await take(a)
        await world.anycast(a, "3")
        waiting = asyncio.create_task(b.fetch({WORK: Room(0, 1)}, 3600.0))
        await world.clock.advance(0.0)
        assert texts(await waiting) == ["3"]
        waiting = asyncio.create_task(b.fetch({WORK: Room(9, 9)}, 3600.0))
        await bury(world, b)
        again = await waiting
        assert [(d.data, d.orphaned, d.again, d.starts) for d in again] == [
            (b"1", True, True, 0),
            (b"2", True, True, 0),
        ]

    async def test_it_lives_again_as_another_incarnation(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b")
        await bury(world, b)
        again = await world.join("a", works())
        await world.anycast(again, "1")
        assert texts(await take(again)) == ["1"]
        with pytest.raises(FencedError):
            await a.renew()

    async def test_close_is_like_a_crash(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1")
        await take(a)
        await a.close()
        assert await take(b) == []
        assert await bury(world, b) == ["a"]
        assert texts(await take(b)) == ["1"]


class TestLeaving:
    async def test_what_it_holds_goes_back_unorphaned(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1")
        await take(a)
        await a.leave()
        (one,) = await take(b)
        assert (one.data, one.orphaned, one.starts) == (b"1", False, 0)

    async def test_it_may_be_called_again_and_nothing_else(self, world: World) -> None:
        a = await world.join("a")
        await a.leave()
        await a.leave()
        with pytest.raises(FencedError):
            await a.renew()

    async def test_an_id_that_is_not_fixed_is_forgotten(self, world: World) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.unicast(b, "a", "1", "2")
        (one, _two) = await mail(a)
        await a.begin(one, 1)
        await a.leave()
        assert await world.unicast(b, "a", "3") == (Published.TARGET_NOT_FOUND,)
        letters = await b.dead_letters(10, None, None, None)
        assert [(d.data, d.instance, d.reason, d.attempts) for d in letters] == [
            (b"1", "a", "instance closed", 1),
            (b"2", "a", "instance closed", 0),
        ]

    async def test_so_is_one_that_died(self, world: World) -> None:
        _a, b = await world.join("a"), await world.join("b")
        await world.unicast(b, "a", "1")
        await bury(world, b)
        assert await world.unicast(b, "a", "2") == (Published.TARGET_NOT_FOUND,)
        (letter,) = await b.dead_letters(10, None, None, None)
        assert (letter.data, letter.reason) == (b"1", "instance died")


class TestNewcomers:
    async def test_a_new_id_gets_all_broadcasts_kept(self, world: World) -> None:
        a = await world.join("a")
        await world.broadcast(a, "1", "2")
        assert await read(a) == ["1", "2"]
        b = await world.join("b")
        assert b.replayed == 2
        assert await read(b) == ["1", "2"]
        assert await b.subscribe(frozenset()) == 2

    async def test_only_new_starts_now(self, world: World) -> None:
        a = await world.join("a")
        await world.broadcast(a, "1")
        b = await world.join("b", only_new=True)
        assert b.replayed == 0
        await world.broadcast(a, "2")
        assert await read(b) == ["2"]

    async def test_a_publisher_gets_none(self, world: World) -> None:
        p = await world.join("p", role="publisher")
        await world.broadcast(p, "1")
        assert await take(p, BROADCASTS) == []
        await p.leave()


class TestLaterSessions:
    """One transport, one process: who was fenced goes on where it stood."""

    async def test_broadcasts_go_on_after_a_fencing(self, world: World) -> None:
        a, b = await joined(world.transport, member("a")), await world.join("b")
        await world.broadcast(b, "1", "2", "3")
        one, _two, three = await take(a, BROADCASTS)
        await a.settle([done(one), done(three)])
        await bury(world, b)
        await world.broadcast(b, "4")
        again = await joined(world.transport, member("a"))
        assert again.replayed == 0
        assert await read(again) == ["2", "4"]  # 3 was settled, ahead of 2

    async def test_after_a_loss_of_data_they_start_again(self, world: World) -> None:
        a = await joined(world.transport, member("a"))
        await world.broadcast(a, "1", "2")
        await read(a)
        world.store.flush()
        b = await world.join("b")
        await world.broadcast(b, "3")
        again = await joined(world.transport, member("a"))
        assert await read(again) == ["3"]


class TestFixedIds:
    @pytest.mark.parametrize("crash", [False, True])
    async def test_it_resumes_where_it_was(self, world: World, crash: bool) -> None:
        a, b = await world.join("a", fixed=True), await world.join("b")
        await world.broadcast(b, "1", "2", "3", "4")
        one, two, three = await take(a, BROADCASTS, limit=3)
        await a.settle([done(one), done(three)])
        await a.begin(two, 2)
        await (bury(world, b) if crash else a.leave())
        a = await world.join("a", fixed=True, only_new=True)
        assert a.replayed == 0
        again = await take(a, BROADCASTS)
        assert [(d.data, d.starts, d.again) for d in again] == [
            (b"2", 2, False),
            (b"4", 0, False),
        ]

    async def test_a_released_broadcast_is_for_its_next_life(self, world: World) -> None:
        a = await world.join("a", fixed=True)
        await world.broadcast(a, "1", "2")
        one, two = await take(a, BROADCASTS)
        await a.settle([released(one, starts=3), done(two)])
        assert await take(a, BROADCASTS) == []
        await a.leave()
        a = await world.join("a", fixed=True)
        again = await take(a, BROADCASTS)
        assert [(d.data, d.starts) for d in again] == [(b"1", 3)]

    async def test_starts_of_an_unfixed_id_are_not_kept(self, world: World) -> None:
        a = await world.join("a")
        await world.broadcast(a, "1")
        (one,) = await take(a, BROADCASTS)
        await a.begin(one, 1)
        await a.leave()
        (one,) = await take(await world.join("a"), BROADCASTS)
        assert one.starts == 0

    async def test_a_dead_broadcast_is_passed(self, world: World) -> None:
        a = await world.join("a", fixed=True)
        await world.broadcast(a, "1", "2")
        one, _two = await take(a, BROADCASTS)
        await a.settle([dead(one)])
        await a.settle([dead(one)])
        (letter,) = await a.dead_letters(10, None, None, None)
        assert (letter.data, letter.event, letter.instance, letter.group) == (
            b"1", "note", "a", None,
        )  # fmt: skip
        await a.leave()
        assert await read(await world.join("a", fixed=True)) == ["2"]

    @pytest.mark.parametrize("crash", [False, True])
    async def test_its_inbox_is_kept_with_what_was_in_hand(self, world: World, crash: bool) -> None:
        a, b = await world.join("a", fixed=True), await world.join("b")
        await world.unicast(b, "a", "1", "2")
        (one,) = await take(a, INBOX, limit=1)
        await a.begin(one, 1)
        await (bury(world, b) if crash else a.leave())
        assert await world.unicast(b, "a", "3") == (Published.STORED,)
        a = await world.join("a", fixed=True)
        again = await mail(a)
        assert [(d.data, d.starts, d.again, d.orphaned) for d in again] == [
            (b"1", 1, True, crash),
            (b"2", 0, False, False),
            (b"3", 0, False, False),
        ]
        assert await b.dead_letters(10, None, None, None) == []


class TestHolders:
    async def test_a_live_id_is_not_given_twice(self, world: World) -> None:
        a = await world.join("a")
        holder = await world.held_by("a")
        assert (holder.lease, holder.expired) == (LEASE, False)
        assert await world.held_by("a") == holder
        await a.renew()
        assert (await world.held_by("a")).renewals != holder.renewals

    async def test_joining_again_as_the_same_incarnation_does_no_harm(self, world: World) -> None:
        me = member("a", works())
        await joined(world.transport, me)
        again = await joined(world.transport, me)
        await world.anycast(again, "1")
        assert texts(await take(again)) == ["1"]

    async def test_a_holder_watched_and_expired_is_replaced(self, world: World) -> None:
        a = await world.join("a", works(), fixed=True)
        await world.anycast(a, "1")
        await world.unicast(a, "a", "2")
        await take(a)
        seen = await world.held_by("a")
        await world.clock.advance(LEASE)
        now = await world.held_by("a")
        assert (now.expired, now.renewals) == (True, seen.renewals)
        again = await world.transport.join(member("a", works(), fixed=True), replace=seen)
        assert isinstance(again, MemorySession)
        (one,) = await take(again)
        assert (one.data, one.orphaned) == (b"1", True)
        assert texts(await mail(again)) == ["2"]
        with pytest.raises(FencedError):
            await a.renew()

    async def test_one_that_renewed_or_still_lives_is_not(self, world: World) -> None:
        a = await world.join("a")
        seen = await world.held_by("a")
        assert isinstance(await world.transport.join(member("a"), replace=seen), Holder)
        await a.renew()
        await world.clock.advance(LEASE)
        joined = await world.transport.join(member("a"), replace=seen)
        assert isinstance(joined, Holder)
        assert joined.expired
        await a.renew()


def test_a_presence_is_known_by_identity() -> None:
    one, other = (Presence(member("a"), frozenset()) for _ in range(2))
    assert one != other
