"""The memory transport at the boundary: publishing, taking, settling."""

import asyncio

import pytest

from eventbus_core.memory.transport import MemoryTransport
from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    BROADCASTS,
    INBOX,
    Channel,
    Published,
    Room,
    Session,
    Transport,
    work,
)
from tests.core.memory_world import (
    WORK,
    World,
    dead,
    done,
    failed,
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

STORED, FULL, UNKNOWN = Published.STORED, Published.BACKLOG_FULL, Published.TARGET_NOT_FOUND


@pytest.fixture
def world() -> World:
    return World()


def test_it_is_a_transport() -> None:
    world = World()
    transport: Transport = world.transport
    assert transport.clock is world.clock
    assert transport.capabilities.failover


async def test_its_sessions_are_sessions(world: World) -> None:
    session: Session = await world.join()
    assert session.replayed == 0


class TestPublishing:
    async def test_each_mode_reaches_its_channel(self, world: World) -> None:
        a = await world.join("a", works())
        assert await world.broadcast(a, "b1", "b2") == (STORED, STORED)
        assert await world.unicast(a, "a", "u1") == (STORED,)
        assert await world.anycast(a, "w1") == (STORED,)
        room = {channel: Room(9, 9) for channel in (BROADCASTS, INBOX, WORK)}
        deliveries = await a.fetch(room, 0.0)
        assert texts(deliveries) == ["b1", "b2", "u1", "w1"]
        assert [d.position for d in deliveries] == [1, 2, 0, 0]
        assert {(d.starts, d.again, d.orphaned, d.note) for d in deliveries} == {
            (0, False, False, "")
        }

    async def test_a_batch_sent_again_is_stored_once_and_answers_the_same(
        self, world: World
    ) -> None:
        a = await joined(world.transport, member("a", works(), max_backlog=1))
        batch = [
            outgoing("1"),
            outgoing("2"),
            outgoing("3", EventMode.UNICAST, "nobody"),
            outgoing("4", EventMode.BROADCAST),
        ]
        first = await a.publish(7, batch)
        assert first == (STORED, FULL, UNKNOWN, STORED)
        assert await a.publish(7, batch) == first
        await a.leave()
        # A later session of the same transport.
        b = await joined(world.transport, member("a", works()))
        assert await b.publish(7, batch) == first
        assert texts(await take(b)) == ["1"]
        assert await read(b) == ["4"]

    async def test_an_old_batch_stores_nothing(self, world: World) -> None:
        a = await world.join("a", works())
        for number in range(100):
            await a.publish(number, [outgoing(str(number))])
        assert await a.publish(0, [outgoing("0")]) == (STORED,)
        assert len(await take(a, limit=1000)) == 100

    async def test_batches_of_another_transport_are_others(self, world: World) -> None:
        a = await world.join("a", works())
        other = await world.join("b")
        await a.publish(1, [outgoing("1")])
        await other.publish(1, [outgoing("2")])
        assert texts(await take(a)) == ["1", "2"]

    async def test_a_target_that_never_was_and_one_without_inbox(self, world: World) -> None:
        a = await world.join("a")
        await world.join("p", role="publisher")
        assert await world.unicast(a, "nobody", "1") == (UNKNOWN,)
        assert await world.unicast(a, "p", "1") == (UNKNOWN,)

    async def test_buses_of_one_store_do_not_mix(self, world: World) -> None:
        a = await world.join("a", works())
        other = await joined(MemoryTransport(world.store, "other"), member("a", works()))
        await world.anycast(a, "1")
        assert await take(other) == []


class TestBacklog:
    async def test_the_stuck_group_fills_it_for_all(self, world: World) -> None:
        a = await world.join("a", works(), works(group="slow"), max_backlog=3)
        assert await world.anycast(a, "1", "2", "3", "4") == (STORED, STORED, STORED, FULL)
        await a.settle([done(d) for d in await take(a)])
        assert await world.anycast(a, "4") == (FULL,)
        slow = await take(a, work("job", "slow"))
        assert await world.anycast(a, "4") == (FULL,)
        await a.settle([done(slow[0])])
        assert await world.anycast(a, "4", "5") == (STORED, FULL)

    async def test_handled_ones_behind_a_stuck_one_do_not_count(self, world: World) -> None:
        a = await world.join("a", works(), max_backlog=3)
        for number in range(10):
            assert await world.anycast(a, f"{number}", f"{number}b") == (STORED, STORED)
            deliveries = await take(a)
            await a.settle([done(d) for d in deliveries if texts([d]) != ["0"]])
        assert await world.anycast(a, "x", "y", "z") == (STORED, STORED, FULL)

    async def test_without_a_group_everything_counts(self, world: World) -> None:
        a = await world.join("a", max_backlog=2)
        assert await world.anycast(a, "1", "2", "3") == (STORED, STORED, FULL)
        assert await world.anycast(a, "1", event="another") == (STORED,)

    async def test_an_inbox_has_a_backlog_of_its_own(self, world: World) -> None:
        a = await world.join("a", max_backlog=1)
        await world.join("b", max_backlog=1)
        assert await world.unicast(a, "b", "1", "2") == (STORED, FULL)
        assert await world.unicast(a, "a", "1") == (STORED,)

    async def test_what_is_released_set_aside_or_in_hand_counts(self, world: World) -> None:
        a = await world.join("a", works(), max_backlog=3)
        await world.anycast(a, "1", "2", "3")
        one, two, _three = await take(a)
        await a.settle([released(one), failed(two, 5.0)])
        assert await world.anycast(a, "4") == (FULL,)

    async def test_broadcasts_are_never_refused(self, world: World) -> None:
        a = await world.join("a", max_backlog=1)
        assert await world.broadcast(a, "1", "2", "3") == (STORED,) * 3


class TestGroups:
    async def test_each_group_gets_every_message_and_shares_it(self, world: World) -> None:
        a = await world.join("a", works(), works(group="h"))
        b = await world.join("b", works())
        await world.anycast(a, "1", "2", "3")
        assert texts(await take(a, limit=2)) == ["1", "2"]
        assert texts(await take(b)) == ["3"]
        assert texts(await take(a, work("job", "h"))) == ["1", "2", "3"]

    async def test_messages_wait_for_the_first_group(self, world: World) -> None:
        a = await world.join("a")
        await world.anycast(a, "1", "2")
        assert await take(a) == []
        await a.subscribe(frozenset({works()}))
        assert texts(await take(a)) == ["1", "2"]

    async def test_a_new_group_gets_what_is_kept_unless_only_new(self, world: World) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1")
        await a.settle([done(d) for d in await take(a)])
        b = await world.join("b", works(group="old"))
        c = await world.join("c", works(group="new"), only_new=True)
        await world.anycast(a, "2")
        assert texts(await take(b, work("job", "old"))) == ["1", "2"]
        assert texts(await take(c, work("job", "new"))) == ["2"]

    async def test_a_group_keeps_its_place_without_members(self, world: World) -> None:
        a = await world.join("a")
        b = await world.join("b", works())
        await b.leave()
        await world.anycast(a, "1")
        c = await world.join("c", works(), only_new=True)
        assert texts(await take(c)) == ["1"]


class TestComingBack:
    async def test_released_is_for_anybody_at_once_before_newer_and_uncharged(
        self, world: World
    ) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1", "2", "3")
        one, two = await take(a, limit=2)
        await a.settle([released(two, note="n2"), released(one, starts=3)])
        again = await take(b)
        assert [(d.starts, d.again, d.note) for d in again] == [
            (3, True, ""),
            (0, True, "n2"),
            (0, False, ""),
        ]
        assert texts(again) == ["1", "2", "3"]

    async def test_at_most_slots_come_back_and_nothing_newer_before_them(
        self, world: World
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, *"12345")
        await a.settle([released(d) for d in await take(a, limit=3)])
        assert texts(await take(a, slots=2, limit=100)) == ["1", "2"]
        assert texts(await take(a, slots=0, limit=100)) == []
        assert texts(await take(a, slots=1, limit=2)) == ["3", "4"]
        assert texts(await take(a, slots=0, limit=100)) == ["5"]

    async def test_failed_comes_when_it_is_due_with_its_note(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1", "2")
        one, two = await take(a)
        await a.settle([failed(one, 5.0, starts=1, note="half"), failed(two, 2.0, starts=4)])
        assert await take(b) == []
        await world.clock.advance(2.0)
        (second,) = await take(b)
        assert (texts([second]), second.starts, second.again) == (["2"], 4, True)
        await world.clock.advance(3.0)
        (first,) = await take(a)
        assert (texts([first]), first.starts, first.note) == (["1"], 1, "half")

    async def test_a_settlement_repeated_or_late_does_nothing(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1")
        (old,) = await take(a)
        await a.settle([released(old)])
        (new,) = await take(b)
        await a.settle([released(old), dead(old), done(old)])
        assert await take(a) == []
        await b.settle([failed(new, 0.0)])
        await b.settle([done(new)])
        assert texts(await take(a)) == ["1"]

    async def test_begin_is_kept_over_a_crash(self, world: World) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1", "2")
        one, _two = await take(a)
        await a.begin(one, 1)
        await world.clock.advance(6.0)
        await b.renew()
        await world.clock.advance(4.0)
        await b.declare_dead((await b.renew()).suspects)
        again = await take(b)
        assert [(d.starts, d.again, d.orphaned) for d in again] == [
            (1, True, True),
            (0, True, True),
        ]
        await b.settle([released(d, starts=d.starts) for d in again])
        assert [(d.starts, d.orphaned) for d in await take(b)] == [(1, False), (0, False)]


class TestFetch:
    async def test_a_waiting_fetch_gets_what_is_published(self, world: World) -> None:
        a = await world.join("a", works())
        fetch = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 60.0))
        await world.clock.advance(1.0)
        assert not fetch.done()
        await world.anycast(a, "1")
        assert texts(await fetch) == ["1"]
        assert world.clock.sleepers == 0

    @pytest.mark.parametrize("room", [{WORK: Room(1, 1)}, {}])
    async def test_it_returns_nothing_after_its_wait(
        self, world: World, room: dict[Channel, Room]
    ) -> None:
        a = await world.join("a", works())
        fetch = asyncio.create_task(a.fetch(room, 2.0))
        await world.clock.advance(1.9)
        assert not fetch.done()
        await world.clock.advance(0.1)
        assert list(await fetch) == []

    async def test_it_waits_for_what_is_due(self, world: World) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1")
        fetch = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 60.0))
        (one,) = await fetch
        fetch = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 60.0))
        await world.clock.advance(0.0)
        # 0.1 + 0.2 is a little more than 0.3: sums of floats must not make it miss its time.
        await a.settle([failed(one, 0.1 + 0.2)])
        await world.clock.advance(0.1)
        await world.clock.advance(0.2)
        assert texts(await fetch) == ["1"]

    async def test_wake_ends_it_also_when_it_comes_first(self, world: World) -> None:
        a = await world.join("a", works())
        fetch = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 60.0))
        await world.clock.advance(1.0)
        a.wake()
        assert list(await fetch) == []
        a.wake()
        assert list(await a.fetch({WORK: Room(1, 1)}, 60.0)) == []
        await world.anycast(a, "1")
        assert texts(await a.fetch({WORK: Room(1, 1)}, 60.0)) == ["1"]

    @pytest.mark.parametrize("rounds", range(8))
    async def test_a_cancelled_fetch_loses_nothing(self, world: World, rounds: int) -> None:
        a = await world.join("a", works())
        taken: list[str] = []

        async def fetch_once() -> None:
            taken.extend(texts(await a.fetch({WORK: Room(9, 9)}, 60.0)))

        task = asyncio.create_task(fetch_once())
        publish = asyncio.create_task(world.anycast(a, "1", "2"))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, publish, return_exceptions=True)
        taken += texts(await take(a))
        assert taken == ["1", "2"]

    async def test_a_full_channel_holds_up_no_other(self, world: World) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "w")
        await world.broadcast(a, "b")
        deliveries = await a.fetch({BROADCASTS: Room(1, 1)}, 60.0)
        assert texts(deliveries) == ["b"]

    async def test_a_fetch_that_always_finds_something_lets_others_run(self, world: World) -> None:
        a = await world.join("a", works())
        await world.anycast(a, *map(str, range(50)))
        ran = False

        async def other() -> None:
            nonlocal ran
            ran = True

        task = asyncio.create_task(other())
        for _ in range(3):
            await take(a, limit=1)
        assert ran
        await task


class TestDeadLetters:
    async def test_they_are_listed_filtered_and_discarded(self, world: World) -> None:
        a = await world.join("a", works(), works("other"))
        await world.anycast(a, "1", "2")
        await world.anycast(a, "3", event="other")
        await world.unicast(a, "a", "4")
        await a.settle([dead(d) for d in await take(a)])
        await a.settle([dead(d) for d in await take(a, work("other", "g"))])
        await a.settle([dead(d) for d in await mail(a)])
        letters = await a.dead_letters(10, None, None, None)
        assert [letter.data for letter in letters] == [b"1", b"2", b"3", b"4"]
        assert [letter.group for letter in letters] == ["g", "g", "g", None]
        assert [letter.id for letter in letters] == sorted({letter.id for letter in letters})
        first = letters[0]
        assert (first.event, first.instance, first.reason) == ("job", "a", "failed")
        assert (first.error, first.attempts) == ("ValueError: x", 5)
        assert first.died_ms == int(world.clock.time() * 1000)
        assert await a.dead_letters(2, letters[1].id, None, None) == letters[2:]
        assert await a.dead_letters(2, None, "other", None) == letters[2:3]
        assert await a.dead_letters(1, None, None, "g") == letters[:1]
        assert await a.discard(first.id) is True
        assert await a.discard(first.id) is False

    async def test_redrive_gives_it_to_its_one_group_from_the_start(self, world: World) -> None:
        a = await world.join("a", works(), works(group="h"))
        await world.anycast(a, "1")
        await a.settle([done(d) for d in await take(a, work("job", "h"))])
        await a.settle([dead(d) for d in await take(a)])
        (letter,) = await a.dead_letters(10, None, None, None)
        await world.anycast(a, "2")
        assert await a.redrive(letter.id) == "done"
        assert await a.redrive(letter.id) == "unknown"
        again = await take(a)
        assert texts(again) == ["1", "2"]
        assert (again[0].starts, again[0].again) == (0, True)
        assert texts(await take(a, work("job", "h"))) == ["2"]
        await a.settle([done(d) for d in again])

    async def test_redrive_works_when_the_stream_is_empty_meanwhile(self, world: World) -> None:
        a = await world.join("a", works(), max_message_count=0)
        await world.anycast(a, "1")
        await a.settle([dead(d) for d in await take(a)])
        await a.maintain()
        (letter,) = await a.dead_letters(10, None, None, None)
        assert await a.redrive(letter.id) == "done"
        again = await take(a)
        assert texts(again) == ["1"]
        await a.settle([failed(d, 1.0) for d in again])
        await world.clock.advance(1.0)
        await a.settle([dead(d) for d in await take(a)])
        assert len(await a.dead_letters(10, None, None, None)) == 1

    async def test_redrive_of_a_broadcast_goes_to_the_inbox_of_its_instance(
        self, world: World
    ) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.broadcast(a, "1")
        await a.settle([dead(d) for d in await take(a, BROADCASTS)])
        (letter,) = await b.dead_letters(10, None, None, None)
        assert await b.redrive(letter.id) == "done"
        assert texts(await mail(a)) == ["1"]
        assert await mail(b) == []

    async def test_without_its_owner_it_stays(self, world: World) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.unicast(a, "a", "1")
        await a.settle([dead(d) for d in await mail(a)])
        await a.leave()
        (letter,) = await b.dead_letters(10, None, None, None)
        assert await b.redrive(letter.id) == "no owner"
        assert await b.dead_letters(10, None, None, None) == [letter]
