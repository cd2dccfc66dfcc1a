"""What a monitor of the file shows and does."""

import pytest

from eventbus_core import TransportUnavailableError
from eventbus_core.modes import EventMode
from eventbus_core.monitoring import Monitor, open_monitor
from eventbus_core.plugins import open_monitor_source
from eventbus_core.snapshots import BusSnapshot, GroupSnapshot, StreamSnapshot
from eventbus_core.transport import BROADCASTS, ChannelKind, Outcome, Redriven, Settlement, Vitals

from .world import WORK, WORKS, World, done, send, take, texts


def stream(found: BusSnapshot, kind: str) -> StreamSnapshot:
    return next(stream for stream in found.streams if stream.kind == kind)


def group(found: BusSnapshot, name: str) -> GroupSnapshot:
    return next(group for group in found.groups if group.name == name)


async def look(world: World) -> BusSnapshot:
    async with open_monitor(world.url) as monitor:
        return await monitor.snapshot("bus")


async def test_every_state_of_work_is_counted(world: World) -> None:
    a, b = await world.join("a", WORKS), await world.join("b", WORKS)
    await send(a, *"123456")
    one, two, three, _four = await take(a, limit=4)
    await done(a, one)
    await a.settle(
        [Settlement(two, Outcome.RELEASED), Settlement(three, Outcome.FAILED, delay=60.0)]
    )
    found = await look(world)
    crew = group(found, "g")
    assert (crew.event, crew.lag, crew.pending, crew.waiting, crew.delayed, crew.settled) == (
        "job", 2, 1, 1, 1, 1,
    )  # fmt: skip
    assert crew.backlog == 5
    assert {(c.instance, c.pending) for c in crew.consumers} == {("a", 1), ("b", 0)}
    assert crew.last_member_ms == found.at_ms
    work = stream(found, "work")
    assert (work.name, work.length, work.bytes, work.added, work.backlog) == ("job", 6, 6, 6, 5)
    assert {i.id: i.pending for i in found.instances} == {"a": 1, "b": 0}
    assert found.totals["retries"] == 1
    await b.leave()


async def test_instances_and_broadcasts(world: World) -> None:
    a = await world.join("a", WORKS, fixed=True, lease=30.0)
    away = await world.join("away", fixed=True)
    await send(a, "1", "2", "3", mode=EventMode.BROADCAST)
    await away.leave()
    (one,) = await take(a, BROADCASTS, 1)
    await done(a, one)
    await a.renew(Vitals(handled=7))
    found = await look(world)
    (instance,) = found.instances
    assert (instance.id, instance.fixed, instance.behind, instance.pending) == ("a", True, 2, 0)
    assert instance.subscriptions == (WORKS,)
    assert instance.vitals == Vitals(handled=7)
    assert 29.0 < instance.lease_left <= 30.0
    broadcasts = stream(found, "broadcast")
    assert (broadcasts.length, broadcasts.added, broadcasts.backlog) == (3, 3, 2)
    assert found.absent == ("away",)
    assert group(found, "a").kind is ChannelKind.INBOX
    assert found.options == instance.options
    assert (found.server.product, found.server.where) == ("SQLite", str(world.path))
    assert set(found.server.unknown) == {"clients", "uptime"}


async def test_deaths_and_what_was_refused_are_counted(world: World) -> None:
    a = await world.join("a", WORKS, max_backlog=1)
    await send(a, "1", "2")
    (one,) = await take(a)
    await a.settle([Settlement(one, Outcome.DEAD)])
    found = await look(world)
    assert found.dead_letters.count == 1
    assert found.dead_letters.oldest_ms == found.dead_letters.newest_ms
    assert found.totals == {"dead letters": 1, "refused: backlog full": 1}


async def test_a_bus_that_is_not_stored_is_empty(world: World) -> None:
    await world.join("a")
    async with open_monitor(world.url) as monitor:
        found = await monitor.snapshot("other")
    assert (found.streams, found.instances, found.options) == ((), (), None)


async def test_messages_and_where_they_stand(world: World) -> None:
    a = await world.join("a", WORKS)
    await send(a, "note", mode=EventMode.BROADCAST)
    await send(a, "1", "2")
    (one,) = await take(a, limit=1)
    await done(a, one)
    await take(a, limit=1)
    source = open_monitor_source(world.url, io_timeout=5.0)
    note, first, second = await source.messages("bus", 10)
    assert [message.data for message in (note, first, second)] == [b"note", b"1", b"2"]
    assert [message.data for message in await source.messages("bus", 1)] == [b"2"]
    assert await source.messages("bus", 10, first.stored_ms + 60_000) == []
    assert await source.deliveries("bus", note) == []
    (settled,) = await source.deliveries("bus", first)
    assert (settled.group, settled.state, settled.starts) == ("g", "settled", None)
    (pending,) = await source.deliveries("bus", second)
    assert (pending.state, pending.holder[:2], pending.starts) == ("pending", "a-", 0)
    await source.close()
    with pytest.raises(TransportUnavailableError):
        await source.buses()


async def test_an_operator_redrives_discards_and_drops(world: World) -> None:
    a = await world.join("a", WORKS)
    await send(a, *"123")
    await a.settle([Settlement(delivery, Outcome.DEAD) for delivery in await take(a, limit=2)])
    source = open_monitor_source(world.url, io_timeout=5.0)
    first, second = await source.dead_letters("bus", 10, None, None, None)
    assert await source.redrive("bus", first.id) is Redriven.DONE
    assert await source.redrive("bus", first.id) is Redriven.UNKNOWN
    assert await source.discard("bus", second.id) is True
    again, newer = await take(a)
    assert (again.data, again.again, newer.data) == (b"1", True, b"3")
    assert await source.drop_group("bus", "job", "g") is False
    assert await source.drop_group("bus", "job", "none") is False
    await a.subscribe(frozenset())
    assert await source.drop_group("bus", "job", "g") is True
    found = await source.snapshot("bus")
    assert not [group for group in found.groups if group.kind is ChannelKind.WORK]
    assert found.totals == {"dead letters": 4, "discarded": 1, "redriven": 1}
    letters = await source.dead_letters("bus", 10, None, None, "g")
    assert [letter.data for letter in letters] == [b"3", b"1"]
    await source.close()


async def test_a_monitor_goes_on_when_the_file_comes(world: World) -> None:
    async with open_monitor(world.url) as monitor:
        assert isinstance(monitor, Monitor)
        with pytest.raises(TransportUnavailableError):
            await monitor.snapshot("bus")
        a = await world.join("a", WORKS)
        assert [i.id for i in (await monitor.snapshot("bus")).instances] == ["a"]
        await send(a, "1")
        assert texts(await take(a, WORK)) == ["1"]
