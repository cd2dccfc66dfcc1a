"""What a monitor sees of a memory store: exact numbers, and nothing is touched."""

from typing import Any

import pytest

from eventbus_core import TransportUnavailableError
from eventbus_core.memory.monitor import MemoryMonitor
from eventbus_core.memory.session import MemorySession
from eventbus_core.modes import EventMode
from eventbus_core.monitor_source import MonitorSource
from eventbus_core.options import SharedOptions
from eventbus_core.snapshots import (
    BusSnapshot,
    ConsumerSnapshot,
    DeadLettersSnapshot,
    GroupSnapshot,
    StoredMessage,
    StreamSnapshot,
)
from eventbus_core.transport import (
    BROADCASTS,
    ChannelKind,
    Member,
    Redriven,
    Subscription,
    Vitals,
    work,
)
from tests.core.memory_world import (
    LEASE,
    T0,
    World,
    dead,
    done,
    failed,
    joined,
    mail,
    read,
    released,
    take,
    works,
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def monitor(world: World) -> MonitorSource:
    return MemoryMonitor(world.store)


async def stream(monitor: MonitorSource, kind: ChannelKind, name: str = "") -> StreamSnapshot:
    streams = (await monitor.snapshot("bus")).streams
    (found,) = [s for s in streams if (s.kind, s.name) == (kind, name)]
    return found


async def group(
    monitor: MonitorSource, name: str = "g", kind: ChannelKind = ChannelKind.WORK
) -> GroupSnapshot:
    groups = (await monitor.snapshot("bus")).groups
    (found,) = [g for g in groups if (g.kind, g.name) == (kind, name)]
    return found


def numbers(group: GroupSnapshot) -> tuple[int | None, ...]:
    """Lag, pending, waiting, delayed, settled."""
    return group.lag, group.pending, group.waiting, group.delayed, group.settled


def sizes(stream: StreamSnapshot) -> tuple[int | None, ...]:
    """Length, bytes, added, backlog."""
    return stream.length, stream.bytes, stream.added, stream.backlog


async def alive_for(world: World, session: MemorySession, seconds: float) -> None:
    """Let time pass while `session` renews and the others do not."""
    remaining = seconds
    while remaining > 0:
        await world.clock.advance(min(1.0, remaining))
        await session.renew()
        remaining -= 1.0


class TestNothing:
    async def test_an_unknown_bus_is_an_empty_one_and_is_not_made(
        self, world: World, monitor: MonitorSource
    ) -> None:
        found = await monitor.snapshot("bus")
        assert found == BusSnapshot(
            bus="bus",
            at_ms=T0,
            streams=(),
            groups=(),
            instances=(),
            absent=(),
            dead_letters=DeadLettersSnapshot(count=0, oldest_ms=None, newest_ms=None),
            totals={},
            journal=(),
            options=None,
            server=found.server,
        )
        ghost = StoredMessage(
            kind=ChannelKind.WORK, name="job", position="1", stored_ms=T0, data=b""
        )
        assert await monitor.messages("bus", 10) == []
        assert list(await monitor.deliveries("bus", ghost)) == []
        assert await monitor.dead_letters("bus", 10, None, None, None) == []
        assert await monitor.redrive("bus", "x") is Redriven.UNKNOWN
        assert not await monitor.discard("bus", "x")
        assert not await monitor.drop_group("bus", "job", "g")
        assert await monitor.buses() == []
        assert world.store._buses == {}

    async def test_a_bus_that_was_just_joined(self, world: World, monitor: MonitorSource) -> None:
        await world.join("p", role="publisher", max_backlog=7)
        found = await monitor.snapshot("bus")
        assert await monitor.buses() == ["bus"]
        assert [(s.kind, sizes(s)) for s in found.streams] == [
            (ChannelKind.BROADCAST, (0, 0, 0, 0))
        ]
        assert found.groups == ()
        assert found.options == SharedOptions(max_backlog=7)

    async def test_looking_takes_and_changes_nothing(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1", "2")
        await a.settle([failed(d, 5.0) for d in await take(a, limit=1)])
        await world.clock.advance(6.0)
        first = await monitor.snapshot("bus")
        await monitor.messages("bus", 10)
        assert await monitor.snapshot("bus") == first
        assert [d.data for d in await take(a)] == [b"1", b"2"]

    async def test_every_call_says_when_the_store_is_away(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a")
        await world.broadcast(a, "1")
        (message,) = await monitor.messages("bus", 1)
        world.store.unavailable = True
        calls: list[Any] = [
            monitor.buses(),
            monitor.snapshot("bus"),
            monitor.messages("bus", 1),
            monitor.deliveries("bus", message),
            monitor.dead_letters("bus", 1, None, None, None),
            monitor.redrive("bus", "x"),
            monitor.discard("bus", "x"),
            monitor.drop_group("bus", "job", "g"),
        ]
        for call in calls:
            with pytest.raises(TransportUnavailableError):
                await call
        world.store.unavailable = False
        assert await monitor.buses() == ["bus"]
        await monitor.close()
        await monitor.close()

    async def test_after_a_loss_of_data_there_is_nothing(
        self, world: World, monitor: MonitorSource
    ) -> None:
        await world.join("a")
        world.store.flush()
        assert await monitor.buses() == []
        assert (await monitor.snapshot("bus")).instances == ()


class TestBroadcasts:
    async def test_length_bytes_and_who_is_behind(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.broadcast(a, "1", "22")
        await world.clock.advance(2.0)
        await world.broadcast(a, "333")
        assert len(await read(a)) == 3
        one, two, _three = await take(b, BROADCASTS)
        await b.settle([done(one)])
        found = await monitor.snapshot("bus")
        assert found.streams[0] == StreamSnapshot(
            kind=ChannelKind.BROADCAST,
            name="",
            length=3,
            bytes=6,
            added=3,
            backlog=2,
            oldest_ms=T0,
            newest_ms=T0 + 2_000,
        )
        assert {i.id: i.behind for i in found.instances} == {"a": 0, "b": 2}
        await b.settle([done(two)])
        assert (await stream(monitor, ChannelKind.BROADCAST)).backlog == 1

    async def test_what_is_trimmed_goes_and_stays_counted(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", max_message_count=1)
        await world.broadcast(a, "1", "22", "333")
        await read(a)
        await a.maintain()
        assert sizes(await stream(monitor, ChannelKind.BROADCAST)) == (1, 3, 3, 0)
        await a.leave()
        assert sizes(await stream(monitor, ChannelKind.BROADCAST)) == (1, 3, 3, 0)


class TestInboxes:
    async def test_each_state_of_its_messages(self, world: World, monitor: MonitorSource) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.unicast(a, "b", "1", "22")
        await world.clock.advance(1.0)
        await world.unicast(a, "b", "333", "4444")
        assert sizes(await stream(monitor, ChannelKind.INBOX, "b")) == (4, 10, 4, 4)
        one, two, three, _four = await mail(b)
        await b.settle([done(one), released(two), failed(three, 5.0)])
        inbox = await stream(monitor, ChannelKind.INBOX, "b")
        assert sizes(inbox) == (3, 9, 4, 3)
        assert (inbox.oldest_ms, inbox.newest_ms) == (T0, T0 + 1_000)
        reader = await group(monitor, "b", ChannelKind.INBOX)
        assert reader.event == ""
        assert numbers(reader) == (0, 1, 1, 1, 1)
        assert (reader.backlog, reader.oldest_pending_ms) == (3, T0)
        assert reader.last_member_ms is None
        assert [(c.instance, c.pending) for c in reader.consumers] == [("b", 1)]

    async def test_of_an_absent_fixed_id_it_waits(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a"), await world.join("b", fixed=True)
        await world.unicast(a, "b", "1", "2")
        await mail(b)
        await b.leave()
        await world.unicast(a, "b", "3")
        found = await monitor.snapshot("bus")
        assert found.absent == ("b",)
        assert [i.id for i in found.instances] == ["a"]
        reader = await group(monitor, "b", ChannelKind.INBOX)
        assert (numbers(reader), reader.consumers) == ((1, 0, 2, 0, 0), ())
        await world.join("b", fixed=True)
        assert (await monitor.snapshot("bus")).absent == ()

    async def test_a_redriven_message_is_stored_again(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a")
        await world.unicast(a, "a", "1", "22", "333")
        one, *_ = await mail(a)
        await a.settle([dead(one)])
        (letter,) = await monitor.dead_letters("bus", 9, None, None, None)
        assert await monitor.redrive("bus", letter.id) is Redriven.DONE
        assert sizes(await stream(monitor, ChannelKind.INBOX, "a")) == (3, 6, 4, 3)
        assert numbers(await group(monitor, "a", ChannelKind.INBOX)) == (0, 2, 1, 0, 1)
        (again,) = await mail(a)
        await a.settle([done(again)])
        assert sizes(await stream(monitor, ChannelKind.INBOX, "a")) == (2, 5, 4, 2)

    async def test_it_goes_with_an_instance_that_closes(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a"), await world.join("b")
        await world.unicast(a, "b", "1")
        await b.leave()
        found = await monitor.snapshot("bus")
        assert [s.name for s in found.streams if s.kind is ChannelKind.INBOX] == ["a"]
        assert [g.name for g in found.groups] == ["a"]
        assert found.dead_letters.count == 1


class TestWork:
    async def test_each_state_of_a_groups_messages(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "0", "1", "2", "3", "4", "5", "6")
        zero, one, two, three, four = await take(a, limit=5)
        (five,) = await take(b, limit=1)
        await a.settle([done(zero), dead(one), released(two), failed(three, 9.0)])
        found = await group(monitor)
        assert numbers(found) == (1, 2, 1, 1, 2)
        assert found.backlog == 5
        assert (found.event, found.oldest_pending_ms) == ("job", T0)
        incarnations = {i.id: i.incarnation for i in (await monitor.snapshot("bus")).instances}
        assert found.consumers == (
            ConsumerSnapshot(incarnation=incarnations["a"], instance="a", alive=True, pending=1),
            ConsumerSnapshot(incarnation=incarnations["b"], instance="b", alive=True, pending=1),
        )
        assert sizes(await stream(monitor, ChannelKind.WORK, "job")) == (7, 7, 7, 5)
        await world.clock.advance(9.0)
        assert numbers(await group(monitor)) == (1, 2, 2, 0, 2)  # it is due
        await a.settle([done(four)])
        await b.settle([done(five)])
        left = await take(b)
        await b.settle([done(d) for d in left])
        found = await group(monitor)
        assert numbers(found) == (0, 0, 0, 0, 7)
        assert found.oldest_pending_ms is None
        assert sizes(await stream(monitor, ChannelKind.WORK, "job")) == (7, 7, 7, 0)

    async def test_orphans_wait_and_their_holder_is_gone(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a", works()), await world.join("b", works())
        await world.anycast(a, "1", "2")
        await take(a)
        await alive_for(world, b, LEASE)
        found = await group(monitor)
        assert numbers(found) == (0, 2, 0, 0, 0)  # nobody has declared it dead
        assert [(c.instance, c.pending) for c in found.consumers] == [("a", 2), ("b", 0)]
        await b.declare_dead((await b.renew()).suspects)
        found = await group(monitor)
        assert numbers(found) == (0, 0, 2, 0, 0)
        assert [(c.instance, c.pending) for c in found.consumers] == [("b", 0)]
        await take(b, limit=1)
        assert numbers(await group(monitor)) == (0, 1, 1, 0, 0)

    async def test_one_that_unsubscribed_counts_while_it_has_something_in_hand(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1")
        (one,) = await take(a)
        await a.subscribe(frozenset())
        assert [(c.instance, c.pending) for c in (await group(monitor)).consumers] == [("a", 1)]
        await a.settle([done(one)])
        assert (await group(monitor)).consumers == ()

    async def test_groups_count_for_themselves_from_their_start(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works(), max_message_count=0)
        await world.anycast(a, "1", "2", "3")
        one, two, _three = await take(a)
        await a.settle([done(one), done(two)])
        await a.maintain()
        b = await world.join("b", works(group="old"), max_message_count=0)
        await world.join("c", works(group="new"), only_new=True, max_message_count=0)
        await world.anycast(a, "4")
        assert numbers(await group(monitor, "old")) == (2, 0, 0, 0, 0)
        assert numbers(await group(monitor, "new")) == (1, 0, 0, 0, 0)
        await b.settle([dead(d) for d in await take(b, work("job", "old"))])
        assert numbers(await group(monitor, "old")) == (0, 0, 0, 0, 2)
        (letter, *_) = await monitor.dead_letters("bus", 9, None, None, None)
        await monitor.redrive("bus", letter.id)
        assert numbers(await group(monitor, "old")) == (0, 0, 1, 0, 2)
        assert numbers(await group(monitor, "new")) == (1, 0, 0, 0, 0)
        assert numbers(await group(monitor)) == (1, 1, 0, 0, 2)
        assert sizes(await stream(monitor, ChannelKind.WORK, "job")) == (3, 3, 5, 2)

    async def test_without_a_group_everything_waits(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a")
        await world.anycast(a, "1", "2")
        assert sizes(await stream(monitor, ChannelKind.WORK, "job")) == (2, 2, 2, 2)
        assert [g.kind for g in (await monitor.snapshot("bus")).groups] == [ChannelKind.INBOX]

    async def test_the_oldest_in_hand_when_an_older_one_follows_a_redriven_one(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a", works())
        await world.anycast(a, "1")
        await a.settle([dead(d) for d in await take(a)])
        await world.clock.advance(1.0)
        await world.anycast(a, "2", "3")
        await world.clock.advance(1.0)
        (letter,) = await monitor.dead_letters("bus", 9, None, None, None)
        await monitor.redrive("bus", letter.id)
        assert (await group(monitor)).oldest_pending_ms == T0 + 2_000
        redriven, two, _three = await take(a)
        assert (redriven.data, two.data) == (b"1", b"2")
        assert (await group(monitor)).oldest_pending_ms == T0 + 1_000

    async def test_when_a_group_last_had_a_member(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a, b = await world.join("a", works()), await world.join("b", works(group="h"))
        await world.clock.advance(3.0)
        await a.renew()
        assert (await group(monitor)).last_member_ms == T0 + 3_000
        assert (await group(monitor, "h")).last_member_ms == T0 + 3_000
        await b.leave()
        await world.clock.advance(4.0)
        assert (await group(monitor)).last_member_ms == T0 + 7_000
        assert (await group(monitor, "h")).last_member_ms == T0 + 3_000
        await world.clock.advance(100.0)  # its lease ended 10 s after the renewal
        assert (await group(monitor)).last_member_ms == T0 + 13_000


class TestInstances:
    async def test_what_it_announced_and_how_its_lease_stands(
        self, world: World, monitor: MonitorSource
    ) -> None:
        heard = frozenset({works(), Subscription(EventMode.BROADCAST, "note")})
        announced = Member(
            instance_id="a",
            incarnation="a-life",
            fixed=True,
            role="consumer",
            group="g",
            lease=20.0,
            only_new=False,
            subscriptions=heard,
            options=SharedOptions(max_backlog=3),
            host="box",
            pid=42,
            version="9.9",
            started_ms=T0 - 5,
        )
        a = await joined(world.connection(), announced)
        await world.join("p", role="publisher", max_backlog=5)
        await world.anycast(a, "1", "2")
        await take(a)
        await world.clock.advance(4.0)
        found = await monitor.snapshot("bus")
        first, second = found.instances
        assert (first.id, first.incarnation, first.fixed) == ("a", "a-life", True)
        assert (first.role, first.group) == ("consumer", "g")
        assert (first.host, first.pid, first.version) == ("box", 42, "9.9")
        assert first.started_ms == T0 - 5
        assert (first.lease, first.lease_left, first.heartbeat_age) == (20.0, 16.0, 4.0)
        assert first.subscriptions == tuple(sorted(heard))
        assert first.options == SharedOptions(max_backlog=3)
        assert (first.behind, first.pending, first.vitals) == (0, 2, None)
        assert (second.id, second.fixed, second.behind, second.pending) == ("p", False, None, 0)
        assert found.options == SharedOptions(max_backlog=5)

    async def test_vitals_are_those_of_its_last_heartbeat(
        self, world: World, monitor: MonitorSource
    ) -> None:
        a = await world.join("a")
        for running in (1, 2):
            await a.renew(Vitals(running=running, slowest="h"))
        await a.renew()
        (found,) = (await monitor.snapshot("bus")).instances
        assert found.vitals == Vitals(running=2, slowest="h")

    async def test_one_without_heartbeats_stays_until_it_is_declared_dead(
        self, world: World, monitor: MonitorSource
    ) -> None:
        await world.join("a")
        b = await world.join("b", lease=100.0)
        await world.clock.advance(LEASE + 2.5)
        found = (await monitor.snapshot("bus")).instances
        assert [(i.id, i.lease_left) for i in found] == [("a", -2.5), ("b", 87.5)]
        await b.declare_dead((await b.renew()).suspects)
        assert [i.id for i in (await monitor.snapshot("bus")).instances] == ["b"]


async def test_the_server_is_this_process(world: World, monitor: MonitorSource) -> None:
    a = await world.join("a", works())
    await world.broadcast(a, "1")
    await world.unicast(a, "a", "22")
    await world.anycast(a, "333", "4444")
    await a.settle([dead(d) for d in await take(a, limit=1)])
    await world.clock.advance(5.0)
    server = (await monitor.snapshot("elsewhere")).server
    assert (server.product, server.where) == ("memory", "memory://")
    assert server.used_bytes == 1 + 2 + 7 + 3
    assert (server.max_bytes, server.uptime) == (0, 5.0)
    assert server.clients is None
    assert set(server.unknown) == {"clients"}
