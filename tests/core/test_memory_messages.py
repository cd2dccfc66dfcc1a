"""Messages and dead letters of a memory store as a monitor sees them, and what it may do."""

import asyncio
from collections.abc import Sequence

import pytest

from eventbus_core.memory.monitor import MemoryMonitor
from eventbus_core.modes import EventMode
from eventbus_core.monitor_source import MonitorSource
from eventbus_core.snapshots import DeadLettersSnapshot, DeliverySnapshot, StoredMessage
from eventbus_core.transport import INBOX, ChannelKind, Published, Redriven, Room, work
from tests.core.memory_world import (
    LEASE,
    T0,
    WORK,
    World,
    dead,
    done,
    failed,
    outgoing,
    released,
    take,
    texts,
    works,
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def monitor(world: World) -> MonitorSource:
    return MemoryMonitor(world.store)


def datas(messages: Sequence[StoredMessage]) -> list[str]:
    return [message.data.decode() for message in messages]


async def states(monitor: MonitorSource, data: str) -> dict[str, str]:
    """State by group of the newest kept message with that data."""
    message = [m for m in await monitor.messages("bus", 100) if m.data == data.encode()][-1]
    return {d.group: d.state for d in await monitor.deliveries("bus", message)}


class TestMessages:
    async def test_the_newest_of_all_modes_in_order_of_storing(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        modes = [EventMode.ANYCAST, EventMode.BROADCAST, EventMode.UNICAST]
        batch = [
            outgoing(str(number), mode, "a" if mode is EventMode.UNICAST else None)
            for number, mode in enumerate(modes * 3)
        ]
        await a.publish(0, batch)  # all at one time
        await world.clock.advance(1.5)
        await world.broadcast(a, "9")
        found = await monitor.messages("bus", 100)
        assert datas(found) == list("0123456789")
        assert [(m.kind, m.name, m.position) for m in found[:3]] == [
            (ChannelKind.WORK, "job", "1"),
            (ChannelKind.BROADCAST, "", "1"),
            (ChannelKind.INBOX, "a", "3"),
        ]
        assert [m.stored_ms for m in found[-2:]] == [T0, T0 + 1_500]
        assert datas(await monitor.messages("bus", 4)) == list("6789")

    async def test_handled_ones_stay_while_they_are_kept(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1", "2")
        await world.unicast(a, "a", "3", "4", "5", "6")
        await a.settle([done(d) for d in await take(a)])
        three, four, _five = await take(a, INBOX, limit=3)
        await a.settle([released(three), done(four)])
        assert datas(await monitor.messages("bus", 100)) == ["1", "2", "3", "5", "6"]

    async def test_a_window_of_time(self, world: World, monitor: MonitorSource) -> None:
        a = await world.join("a", works(), lease=1000.0)
        for number in range(6):
            await world.anycast(a, f"w{number}")
            await world.broadcast(a, f"b{number}")
            await world.clock.advance(1.0)
        found = await monitor.messages("bus", 100, T0 + 2_000, T0 + 3_000)
        assert datas(found) == ["w2", "b2", "w3", "b3"]
        assert datas(await monitor.messages("bus", 3, T0 + 1_000, T0 + 3_999)) == ["b2", "w3", "b3"]
        assert datas(await monitor.messages("bus", 100, T0 + 5_000)) == ["w5", "b5"]
        assert await monitor.messages("bus", 100, T0 + 5_001) == []
        assert await monitor.messages("bus", 100, 0, T0 - 1) == []


class TestDeliveries:
    async def test_each_state_in_a_group(self, world: World, monitor: MonitorSource) -> None:
        a = await world.join("a", works())
        await world.anycast(a, *"012345")
        zero, one, two, three, _four = await take(a, limit=5)
        await a.begin(three, 2)
        await a.settle([done(zero), released(one, starts=1), failed(two, 7.0, starts=3)])
        messages = await monitor.messages("bus", 100)
        found = [(await monitor.deliveries("bus", message))[0] for message in messages]
        assert [(d.state, d.starts) for d in found] == [
            ("settled", None),
            ("waiting", 1),
            ("delayed", 3),
            ("pending", 2),
            ("pending", 0),
            ("new", None),
        ]
        assert [d.due_ms for d in found] == [None, None, T0 + 7_000, None, None, None]
        (holder,) = {d.holder for d in found[1:5]}
        assert holder.startswith("a-")
        assert (found[0].holder, found[5].holder) == ("", "")
        await world.clock.advance(7.0)
        assert await states(monitor, "2") == {"g": "waiting"}

    async def test_every_group_that_gets_it_answers(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1")
        await a.settle([done(d) for d in await take(a)])
        await world.join("b", works(group="old"))
        await world.join("c", works(group="new"), only_new=True)
        await world.anycast(a, "2")
        assert await states(monitor, "1") == {"g": "settled", "old": "new"}
        assert await states(monitor, "2") == {"g": "new", "old": "new", "new": "new"}

    async def test_a_redriven_message_is_only_its_groups(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works(), works(group="h"))
        await world.anycast(a, "1")
        await a.settle([dead(d) for d in await take(a)])
        (letter,) = await monitor.dead_letters("bus", 9, None, None, None)
        await monitor.redrive("bus", letter.id)
        old, new = await monitor.messages("bus", 9)
        assert [d.state for d in await monitor.deliveries("bus", old)] == ["settled", "new"]
        assert await states(monitor, "1") == {"g": "waiting"}
        await world.join("b", works(group="late"))
        assert texts(await take(a)) == ["1"]
        assert await states(monitor, "1") == {"g": "pending"}
        assert new.stored_ms == T0

    async def test_an_inbox_and_a_broadcast(self, world: World, monitor: MonitorSource) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.unicast(a, "b", "1", "2")
        await world.broadcast(a, "3")
        one, two, three = await monitor.messages("bus", 9)
        (taken,) = await take(b, INBOX, limit=1)
        (first,) = await monitor.deliveries("bus", one)
        assert (first.group, first.state, first.starts) == ("b", "pending", 0)
        assert [d.state for d in await monitor.deliveries("bus", two)] == ["new"]
        assert list(await monitor.deliveries("bus", three)) == []
        await b.settle([done(taken)])
        assert list(await monitor.deliveries("bus", one)) == [
            DeliverySnapshot(group="b", state="settled", holder="", starts=None, due_ms=None)
        ]
        await b.leave()
        assert list(await monitor.deliveries("bus", two)) == []

    async def test_who_had_it_last_when_it_was_orphaned(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a", works()), await world.join("b", works(), lease=100.0)
        await world.anycast(b, "1")
        await take(a)
        (message,) = await monitor.messages("bus", 9)
        before = await monitor.deliveries("bus", message)
        await world.clock.advance(LEASE)
        await b.declare_dead((await b.renew()).suspects)
        after = await monitor.deliveries("bus", message)
        assert [d.state for d in (*before, *after)] == ["pending", "waiting"]
        assert before[0].holder == after[0].holder != ""


class TestDeadLetters:
    async def test_their_number_and_times(self, world: World, monitor: MonitorSource) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1", "2")
        one, two = await take(a)
        await a.settle([dead(one)])
        await world.clock.advance(3.0)
        await a.settle([dead(two)])
        found = (await monitor.snapshot("bus")).dead_letters
        assert found == DeadLettersSnapshot(count=2, oldest_ms=T0, newest_ms=T0 + 3_000)
        letters = await monitor.dead_letters("bus", 9, None, None, None)
        assert letters == await a.dead_letters(9, None, None, None)
        assert await monitor.discard("bus", letters[0].id)
        assert not await monitor.discard("bus", letters[0].id)
        assert (await monitor.snapshot("bus")).dead_letters.oldest_ms == T0 + 3_000

    async def test_a_redrive_wakes_who_waits_for_it(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1")
        await a.settle([dead(d) for d in await take(a)])
        (letter,) = await monitor.dead_letters("bus", 9, None, "job", "g")
        waiting = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 5.0))
        await world.clock.advance(0.0)
        assert await monitor.redrive("bus", letter.id) is Redriven.DONE
        await world.clock.advance(0.0)
        assert [d.data for d in await waiting] == [b"1"]
        assert await monitor.redrive("bus", letter.id) is Redriven.UNKNOWN

    async def test_without_its_owner_it_cannot_go_back(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.unicast(a, "b", "1")
        await b.leave()
        (letter,) = await monitor.dead_letters("bus", 9, None, None, None)
        assert await monitor.redrive("bus", letter.id) is Redriven.NO_OWNER
        assert (await monitor.snapshot("bus")).dead_letters.count == 1


class TestDroppingAGroup:
    async def test_its_unhandled_messages_become_dead_letters(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a", works()), await world.join("b", works(group="h"))
        await world.anycast(a, "1", "2", "3")
        one, two = await take(b, work("job", "h"), limit=2)
        await b.settle([done(one), released(two, starts=2)])
        await b.leave()
        assert await monitor.drop_group("bus", "job", "h")
        letters = await monitor.dead_letters("bus", 9, None, None, None)
        assert [(x.data, x.group, x.instance, x.attempts) for x in letters] == [
            (b"2", "h", "", 2),
            (b"3", "h", "", 0),
        ]
        assert {x.reason for x in letters} == {"group dropped by an operator"}
        assert [g.name for g in (await monitor.snapshot("bus")).groups][1:] == ["g"]
        assert not await monitor.drop_group("bus", "job", "h")
        # The other group keeps its work, and what the one alone held up is handled now.
        assert texts(await take(a)) == ["1", "2", "3"]
        assert await world.anycast(a, "4") == (Published.STORED,)

    async def test_not_while_somebody_is_subscribed(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a", works()), await world.join("b", lease=100.0)
        assert not await monitor.drop_group("bus", "job", "g")
        await world.clock.advance(LEASE + 1.0)
        assert not await monitor.drop_group("bus", "job", "g")  # nobody knows that it is dead
        await a.renew()
        assert not await monitor.drop_group("bus", "job", "g")
        await world.clock.advance(LEASE)
        await b.declare_dead((await b.renew()).suspects)
        assert await monitor.drop_group("bus", "job", "g")
        assert [s.name for s in (await monitor.snapshot("bus")).streams] == ["", "b"]

    async def test_not_while_somebody_has_a_message_of_it_in_hand(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1")
        (one,) = await take(a)
        await a.subscribe(frozenset())
        assert not await monitor.drop_group("bus", "job", "g")
        await a.settle([done(one)])
        assert await monitor.drop_group("bus", "job", "g")
        assert (await monitor.snapshot("bus")).dead_letters.count == 0

    async def test_not_one_that_is_not_there(self, world: World, monitor: MonitorSource) -> None:
        a = await world.join("a")
        await world.anycast(a, "1")
        assert not await monitor.drop_group("bus", "job", "g")
        assert not await monitor.drop_group("bus", "other", "g")
        assert datas(await monitor.messages("bus", 9)) == ["1"]
