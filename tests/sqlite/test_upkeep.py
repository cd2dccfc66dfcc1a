"""What is removed, and when, on a clock that is moved by hand."""

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    BROADCASTS,
    Delivery,
    Outcome,
    Redriven,
    Session,
    Settlement,
)

from .conftest import Clock
from .world import WORKS, World, done, hear, send, take, texts

BROADCAST = EventMode.BROADCAST


async def pass_time(clock: Clock, session: Session, seconds: float) -> None:
    """Let time pass for a live instance."""
    while seconds > 0:
        clock.ahead += min(30.0, seconds)
        seconds -= 30.0
        await session.renew()
    await session.maintain()


async def kept(world: World) -> list[str]:
    """The broadcasts that a newcomer gets."""
    probe = await world.join("probe")
    found = await hear(probe)
    await probe.leave()
    return found


async def test_handled_broadcasts_go_when_old_or_too_many(world: World, clock: Clock) -> None:
    a = await world.join("a", message_retention=60.0, max_message_count=2)
    await send(a, *"1234", mode=BROADCAST)
    await hear(a)
    await a.maintain()
    assert await kept(world) == ["3", "4"]
    await pass_time(clock, a, 61.0)
    assert await kept(world) == []


async def test_what_a_live_instance_has_not_passed_stays(world: World, clock: Clock) -> None:
    a = await world.join("a", message_retention=0.0, max_message_count=0)
    b = await world.join("b", lease=10_000.0, message_retention=0.0, max_message_count=0)
    await send(a, "1", "2", "3", mode=BROADCAST)
    await hear(a)
    one, _two, three = await take(b, BROADCASTS)
    await done(b, one, three)
    await pass_time(clock, a, 300.0)
    assert await kept(world) == ["2", "3"]


async def test_who_is_too_far_behind_loses_the_oldest_and_is_told(world: World) -> None:
    a, b = await world.join("a", max_backlog=3), await world.join("b", max_backlog=3)
    await send(a, *"12345", mode=BROADCAST)
    await hear(a)
    assert texts(await take(b, BROADCASTS, 1)) == ["1"]
    await a.maintain()
    assert (await b.renew()).lost == {"broadcasts trimmed": 1}
    assert (await b.renew()).lost == {}
    assert texts(await take(b, BROADCASTS)) == ["3", "4", "5"]


async def test_a_group_without_members_becomes_dead_letters(world: World, clock: Clock) -> None:
    a, b = await world.join("a", backlog_ttl=100.0), await world.join("b", WORKS, backlog_ttl=100.0)
    await send(a, "1")
    await b.leave()
    await pass_time(clock, a, 99.0)
    assert await a.dead_letters(9, None, None, None) == []
    await pass_time(clock, a, 2.0)
    (letter,) = await a.dead_letters(9, None, None, None)
    assert (letter.data, letter.group, letter.reason) == (b"1", "g", "group removed")
    assert await a.redrive(letter.id) is Redriven.NO_OWNER
    await a.subscribe(frozenset({WORKS}))
    assert await take(a) == []
    assert await a.redrive(letter.id) is Redriven.DONE
    assert texts(await take(a)) == ["1"]


async def test_a_fixed_id_is_remembered_for_backlog_ttl(world: World, clock: Clock) -> None:
    a = await world.join("a", backlog_ttl=100.0)
    b = await world.join("b", fixed=True, backlog_ttl=100.0)
    await b.leave()
    await send(a, "1", mode=BROADCAST)
    await pass_time(clock, a, 90.0)
    b = await world.join("b", fixed=True, only_new=True, backlog_ttl=100.0)
    assert (b.replayed, await hear(b)) == (0, ["1"])
    await b.leave()
    await pass_time(clock, a, 101.0)
    b = await world.join("b", fixed=True, backlog_ttl=100.0)
    assert b.replayed == 1


async def test_dead_letters_go_when_old_or_too_many(world: World, clock: Clock) -> None:
    a = await world.join("a", WORKS, dead_letter_retention=50.0, max_dead_letters=2)
    await send(a, *"123")
    await a.settle([_dead(delivery) for delivery in await take(a)])
    await a.maintain()
    letters = await a.dead_letters(9, None, None, None)
    assert [letter.data for letter in letters] == [b"2", b"3"]
    await pass_time(clock, a, 51.0)
    assert await a.dead_letters(9, None, None, None) == []


async def test_an_unused_bus_goes_while_others_use_the_file(world: World, clock: Clock) -> None:
    a = await world.join("a", WORKS, stream_ttl=50.0, backlog_ttl=100.0)
    await send(a, "1", mode=BROADCAST)
    await a.leave()
    transport = await world.connect(bus="other")
    other = await world.join("o", transport=transport)
    await pass_time(clock, other, 49.0)
    assert await world.buses() == ["bus", "other"]
    await pass_time(clock, other, 2.0)
    assert await world.buses() == ["other"]


async def test_work_of_an_unused_bus_stays_for_backlog_ttl(world: World, clock: Clock) -> None:
    ttls = {"stream_ttl": 50.0, "backlog_ttl": 100.0}
    a = await world.join("a", WORKS, **ttls)
    await send(a, "1", "2")
    (one,) = await take(a, limit=1)
    await done(a, one)
    await a.leave()
    clock.ahead += 99.0
    a = await world.join("a", WORKS, **ttls)
    assert texts(await take(a)) == ["2"]
    await a.leave()
    clock.ahead += 101.0
    a = await world.join("a", WORKS, **ttls)
    assert await take(a) == []


async def test_after_a_crash_everything_stays_for_backlog_ttl(world: World, clock: Clock) -> None:
    ttls = {"stream_ttl": 5.0, "backlog_ttl": 100.0}
    a = await world.join("a", lease=10.0, **ttls)
    await send(a, "1", mode=BROADCAST)
    await a.close()
    clock.ahead += 109.0
    b = await world.join("b", **ttls)
    assert await hear(b) == ["1"]


async def test_a_live_instance_keeps_the_backlog_of_its_groups(world: World, clock: Clock) -> None:
    a = await world.join("a", WORKS, backlog_ttl=1.0, stream_ttl=1.0)
    await send(a, "1")
    await pass_time(clock, a, 1_000.0)
    assert texts(await take(a)) == ["1"]
    assert await a.publish(10**6, []) == []


def _dead(delivery: Delivery) -> Settlement:
    return Settlement(delivery, Outcome.DEAD)
