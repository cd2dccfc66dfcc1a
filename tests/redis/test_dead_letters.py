"""Dead letters: kept with their reason, listed in order, redriven to their owner, discarded."""

from eventbus_core.modes import EventMode
from eventbus_core.transport import BROADCASTS, Death, Outcome, Redriven, Room, Subscription, work
from eventbus_redis.session import RedisSession
from eventbus_redis.stream_ids import from_sortable
from tests.redis.world import (
    ALL,
    WORK,
    World,
    anycast,
    broadcast,
    settle,
    take,
    texts,
    unicast,
)


async def bury(world: World, session: RedisSession, number: int) -> None:
    await world.publish(session, anycast(*map(str, range(number))))
    await settle(session, await take(session, number), Outcome.DEAD)


async def test_every_kind_of_message_can_die(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("w") + broadcast("b") + unicast("a", "u"))
    death = Death(reason="why", error="E: ä", traceback="at line 1", attempts=3)
    held = await take(session, 3)
    await settle(session, held, Outcome.DEAD, death=death)
    letters = await session.dead_letters(10, None, None, None)
    found = {(x.data, x.event, x.group, x.instance) for x in letters}
    assert found == {
        (b"w", "job", "g", "a"), (b"b", "news", None, "a"), (b"u", "note", None, "a"),
    }  # fmt: skip
    assert {(x.reason, x.error, x.traceback, x.attempts) for x in letters} == {
        ("why", "E: ä", "at line 1", 3)
    }
    assert all(x.died_ms > 0 for x in letters)
    assert await world.pending() == {}
    # The same again, as after a lost reply, buries nobody twice.
    await settle(session, held, Outcome.DEAD, death=death)
    assert len(await session.dead_letters(10, None, None, None)) == 3


async def test_listing_pages_in_order_and_filters(world: World) -> None:
    session = await world.join("a")
    await bury(world, session, 250)
    first = await session.dead_letters(3, None, None, None)
    rest = await session.dead_letters(1000, first[-1].id, None, None)
    assert [x.data for x in [*first, *rest]] == [b"%d" % n for n in range(250)]
    assert [x.id for x in rest] == sorted(x.id for x in rest)
    assert await session.dead_letters(5, None, "other", None) == []
    assert await session.dead_letters(5, None, "job", "h") == []
    assert len(await session.dead_letters(5, None, "job", "g")) == 5
    assert await session.dead_letters(5, "nonsense", None, None) == []


async def test_redriven_work_goes_to_its_group_only(world: World) -> None:
    session = await world.join("a")
    other = await world.join("b", Subscription(EventMode.ANYCAST, "job", "h"))
    await bury(world, session, 1)
    room = {work("job", "h"): Room(1, 9)}
    await settle(other, await take(other, 1, room))
    (letter,) = await session.dead_letters(10, None, None, None)
    assert await other.redrive(letter.id) is Redriven.DONE
    assert await other.redrive(letter.id) is Redriven.UNKNOWN
    (got,) = await take(session, 1)
    assert (got.data, got.starts) == (b"0", 0)
    assert await other.fetch(room, 0.2) == ()
    assert await session.dead_letters(10, None, None, None) == []
    await settle(session, [got])
    assert await world.pending(work("job", "h")) == {}


async def test_redriven_broadcasts_and_unicasts_go_to_their_instance(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    await world.publish(session, broadcast("b") + unicast("a", "u"))
    await settle(session, await take(session, 2), Outcome.DEAD)
    await settle(other, await take(other, 1))
    for letter in await session.dead_letters(10, None, None, None):
        assert await other.redrive(letter.id) is Redriven.DONE
    assert sorted(texts(await take(session, 2))) == ["b", "u"]
    assert await other.fetch(ALL, 0.1) == ()


async def test_a_letter_without_owner_stays(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    await world.publish(session, unicast("a", "u") + anycast("w"))
    held = await take(session, 2)
    await settle(session, held, Outcome.DEAD)
    await session.leave()
    await world.redis("XGROUP", "DESTROY", world.keys.work_stream("job"), "g")
    for letter in await other.dead_letters(10, None, None, None):
        assert await other.redrive(letter.id) is Redriven.NO_OWNER
    assert len(await other.dead_letters(10, None, None, None)) == 2
    assert await other.redrive("nonsense") is Redriven.UNKNOWN


async def test_discarding(world: World) -> None:
    session = await world.join("a")
    await bury(world, session, 2)
    first, second = await session.dead_letters(10, None, None, None)
    assert await session.discard(first.id)
    assert not await session.discard(first.id)
    assert not await session.discard("nonsense")
    assert [x.id for x in await session.dead_letters(10, None, None, None)] == [second.id]


async def test_a_call_whose_reply_was_lost_is_told_what_it_did(world: World) -> None:
    session = await world.join("a")
    await bury(world, session, 2)
    first, second = await session.dead_letters(10, None, None, None)
    assert await session.redrive(first.id) is Redriven.DONE
    assert await session.discard(second.id)
    session._letters._in_doubt |= {
        entry for each in (first, second) if (entry := from_sortable(each.id)) is not None
    }
    assert await session.redrive(first.id) is Redriven.DONE
    assert await session.discard(second.id)
    assert texts(await take(session, 1)) == ["0"]
    assert await session.fetch({WORK: Room(1, 1), BROADCASTS: Room(1, 1)}, 0.1) == ()


async def test_beyond_the_limit_the_oldest_goes_and_is_counted(world: World) -> None:
    session = await world.join("a", max_dead_letters=3)
    await bury(world, session, 5)
    letters = await session.dead_letters(10, None, None, None)
    assert [x.data for x in letters] == [b"2", b"3", b"4"]
    totals = await world.redis("HGETALL", world.keys.totals)
    assert dict(zip(totals[::2], totals[1::2], strict=True)) == {
        b"dead letters": b"5",
        b"lost: dead letters beyond max_dead_letters": b"2",
    }


async def test_a_dead_broadcast_of_a_fixed_id_stays_dead(world: World) -> None:
    sender, first = await world.join("s"), await world.join("a", fixed=True)
    await world.publish(sender, broadcast(*"123"))
    held = await take(first, 3)
    await settle(first, held[1:2], Outcome.DEAD)
    await first.leave()
    second = await world.join("a", fixed=True)
    assert texts(await take(second, 2)) == ["1", "3"]
