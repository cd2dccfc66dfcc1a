"""Storing: once, in order, bounded, for those who exist."""

import asyncio

import pytest

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import BROADCASTS, INBOX, FencedError, Outcome, Published
from tests.redis.world import (
    WORK,
    World,
    anycast,
    broadcast,
    member,
    settle,
    take,
    texts,
    unicast,
    until,
)

STORED, FULL, NOBODY = Published.STORED, Published.BACKLOG_FULL, Published.TARGET_NOT_FOUND


async def test_all_three_modes_arrive(world: World) -> None:
    session = await world.join("a")
    batch = broadcast("b") + unicast("a", "u") + anycast("w")
    assert list(await world.publish(session, batch)) == [STORED] * 3
    got = {d.channel: d.data for d in await take(session, 3)}
    assert got == {BROADCASTS: b"b", INBOX: b"u", WORK: b"w"}


async def test_a_batch_is_stored_once(world: World) -> None:
    transport = world.transport()
    session = await world.joined(transport, member("a", max_backlog=2))
    batch = anycast("1", "2", "3") + unicast("nobody", "4")
    answer = [STORED, STORED, FULL, NOBODY]
    assert list(await session.publish(7, batch)) == answer
    assert list(await session.publish(7, batch)) == answer
    assert await world.length() == 2
    # As after being fenced: the same transport, another incarnation.
    await world.die(session)
    other = await world.join("b", max_backlog=2)
    assert await other.declare_dead((await other.renew()).suspects)
    again = await world.joined(transport, member("a", max_backlog=2))
    assert list(await again.publish(7, batch)) == answer
    assert await world.length() == 2
    assert list(await again.publish(8, anycast("5"))) == [FULL]


async def test_batches_of_other_publishers_do_not_mix(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await one.publish(1, anycast("x"))
    await two.publish(1, anycast("y"))
    assert await world.length() == 2


async def test_order_within_a_stream(world: World) -> None:
    session = await world.join("a")
    names = [str(number) for number in range(500)]
    for at in range(0, 500, 100):
        await world.publish(session, anycast(*names[at : at + 100]))
    assert texts(await take(session, 500)) == names


async def test_the_backlog_counts_what_is_not_settled(world: World) -> None:
    session = await world.join("a", max_backlog=3)
    assert list(await world.publish(session, anycast(*"1234"))) == [STORED] * 3 + [FULL]
    held = await take(session, 3)
    assert list(await world.publish(session, anycast("5"))) == [FULL]
    await settle(session, held[1:])  # the stuck first one does not count for those behind it
    assert list(await world.publish(session, anycast(*"678"))) == [STORED, STORED, FULL]
    await settle(session, held[1:])  # a repeat counts once
    assert list(await world.publish(session, anycast("9"))) == [FULL]


async def test_the_backlog_of_an_event_without_a_group(world: World) -> None:
    session = await world.join("a", max_backlog=2)
    messages = anycast(*"123", event="unknown")
    assert list(await world.publish(session, messages)) == [STORED, STORED, FULL]


async def test_the_backlog_of_an_inbox(world: World) -> None:
    session = await world.join("a", max_backlog=1)
    await world.join("b", max_backlog=1)
    batch = unicast("b", "1", "2") + broadcast("3")
    assert list(await world.publish(session, batch)) == [STORED, FULL, STORED]


async def test_a_target_is_known_from_joining_to_leaving(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    assert list(await world.publish(session, unicast("b", "1"))) == [STORED]
    await other.leave()
    assert list(await world.publish(session, unicast("b", "2"))) == [NOBODY]
    publisher = await world.join("c", role="publisher")
    assert list(await world.publish(session, unicast("c", "3"))) == [NOBODY]
    await publisher.leave()


async def test_a_fixed_id_gets_messages_while_it_is_away(world: World) -> None:
    session, other = await world.join("a"), await world.join("b", fixed=True)
    await other.leave()
    assert list(await world.publish(session, unicast("b", "1"))) == [STORED]
    again = await world.join("b", fixed=True)
    assert texts(await take(again, 1)) == ["1"]


async def test_a_fenced_publisher_is_refused_and_counted(world: World) -> None:
    session, other = await world.join("a"), await world.join("b")
    await world.expire(session)
    await world.publish(session, anycast("1"))  # late, but nobody has declared it dead
    assert await other.declare_dead((await other.renew()).suspects)
    with pytest.raises(FencedError):
        await world.publish(session, anycast("2"))
    assert await world.length() == 1
    assert await world.redis("HGET", world.keys.totals, "refused: fenced") == b"1"


async def test_a_cancelled_publish_leaves_the_next_one_in_order(world: World) -> None:
    session = await world.join("a")
    publishing = asyncio.ensure_future(session.publish(1, anycast("1")))
    await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    assert list(await session.publish(1, anycast("1"))) == [STORED]
    assert list(await session.publish(2, anycast("2"))) == [STORED]
    delivered = await take(session, 2)
    assert texts(delivered) == ["1", "2"]
    await settle(session, delivered, Outcome.DONE)


async def test_a_batch_whose_reply_was_lost_is_stored_once(world: World) -> None:
    session = await world.join("a")
    link = session._state.commands.line.link
    assert link is not None
    publishing = asyncio.ensure_future(session.publish(1, anycast("1", "2")))
    await asyncio.sleep(0)
    link.close()  # what was called is still written, but its reply finds nobody
    with pytest.raises(TransportUnavailableError):
        await publishing
    await until(world.length, "the server has read the batch")
    assert list(await session.publish(1, anycast("1", "2"))) == [STORED, STORED]
    assert await world.length() == 2


async def test_a_lost_connection_is_opened_again_by_the_next_call(world: World) -> None:
    session = await world.join("a")
    link = session._state.commands.line.link
    assert link is not None
    await world.redis("CLIENT", "KILL", "ID", link.client_id or 0)
    await link.closed
    assert list(await session.publish(1, anycast("1"))) == [STORED]
