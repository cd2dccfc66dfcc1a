"""What a monitor shows is exact, in every mode and at every stage of a message."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from eventbus_core.monitoring import (
    BusSnapshot,
    ChannelKind,
    GroupSnapshot,
    InstanceSnapshot,
    Monitor,
    StreamSnapshot,
    open_monitor,
)
from eventbus_core.options import SharedOptions
from eventbus_core.transport import BROADCASTS, Outcome, Room, Vitals
from tests.redis.world import (
    ALL,
    JOB,
    WORK,
    World,
    anycast,
    broadcast,
    member,
    settle,
    take,
    unicast,
)


@pytest.fixture
async def monitor(world: World) -> AsyncIterator[Monitor]:
    async with open_monitor(world.url) as made:
        yield made


def stream(seen: BusSnapshot, kind: ChannelKind, name: str = "") -> StreamSnapshot:
    (found,) = (each for each in seen.streams if (each.kind, each.name) == (kind, name))
    assert found.unknown == {}
    return found


def group(seen: BusSnapshot, name: str = "g", event: str = "job") -> GroupSnapshot:
    (found,) = (each for each in seen.groups if (each.event, each.name) == (event, name))
    assert found.unknown == {}
    return found


def instance(seen: BusSnapshot, name: str) -> InstanceSnapshot:
    (found,) = (each for each in seen.instances if each.id == name)
    return found


def figures(found: GroupSnapshot) -> tuple[int | None, ...]:
    """Lag, pending, waiting, delayed and settled."""
    return found.lag, found.pending, found.waiting, found.delayed, found.settled


async def test_a_bus_that_is_not_stored_is_empty(world: World, monitor: Monitor) -> None:
    seen = await monitor.snapshot(world.bus)
    assert (seen.bus, seen.streams, seen.groups, seen.instances) == (world.bus, (), (), ())
    assert (seen.absent, seen.journal, seen.options, dict(seen.totals)) == ((), (), None, {})
    assert (seen.dead_letters.count, seen.dead_letters.oldest_ms) == (0, None)
    assert await monitor.sample(world.bus) == ()
    assert await monitor.dead_letters(world.bus) == ()
    assert await world.all_keys() in ([], ["eventbus:buses"])


async def test_broadcasts(world: World, monitor: Monitor) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.join("p", role="publisher")
    await world.publish(one, broadcast(*"12345"))
    await settle(one, (await take(one, 5))[:3])
    await one.renew()
    seen = await monitor.snapshot(world.bus)
    found = stream(seen, ChannelKind.BROADCAST)
    assert (found.length, found.added, found.backlog) == (5, 5, 5)
    assert (instance(seen, "a").behind, instance(seen, "b").behind) == (2, 5)
    assert instance(seen, "p").behind is None
    assert found.bytes is not None and found.bytes > 0
    assert found.oldest_ms is not None and found.newest_ms is not None
    assert 0 <= found.newest_ms - found.oldest_ms < 5_000
    assert 0 <= seen.at_ms - found.newest_ms < 5_000
    await settle(two, await take(two, 5))
    await two.renew()
    seen = await monitor.snapshot(world.bus)
    assert (instance(seen, "b").behind, stream(seen, ChannelKind.BROADCAST).backlog) == (0, 2)


async def test_broadcasts_are_counted_where_numbers_have_gaps(
    world: World, monitor: Monitor
) -> None:
    session = await world.join("a")
    await world.publish(session, broadcast(*"123456"))
    held = await take(session, 6)
    await settle(session, held[:2])
    await session.renew()
    await world.redis("XDEL", world.keys.broadcast, held[3].token.id)
    await world.redis("XADD", world.keys.broadcast, "*", "other", "x")
    seen = await monitor.snapshot(world.bus)
    assert instance(seen, "a").behind == 4  # 3, 5, 6 and the foreign one
    assert stream(seen, ChannelKind.BROADCAST).length == 6


async def test_an_inbox(world: World, monitor: Monitor) -> None:
    sender, session = await world.join("s"), await world.join("a", fixed=True)
    await world.publish(sender, unicast("a", *"123"))
    held = await take(session, 2, {c: Room(2, 2) for c in ALL})
    await settle(session, held[:1])
    seen = await monitor.snapshot(world.bus)
    found = stream(seen, ChannelKind.INBOX, "a")
    assert (found.length, found.added, found.backlog) == (3, 3, 2)
    inbox = group(seen, "a", "")
    assert inbox.kind is ChannelKind.INBOX
    assert inbox.last_member_ms is None
    assert inbox.lag is not None and inbox.pending is not None
    assert (inbox.lag + inbox.pending, inbox.settled) == (2, 1)
    assert [(c.instance, c.alive) for c in inbox.consumers] == [("a", True)]
    await session.leave()
    seen = await monitor.snapshot(world.bus)
    assert seen.absent == ("a",)
    inbox = group(seen, "a", "")
    assert inbox.backlog == 2
    assert all(not c.alive and c.instance == "" for c in inbox.consumers)
    assert [each.id for each in seen.instances] == ["s"]


async def test_work_at_every_stage(world: World, monitor: Monitor) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*map(str, range(10))))
    assert figures(group(await monitor.snapshot(world.bus))) == (10, 0, 0, 0, 0)
    held = await take(one, 5, {WORK: Room(5, 5)})
    seen = await monitor.snapshot(world.bus)
    assert figures(group(seen)) == (5, 5, 0, 0, 0)
    assert (instance(seen, "a").pending, instance(seen, "b").pending) == (5, 0)
    assert [(c.instance, c.alive, c.pending) for c in group(seen).consumers] == [
        ("a", True, 5), ("b", True, 0),
    ]  # fmt: skip
    assert group(seen).oldest_pending_ms == int(held[0].token.id.partition(b"-")[0])
    await settle(one, held[:1])
    await settle(one, held[1:2], Outcome.RELEASED)
    await settle(one, held[2:3], Outcome.FAILED, delay=3600.0, starts=1)
    await settle(one, held[3:4], Outcome.DEAD)
    seen = await monitor.snapshot(world.bus)
    assert figures(group(seen)) == (5, 1, 1, 1, 2)
    assert (group(seen).backlog, stream(seen, ChannelKind.WORK, "job").backlog) == (8, 8)
    assert (seen.dead_letters.count, seen.totals["retries"]) == (1, 1)
    await world.die(one)
    await two.declare_dead((await two.renew()).suspects)
    seen = await monitor.snapshot(world.bus)
    assert figures(group(seen)) == (5, 0, 2, 1, 2)
    assert [(c.instance, c.alive, c.pending) for c in group(seen).consumers] == [
        ("", False, 1), ("b", True, 0),
    ]  # fmt: skip
    # Released and orphaned go first; the delayed one is due when its time is over.
    rest = await take(two, 7, {WORK: Room(10, 100)})
    await settle(two, rest)
    assert figures(group(await monitor.snapshot(world.bus))) == (0, 0, 0, 1, 9)
    await world.redis("ZADD", world.keys.work("job", "g").due, 1, held[2].token.id)
    assert figures(group(await monitor.snapshot(world.bus))) == (0, 0, 1, 0, 9)


async def test_groups_of_one_event(world: World, monitor: Monitor) -> None:
    one = await world.join("a")
    await world.publish(one, anycast(*"123"))
    await settle(one, await take(one, 3))
    late = JOB._replace(group="late")
    fresh = JOB._replace(group="fresh")
    await world.join("b", late)
    await world.join("c", fresh, only_new=True)
    await world.publish(one, anycast("4"))
    seen = await monitor.snapshot(world.bus)
    assert figures(group(seen)) == (1, 0, 0, 0, 3)
    assert figures(group(seen, "late")) == (4, 0, 0, 0, 0)
    assert figures(group(seen, "fresh")) == (1, 0, 0, 0, 0)
    assert stream(seen, ChannelKind.WORK, "job").backlog == 4
    assert [each.name for each in seen.groups if each.kind is ChannelKind.WORK] == [
        "fresh", "g", "late",
    ]  # fmt: skip


async def test_work_without_a_group(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"12", event="nobody"))
    seen = await monitor.snapshot(world.bus)
    assert stream(seen, ChannelKind.WORK, "nobody").backlog == 2
    assert [each for each in seen.groups if each.event == "nobody"] == []


async def test_the_last_member_of_a_group(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    seen = await monitor.snapshot(world.bus)
    assert group(seen).last_member_ms == seen.at_ms
    await session.subscribe(frozenset())
    found = group(await monitor.snapshot(world.bus))
    assert found.last_member_ms is not None
    assert found.last_member_ms <= seen.at_ms
    assert found.consumers == ()


async def test_lag_is_exact_where_the_counters_are_not(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    key = world.keys.work_stream("job")
    await world.publish(session, anycast(*map(str, range(20))))
    await settle(session, await take(session, 5, {WORK: Room(5, 5)}))
    entries = await world.redis("XRANGE", key, "-", "+")
    await world.redis("XDEL", key, entries[7][0], entries[9][0])
    await world.redis("XADD", key, "*", "d", "from elsewhere")
    assert group(await monitor.snapshot(world.bus)).lag == 14
    # With nothing handled left before it the length tells.
    await world.redis("XDEL", key, *(entry for entry, _ in entries[:5]))
    assert group(await monitor.snapshot(world.bus)).lag == 14
    await world.redis("XTRIM", key, "MAXLEN", 3)
    assert group(await monitor.snapshot(world.bus)).lag == 3
    await world.redis("XGROUP", "DESTROY", key, "g")
    assert group(await monitor.snapshot(world.bus)).lag == 3
    await world.redis("DEL", key)
    seen = await monitor.snapshot(world.bus)
    assert (group(seen).lag, stream(seen, ChannelKind.WORK, "job").length) == (0, 0)


async def test_a_long_lag_is_exact(world: World, monitor: Monitor) -> None:
    """More than are ever counted one by one."""
    session = await world.join("a")
    await world.publish(session, anycast(*map(str, range(5_000))))
    await settle(session, await take(session, 5, {WORK: Room(5, 5)}))
    assert figures(group(await monitor.snapshot(world.bus))) == (4_995, 0, 0, 0, 5)


async def test_a_long_lag_that_nobody_counts_right(world: World, monitor: Monitor) -> None:
    """Before 7.0 a server has no count of its own; then ours is shown, without what is foreign."""
    session = await world.join("a")
    await world.publish(session, anycast(*map(str, range(3_000))))
    await settle(session, await take(session, 5, {WORK: Room(5, 5)}))
    await world.redis("XADD", world.keys.work_stream("job"), "*", "d", "foreign")
    assert group(await monitor.snapshot(world.bus)).lag in (2_995, 2_996)


async def test_a_group_that_starts_between_two_milliseconds(world: World, monitor: Monitor) -> None:
    """As one is made again before its first unhandled message."""
    session = await world.join("a")
    key = world.keys.work_stream("job")

    async def last() -> int:
        await world.publish(session, anycast("1"))
        ((entry, _),) = await world.redis("XREVRANGE", key, "+", "-", "COUNT", 1)
        return int(entry.partition(b"-")[0])

    first = await last()
    while (newest := await last()) == first:
        pass
    start = f"{newest - 1}-18446744073709551615"
    await world.redis("XGROUP", "SETID", key, "g", start)
    assert group(await monitor.snapshot(world.bus)).lag == 1
    await session.maintain()
    assert await world.length() > 1


async def test_a_group_of_another_program_is_shown(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"123"))
    await world.redis("XGROUP", "CREATE", world.keys.work_stream("job"), "alien", "0")
    seen = await monitor.snapshot(world.bus)
    (alien,) = (each for each in seen.groups if each.name == "alien")
    assert figures(alien) == (3, 0, 0, 0, 0)
    assert list(alien.unknown) == ["last_member_ms"]


async def test_instances(world: World, monitor: Monitor) -> None:
    who = member(
        "a", JOB, fixed=True, role="consumer", host="here", pid=7, version="1.2", started_ms=5,
        max_backlog=77,
    )  # fmt: skip
    session = await world.joined(world.transport(), who)
    await world.join("b")
    found = instance(seen := await monitor.snapshot(world.bus), "a")
    assert (found.fixed, found.role, found.group) == (True, "consumer", "g")
    assert (found.host, found.pid, found.version, found.started_ms) == ("here", 7, "1.2", 5)
    assert (found.incarnation, found.subscriptions) == (who.incarnation, (JOB,))
    assert (found.options, found.lease) == (who.options, 10.0)
    assert (found.vitals, found.unknown) == (None, {})
    assert 5.0 < found.lease_left <= 10.0
    assert 0.0 <= found.heartbeat_age < 5.0
    assert seen.options == SharedOptions()
    await session.renew(Vitals(emitted=3, running=1, slowest="h", slowest_seconds=1.5))
    await session.renew()  # without news: the last ones stay
    found = instance(await monitor.snapshot(world.bus), "a")
    assert found.vitals == Vitals(emitted=3, running=1, slowest="h", slowest_seconds=1.5)
    # A crash: shown with what is left of its lease until somebody declares it dead.
    await world.die(session)
    seen = await monitor.snapshot(world.bus)
    assert instance(seen, "a").lease_left < 0
    assert seen.absent == ()
    other = await world.join("c")
    await other.declare_dead((await other.renew()).suspects)
    seen = await monitor.snapshot(world.bus)
    assert ([each.id for each in seen.instances], seen.absent) == (["b", "c"], ("a",))


async def test_vitals_go_with_the_instance(world: World) -> None:
    session = await world.join("a")
    await session.renew(Vitals(emitted=1))
    assert await world.redis("HLEN", world.keys.vitals) == 1
    assert await world.redis("PTTL", world.keys.vitals) > 0
    await session.leave()
    assert await world.redis("EXISTS", world.keys.vitals) == 0


async def test_an_instance_of_a_newer_version(world: World, monitor: Monitor) -> None:
    session = await world.join("a", host="here")
    await session.renew(Vitals())
    record = msgspec.json.decode(await world.redis("HGET", world.keys.instances, "a"))
    record |= {"format": 2, "pid": "seven", "subscriptions": [["psychic", "x"], *[list(JOB)]]}
    written = msgspec.json.encode(record)
    await world.redis("HSET", world.keys.instances, "a", written)
    await world.redis("HSET", world.keys.vitals, session._state.me, "[]")
    found = instance(await monitor.snapshot(world.bus), "a")
    assert (found.host, found.pid, found.subscriptions, found.vitals) == ("here", 0, (JOB,), None)
    assert set(found.unknown) == {"format", "pid", "subscriptions", "vitals"}
    assert "format 2" in found.unknown["pid"]
    assert (found.lease, found.pending, found.behind) == (10.0, 0, 0)


async def test_an_instance_whose_record_is_lost(world: World, monitor: Monitor) -> None:
    await world.join("a")
    await world.redis("DEL", world.keys.instances, world.keys.cursors)
    found = instance(await monitor.snapshot(world.bus), "a")
    assert (found.id, found.lease, found.role, found.behind) == ("a", 10.0, "", None)
    assert {"role", "options", "subscriptions", "behind"} <= set(found.unknown)
    await world.redis("DEL", world.keys.incarnations)
    (found,) = (await monitor.snapshot(world.bus)).instances
    assert (found.id, "id" in found.unknown) == ("", True)


async def test_dead_letters_totals_and_journal(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"12") + broadcast("3"))
    await settle(session, await take(session, 3), Outcome.DEAD)
    seen = await monitor.snapshot(world.bus)
    letters = seen.dead_letters
    assert letters.count == 3
    assert letters.oldest_ms is not None and letters.newest_ms is not None
    assert 0 <= letters.newest_ms - letters.oldest_ms < 5_000
    assert dict(seen.totals) == {"dead letters": 3}
    assert [each.kind for each in seen.journal] == ["dead letter"] * 3
    assert seen.journal[0].details["reason"] == "because"
    assert [each.at_ms for each in seen.journal] == sorted(each.at_ms for each in seen.journal)
    listed = await monitor.dead_letters(world.bus, event="job")
    assert [each.group for each in listed] == ["g", "g"]


async def test_the_journal_is_the_newest_hundred(world: World, monitor: Monitor) -> None:
    await world.join("a")
    for number in range(150):
        await world.redis("XADD", world.keys.journal, "*", "kind", "test", "n", number)
    await world.redis("PEXPIRE", world.keys.journal, 60_000)
    seen = await monitor.snapshot(world.bus)
    assert [each.details["n"] for each in seen.journal] == [str(n) for n in range(50, 150)]


async def test_the_server(world: World, monitor: Monitor) -> None:
    server = (await monitor.snapshot(world.bus)).server
    assert server.product in ("Valkey", "Redis")
    assert server.version[0].isdigit()
    assert server.where == world.url.partition("?")[0]
    assert server.used_bytes is not None and server.used_bytes > 0
    assert (server.max_bytes, server.unknown) == (0, {})
    assert server.clients is not None and server.clients >= 2
    assert server.uptime is not None and server.uptime >= 0


async def test_what_another_program_broke_hides_nothing_else(
    world: World, monitor: Monitor
) -> None:
    session = await world.join("a")
    await world.publish(session, broadcast("1"))
    for key in (world.keys.work_stream("job"), world.keys.dead):
        await world.redis("SET", key, "mine now", "PX", 60_000)
    seen = await monitor.snapshot(world.bus)
    (broken,) = (each for each in seen.streams if each.kind is ChannelKind.WORK)
    assert (broken.length, broken.backlog) == (None, None)
    assert "WRONGTYPE" in broken.unknown["length"]
    (nothing,) = (each for each in seen.groups if each.kind is ChannelKind.WORK)
    assert figures(nothing) == (None,) * 5
    assert nothing.backlog is None
    assert "WRONGTYPE" in nothing.unknown["lag"]
    assert seen.dead_letters.count is None
    assert instance(seen, "a").pending is None
    assert stream(seen, ChannelKind.BROADCAST).length == 1


async def test_buses(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await session.maintain()
    assert world.bus in await monitor.buses()
    # At rest it is stored still, until its keys have gone.
    await session.leave()
    assert world.bus in await monitor.buses()
    keys = [key for key in await world.all_keys() if key.startswith(world.keys.prefix)]
    await world.redis("DEL", *keys)
    assert world.bus not in await monitor.buses()


async def test_a_bus_that_lived_shorter_than_a_heartbeat(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("later"))
    await session.leave()
    assert world.bus in await monitor.buses()


async def test_calls_overlap_and_may_be_cancelled(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"123"))
    calls = [asyncio.ensure_future(monitor.snapshot(world.bus)) for _ in range(20)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in done[::2])
    assert {group(each).lag for each in done[1::2] if isinstance(each, BusSnapshot)} == {3}
    assert group(await monitor.snapshot(world.bus)).lag == 3


async def test_figures_fit_together_while_messages_flow(world: World, monitor: Monitor) -> None:
    """A stream and its groups are seen in one step, whatever happens around it."""
    sender, session = await world.join("s"), await world.join("a")
    room = {WORK: Room(10, 50), BROADCASTS: Room(1, 1)}
    flowing = True

    async def send() -> None:
        while flowing:
            await world.publish(sender, anycast(*map(str, range(20))))

    async def handle() -> None:
        while flowing:
            await settle(session, await session.fetch(room, 0.1))

    tasks = [asyncio.ensure_future(send()), asyncio.ensure_future(handle())]
    try:
        for _ in range(50):
            seen = await monitor.snapshot(world.bus)
            found, whole = group(seen), stream(seen, ChannelKind.WORK, "job")
            assert found.backlog is not None and found.settled is not None
            assert found.backlog + found.settled == whole.added
    finally:
        flowing = False
        await asyncio.gather(*tasks)
