"""Handing back, setting aside, taking over: order, counts, and who is told."""

import asyncio

from eventbus_core.transport import BROADCASTS, INBOX, Delivery, Outcome, Room
from tests.redis.world import (
    ALL,
    WORK,
    World,
    anycast,
    settle,
    take,
    texts,
    unicast,
    until,
)

LISTEN = {BROADCASTS: Room(1, 10), WORK: Room(10, 100)}


async def test_what_is_handed_back_comes_before_newer_messages(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"1234"))
    held = await take(one, 3, {WORK: Room(3, 3)})
    await settle(one, [held[2], held[0]], Outcome.RELEASED)
    room = {WORK: Room(1, 10)}
    first = await take(two, 1, room)
    assert texts(first) == ["1"]  # one for each free slot, oldest first
    await settle(two, first)
    second = await take(two, 1, room)
    assert texts(second) == ["3"]
    assert texts(await take(two, 1, room)) == ["4"]


async def test_without_a_free_slot_nothing_newer_is_taken(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"12"))
    await settle(one, await take(one, 1, {WORK: Room(1, 1)}), Outcome.RELEASED)
    assert await two.fetch({WORK: Room(0, 10)}, 0.1) == ()
    assert texts(await take(two, 1, {WORK: Room(1, 10)})) == ["1"]


async def test_starts_are_counted_and_kept(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"123"))
    held = await take(one, 3)
    assert [(d.starts, d.again) for d in held] == [(0, False)] * 3
    await one.begin(held[0], 1)
    await one.begin(held[1], 1)
    await one.begin(held[1], 2)
    await settle(one, held[:1], Outcome.RELEASED, starts=0)  # started, but not charged
    await settle(one, held[1:2], Outcome.RELEASED, starts=2)
    await settle(one, held[2:], Outcome.RELEASED)
    got = await take(two, 3)
    assert [(d.starts, d.again, d.orphaned) for d in got] == [
        (0, True, False), (2, True, False), (0, True, False),
    ]  # fmt: skip
    assert [count for _, count in (await world.pending()).values()] == [1, 3, 1]


async def test_a_start_survives_a_crash(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"12"))
    held = await take(one, 2)
    await one.begin(held[0], 1)
    await world.die(one)
    declared = await two.declare_dead((await two.renew()).suspects)
    assert [each.instance_id for each in declared] == ["a"]
    got = await take(two, 2)
    assert [(d.data, d.starts, d.again, d.orphaned) for d in got] == [
        (b"1", 1, True, True), (b"2", 0, True, True),
    ]  # fmt: skip
    await settle(two, got)
    assert await world.pending() == {}
    assert await world.redis("HGET", world.keys.totals, "taken over") == b"2"


async def test_a_late_start_cannot_take_a_message_back(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast("1"))
    (held,) = await take(one, 1)
    await world.redis("SCRIPT", "FLUSH")  # the start is sent again, behind the settlement
    await one.begin(held, 1)
    await settle(one, [held], Outcome.RELEASED, starts=0)
    (got,) = await take(two, 1)
    assert (got.starts, got.again) == (0, True)
    await one.begin(held, 5)
    await one.settle([])
    await one.renew()
    assert list((await world.pending()).values()) == [(two._state.me, 1)]


async def test_starts_of_many_deliveries_in_one_tick(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*map(str, range(50))))
    held = await take(session, 50)
    await asyncio.gather(*(session.begin(delivery, 1) for delivery in held))
    await session.settle([])  # answered after the starts

    async def counted() -> bool:
        return [count for _, count in (await world.pending()).values()] == [2] * 50

    await until(counted, "all starts are recorded")


async def test_a_start_is_sent_again_after_a_lost_connection(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"12"))
    held = await take(session, 2)
    link = session._state.commands.line.link
    assert link is not None
    transport, link._transport = link._transport, None  # nothing is written any more
    await session.begin(held[0], 1)
    link._out.clear()
    link._transport = transport
    link.close()
    await asyncio.sleep(0)
    await session.renew()

    async def counted() -> bool:
        return [count for _, count in (await world.pending()).values()] == [2, 1]

    await until(counted, "the start is recorded")


async def test_handing_back_wakes_another_instance_within_a_second(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast("1"))
    held = await take(one, 1)
    assert await two.fetch(LISTEN, 0.1) == ()
    fetching = asyncio.ensure_future(take(two, 1, LISTEN))
    await asyncio.sleep(0.05)
    await settle(one, held, Outcome.RELEASED)
    assert texts(await asyncio.wait_for(fetching, 1.0)) == ["1"]


async def test_leaving_hands_back_what_is_still_held(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*map(str, range(20))))
    held = await take(one, 20)
    await one.begin(held[0], 1)
    assert await two.fetch(LISTEN, 0.1) == ()
    fetching = asyncio.ensure_future(take(two, 20, {BROADCASTS: Room(1, 1), WORK: Room(20, 20)}))
    await one.leave()
    got = await asyncio.wait_for(fetching, 1.0)
    assert texts(got) == [str(number) for number in range(20)]
    assert [d.starts for d in got] == [1] + [0] * 19
    assert not any(d.orphaned for d in got)


async def test_a_message_set_aside_comes_back_when_it_is_due(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"12"))
    first, second = await take(session, 2)
    loop = asyncio.get_running_loop()
    before = loop.time()
    await settle(session, [first], Outcome.FAILED, delay=0.3, note="n1", starts=1)
    await settle(session, [second])
    (again,) = await take(session, 1)
    assert 0.25 < loop.time() - before < 1.5
    assert (again.data, again.starts, again.again, again.note) == (b"1", 1, True, "n1")
    await settle(session, [again])
    assert await world.pending() == {}
    keys = world.keys.work("job", "g")
    assert await world.redis("EXISTS", keys.notes, keys.due) == 0


async def test_a_message_set_aside_is_taken_by_whoever_is_there(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast("1"))
    held = await take(one, 1)
    await settle(one, held, Outcome.FAILED, delay=0.3, note="n", starts=1)
    await one.leave()
    await two.renew()  # tells when it is due
    (got,) = await take(two, 1)
    assert (got.starts, got.note, got.orphaned) == (1, "n", False)


async def test_a_late_settlement_cannot_take_a_message_back(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast(*"123"))
    held = await take(one, 3)
    await settle(one, held, Outcome.RELEASED)
    got = await take(two, 3)
    # A repetition of calls whose replies got lost, after somebody else has the messages.
    await settle(one, held[:1], Outcome.RELEASED)
    await settle(one, held[1:2], Outcome.FAILED, delay=0.0)
    await settle(one, held[2:], Outcome.DEAD)
    assert {who for who, _ in (await world.pending()).values()} == {two._state.me}
    assert list(await two.dead_letters(9, None, None, None)) == []
    await settle(two, got)


async def test_a_deleted_message_is_given_up_and_counted(world: World) -> None:
    one, two = await world.join("a", max_backlog=2), await world.join("b", max_backlog=2)
    await world.publish(one, anycast(*"12"))
    held = await take(one, 2)
    await settle(one, held, Outcome.RELEASED)
    await world.redis("XDEL", world.keys.work_stream("job"), held[0].token.id)
    got = await take(two, 1)
    assert texts(got) == ["2"]
    await settle(two, got)
    assert await world.pending() == {}
    assert await world.redis("HGET", world.keys.totals, "lost: work deleted") == b"1"
    assert len(await world.publish(two, anycast(*"34"))) == 2


async def test_an_inbox_is_taken_over_by_the_next_life_of_its_id(world: World) -> None:
    sender, first = await world.join("s"), await world.join("a", fixed=True)
    await world.publish(sender, unicast("a", *"123"))
    held = await take(first, 3)
    await first.begin(held[0], 1)
    await settle(first, held[2:])
    await world.die(first)
    await sender.declare_dead((await sender.renew()).suspects)
    second = await world.join("a", fixed=True)
    await world.publish(sender, unicast("a", "4"))
    got: list[Delivery] = await take(second, 3, {INBOX: Room(2, 10)})
    assert [(d.data, d.starts, d.orphaned) for d in got] == [
        (b"1", 1, True), (b"2", 0, True), (b"4", 0, False),
    ]  # fmt: skip
    await settle(second, got[1:])
    await second.leave()
    third = await world.join("a", fixed=True)
    (again,) = await take(third, 1)
    assert (again.data, again.starts, again.orphaned) == (b"1", 1, False)


async def test_many_orphans_of_several_dead_come_oldest_first(world: World) -> None:
    sessions = [await world.join(name) for name in "abc"]
    last = await world.join("d")
    names = [str(number) for number in range(90)]
    await world.publish(last, anycast(*names))
    for at in range(3):
        for session in sessions:
            await take(session, 10, {WORK: Room(10, 10)})
        assert len(await world.pending()) == 30 * (at + 1)
    for session in sessions:
        await world.die(session)
    assert len(await last.declare_dead((await last.renew()).suspects)) == 3
    got: list[str] = []
    while len(got) < 90:
        some = await take(last, 1, ALL)
        got += texts(some)
        await settle(last, some)
    assert got == names
