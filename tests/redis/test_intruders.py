"""What other programs, frozen processes and refused calls do to a session."""

import asyncio
import contextlib
from typing import Any

import pytest

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import BROADCASTS, INBOX, FencedError, Outcome, Room
from eventbus_redis.link import Arg
from eventbus_redis.session import RedisSession
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
    until,
)

JUST_WORK = {WORK: Room(10, 100)}


async def taken_by(session: RedisSession, count: int) -> None:
    """Wait until a read or claim brought so many that the core has not fetched."""

    async def arrived() -> bool:
        return session._state.channels[WORK].arrived >= count

    await until(arrived, "taken")


@pytest.mark.parametrize("recorded", [0, 2])
async def test_claimed_and_never_fetched_keeps_its_count(world: World, recorded: int) -> None:
    one, two, three = await world.join("a"), await world.join("b"), await world.join("c")
    await world.publish(one, anycast("1"))
    held = await take(one, 1, JUST_WORK)
    await settle(one, held, Outcome.RELEASED, starts=recorded)
    await two.fetch(JUST_WORK, 0)  # sends the claim; the core is busy elsewhere
    await taken_by(two, 1)
    await two.leave()
    (got,) = await take(three, 1, JUST_WORK)
    assert got.starts == recorded


async def test_an_inbox_message_read_by_a_frozen_earlier_life_is_found(world: World) -> None:
    """XREADGROUP is not fenced: the old process reads once more before it learns of its death."""
    old, other = await world.join("x", fixed=True), await world.join("o")
    assert await old.fetch(ALL, 0.1) == ()
    await old.fetch({BROADCASTS: Room(1, 1)}, 0.3)  # its reads are over: it is frozen
    await world.expire(old)
    await other.declare_dead((await other.renew()).suspects)
    new = await world.join("x", fixed=True)
    assert await new.fetch(ALL, 0.2) == ()
    await new.fetch({BROADCASTS: Room(1, 1)}, 0.3)  # its inbox is full for a moment
    await world.publish(other, unicast("x", "hello"))
    assert texts(await old.fetch(ALL, 1)) == ["hello"]
    with pytest.raises(FencedError):
        await old.renew()
    await old.close()
    got: list[str] = []

    async def delivered() -> bool:
        for session in (other, new):
            await session.renew()
            await session.maintain()
        got.extend(texts(await new.fetch(ALL, 0.2)))
        return bool(got)

    await until(delivered, "the message at the new life")
    assert got == ["hello"]


async def test_a_refused_release_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an ended subscription had taken must not stay with a live instance."""
    one, two = await world.join("a"), await world.join("b")
    await one.fetch(JUST_WORK, 0.2)
    await one.fetch(JUST_WORK, 0)
    await world.publish(two, anycast("1"))
    await taken_by(one, 1)
    real, refused = one._state.run, False

    async def run(name: str, keys: list[str], args: list[Arg]) -> Any:
        nonlocal refused
        if name == "release" and not refused:
            refused = True
            raise TransportUnavailableError("the connection was lost")
        return await real(name, keys, args)

    monkeypatch.setattr(one._state, "run", run)
    with contextlib.suppress(TransportUnavailableError):
        await one.subscribe(frozenset())
    await one.subscribe(frozenset())

    async def at_the_other() -> bool:
        with contextlib.suppress(TransportUnavailableError):
            await one.fetch({BROADCASTS: Room(1, 10), INBOX: Room(1, 1)}, 0.1)
        return bool(await two.fetch(JUST_WORK, 0.2))

    await until(at_the_other, "the message at the other instance")
    assert refused


async def test_an_entry_that_is_no_text_blocks_nobody(world: World) -> None:
    session = await world.join("a")
    stream = world.keys.work_stream("job")
    await world.redis("XADD", stream, "*", "e", b"\xff", "d", "x")
    await world.publish(session, anycast("after"))
    got = await take(session, 2, JUST_WORK)
    assert texts(got) == ["x", "after"]
    await settle(session, got)


async def test_a_broadcast_with_a_bad_number_is_given_to_the_core(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, broadcast("1"))
    await world.redis("XADD", world.keys.broadcast, "*", "d", "x", "e", b"\xff", "n", "z")
    await world.publish(session, broadcast("2"))
    assert texts(await take(session, 3)) == ["1", "x", "2"]


async def test_a_foreign_broadcast_is_no_loss(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, broadcast("1"))
    await settle(session, await take(session, 1))
    await world.redis("XADD", world.keys.broadcast, "*", "x", "y")
    await settle(session, await take(session, 1))
    for _ in range(3):
        assert (await session.renew()).lost == {}


@pytest.mark.parametrize("kind", ["an answer at hand", "no wait"])
async def test_fetch_gives_way_to_the_loop(world: World, kind: str) -> None:
    session = await world.join("a")
    ticks = 0

    async def other() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(other())
    try:
        await session.fetch(JUST_WORK, 0.2)
        calls = 100
        if kind == "an answer at hand":
            await session.fetch(JUST_WORK, 0.0)
            calls = 10
            await world.publish(session, anycast(*map(str, range(calls))))
            await taken_by(session, calls)
        room = {WORK: Room(1, 1)}
        before = ticks
        for _ in range(calls):
            await session.fetch(room, 0)
        assert ticks - before >= calls
    finally:
        ticking.cancel()


async def test_a_dead_instance_whose_description_was_lost_is_declared_dead(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast("1"))
    await take(one, 1, JUST_WORK)
    await world.redis("DEL", world.keys.incarnations)
    await world.die(one)
    declared = await two.declare_dead((await two.renew()).suspects)
    assert [each.incarnation for each in declared] == [one._state.me]
    assert texts(await take(two, 1, JUST_WORK)) == ["1"]
