"""What operators, crashes and failovers do to the store: rebuilt, counted, nothing skipped."""

import asyncio

import pytest

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import BROADCASTS, FencedError, Room
from eventbus_redis.embedded import EmbeddedServer
from eventbus_redis.session import RedisSession
from tests.redis.world import (
    ALL,
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


async def blocked(session: RedisSession) -> "asyncio.Future[list[str]]":
    """A fetch that blocks and goes on after failures until it has something."""

    async def receive() -> list[str]:
        while True:
            try:
                if got := await session.fetch(ALL, 5.0):
                    await settle(session, got)
                    return texts(got)
            except TransportUnavailableError:
                await asyncio.sleep(0.01)

    fetching = asyncio.ensure_future(receive())
    await asyncio.sleep(0.1)
    return fetching


async def test_a_destroyed_group_is_built_again(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("1", "2"))
    await settle(session, await take(session, 2))
    await session.maintain()  # notes where it is safe to go on
    fetching = await blocked(session)
    await world.redis("XGROUP", "DESTROY", world.keys.work_stream("job"), "g")
    await world.publish(session, anycast("3"))
    assert await asyncio.wait_for(fetching, 5.0) == ["3"]
    kinds = [entry[1][1] for entry in await world.redis("XRANGE", world.keys.journal, "-", "+")]
    assert b"group rebuilt" in kinds


async def test_a_group_destroyed_before_any_maintenance_starts_again(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("1", "2"))
    await settle(session, await take(session, 2))
    await world.redis("XGROUP", "DESTROY", world.keys.work_stream("job"), "g")
    assert texts(await take(session, 2)) == ["1", "2"]  # repeats, but no loss


async def test_a_deleted_stream_is_built_again(world: World) -> None:
    session = await world.join("a")
    fetching = await blocked(session)
    await world.redis("DEL", world.keys.work_stream("job"))
    await world.publish(session, anycast("1"))
    assert await asyncio.wait_for(fetching, 5.0) == ["1"]
    assert await world.pending() == {}


async def test_a_deleted_inbox_is_built_again(world: World) -> None:
    session = await world.join("a")
    fetching = await blocked(session)
    await world.redis("DEL", world.keys.inbox("a").stream)
    await world.publish(session, unicast("a", "1"))
    assert await asyncio.wait_for(fetching, 5.0) == ["1"]


async def test_after_a_flush_everybody_is_fenced_and_joins_again(own_world: World) -> None:
    transport = own_world.transport()
    session = await own_world.joined(transport, member("a"))
    fetching = await blocked(session)
    await own_world.redis("FLUSHALL")
    with pytest.raises(FencedError):
        await asyncio.wait_for(fetching, 5.0)
    for call in (lambda: session.renew(), lambda: session.publish(1, anycast("x"))):
        with pytest.raises(FencedError):
            await call()
    await session.close()
    again = await own_world.joined(transport, member("a"))
    await own_world.publish(again, anycast("1") + broadcast("2"))
    assert sorted(texts(await take(again, 2))) == ["1", "2"]
    assert await own_world.keys_without_expiry() == []


async def test_a_changed_epoch_fences(world: World) -> None:
    session = await world.join("a")
    await world.redis("SET", world.keys.epoch, "another", "PX", 60_000)
    with pytest.raises(FencedError):
        await session.renew()


async def test_a_restarted_server_without_data_fences(own_world: World) -> None:
    session = await own_world.join("a")
    await session.fetch(ALL, 0.05)
    await own_world.redis("FLUSHALL")
    with pytest.raises(FencedError):
        await session.renew()


async def test_a_broadcast_stream_made_anew_with_lower_ids_is_read(world: World) -> None:
    session = await world.join("a")
    keys = world.keys
    # As if the clock had been ahead: an id far in the future, seen and handled.
    future = await world.redis(
        "XADD", keys.broadcast, "9999999999999-0", "d", "late", "e", "news", "n", "1"
    )
    await world.redis("HSET", keys.broadcast_counts, "added", 1, "last", future)
    await world.redis("PEXPIRE", keys.broadcast, 60_000)
    await world.redis("PEXPIRE", keys.broadcast_counts, 60_000)
    await settle(session, await take(session, 1))
    fetching = await blocked(session)
    await world.redis("DEL", keys.broadcast)
    await world.publish(session, broadcast("1"))
    await session.renew()
    assert await asyncio.wait_for(fetching, 5.0) == ["1"]
    await session.renew()
    await world.publish(session, broadcast("2"))
    assert texts(await take(session, 1)) == ["2"]


async def test_messages_whose_reply_was_lost_are_found(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*"12"))
    # What the server gave to this consumer in a reply that never came.
    stream, me = world.keys.work_stream("job"), session._state.me
    await world.redis("XREADGROUP", "GROUP", "g", me, "COUNT", "5", "STREAMS", stream, ">")
    await world.publish(session, anycast("3"))
    held = await take(session, 1)
    assert texts(held) == ["3"]
    for _ in range(2):  # at two heartbeats running it finds more than is held
        await session.renew()
    found = await take(session, 2)
    assert [(d.data, d.starts, d.again) for d in found] == [(b"1", 0, False), (b"2", 0, False)]
    await settle(session, held + found)
    assert await world.pending() == {}


async def test_a_message_deleted_while_its_reply_was_lost_is_counted(world: World) -> None:
    session = await world.join("a")
    stream, me = world.keys.work_stream("job"), session._state.me
    await world.publish(session, anycast(*"12"))
    rows = await world.redis("XREADGROUP", "GROUP", "g", me, "COUNT", "5", "STREAMS", stream, ">")
    await world.redis("XDEL", stream, rows[0][1][0][0])
    await session.renew()
    await session.renew()
    assert texts(await take(session, 1)) == ["2"]
    assert (await session.renew()).lost == {"work deleted": 1}
    assert len(await world.pending()) == 1


async def test_a_failed_read_is_told_once(world: World) -> None:
    session = await world.join("a")
    fetching = asyncio.ensure_future(session.fetch(ALL, 5.0))
    await asyncio.sleep(0.1)
    reader = session._intake._groups["g"].blocking.line.link
    assert reader is not None
    await world.redis("CLIENT", "KILL", "ID", reader.client_id or 0)
    with pytest.raises(TransportUnavailableError):
        await asyncio.wait_for(fetching, 2.0)
    assert await session.fetch(ALL, 0.05) == ()
    await world.publish(session, anycast("1"))
    assert texts(await take(session, 1)) == ["1"]


async def test_a_server_that_is_down_is_unavailable_and_comes_back() -> None:
    # What is stored survives, as it is synced before each reply.
    with EmbeddedServer(append_only=True) as server:
        async with World(server.url, "durable") as world:
            transport = world.transport(io_timeout=2.0)
            session = await world.joined(transport, member("a"))
            await world.publish(session, anycast("1", "2") + broadcast("3"))
            held = await take(session, 1, {WORK: Room(1, 1)})
            server.kill()
            for call in (
                lambda: session.publish(2, anycast("x")),
                lambda: session.renew(),
                lambda: session.fetch(ALL, 1.0),
                lambda: settle(session, held),
                lambda: transport.connect(),
            ):
                with pytest.raises(TransportUnavailableError):
                    await call()
            server.start()

            async def answers() -> bool:
                try:
                    await session.renew()
                except TransportUnavailableError:
                    return False
                return True

            await until(answers, "the session goes on")
            await settle(session, held)
            got: list[str] = []
            while len(got) < 2:
                try:
                    got += texts(await session.fetch(ALL, 1.0))
                except TransportUnavailableError:
                    continue
            assert sorted(got) == ["2", "3"]


async def test_after_a_reconnect_broadcasts_are_neither_skipped_nor_repeated(world: World) -> None:
    session = await world.join("a")
    got: list[str] = []
    for number in range(20):
        await world.publish(session, broadcast(f"x{number}", f"y{number}"))
        got += texts(await take(session, 2, {BROADCASTS: Room(1, 50)}))
        link = session._broadcasts.blocking.line.link
        assert link is not None
        await session.fetch({BROADCASTS: Room(1, 50)}, 0.02)
        await world.redis("CLIENT", "KILL", "ID", link.client_id or 0)
        await link.closed
        with pytest.raises(TransportUnavailableError):
            await session.fetch({BROADCASTS: Room(1, 50)}, 0.5)
    assert got == [f"{kind}{number}" for number in range(20) for kind in "xy"]


async def test_foreign_entries_are_given_as_they_are(world: World) -> None:
    session = await world.join("a")
    await world.redis("XADD", world.keys.work_stream("job"), "*", "hello", "world")
    (got,) = await take(session, 1)
    assert got.data == b""
    await settle(session, [got])
