"""The pipelined connection: order, loss, the watchdog."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventbus_redis.config import RedisConfig
from eventbus_redis.embedded import EmbeddedServer
from eventbus_redis.faults import LinkLostError, ReplyError
from eventbus_redis.link import Line, Link
from eventbus_redis.scripts import script
from tests.redis.world import World


@pytest.fixture
async def link(server: EmbeddedServer) -> AsyncIterator[Link]:
    opened = await Link.open(RedisConfig.from_url(server.url), 5.0)
    yield opened
    opened.close()
    await opened.closed


async def test_replies_come_in_order(link: Link) -> None:
    futures = [link.call("ECHO", str(number)) for number in range(1000)]
    assert await asyncio.gather(*futures) == [b"%d" % number for number in range(1000)]


async def test_a_cancelled_caller_does_not_disturb_the_order(link: Link) -> None:
    futures = [link.call("ECHO", str(number)) for number in range(100)]
    for future in futures[::3]:
        future.cancel()
    kept = [number for number in range(100) if number % 3]
    assert await asyncio.gather(*(futures[n] for n in kept)) == [b"%d" % n for n in kept]
    assert await link.call("PING") == b"PONG"


async def test_an_error_reply_fails_only_its_own_call(link: Link) -> None:
    before, wrong, after = link.call("PING"), link.call("NOSUCH"), link.call("PING")
    assert await before == b"PONG"
    with pytest.raises(ReplyError, match="unknown command"):
        await wrong
    assert await after == b"PONG"


async def test_binary_arguments_arrive_as_they_are(link: Link) -> None:
    data = bytes(range(256)) * 500
    assert await link.call("ECHO", data) == data


async def test_losing_the_connection_fails_every_call(link: Link, world: World) -> None:
    blocked = link.call("BLPOP", f"{world.keys.prefix}none", "30", allow=30)
    behind = link.call("PING")
    assert link.client_id is not None
    await world.redis("CLIENT", "KILL", "ID", link.client_id)
    for future in (blocked, behind):
        with pytest.raises(LinkLostError):
            await future
    with pytest.raises(LinkLostError):
        await link.call("PING")
    assert link.lost


async def test_the_watchdog_declares_a_silent_server_lost(server: EmbeddedServer) -> None:
    link = await Link.open(RedisConfig.from_url(server.url), 0.1)
    with pytest.raises(LinkLostError, match=r"no reply within 0\.1 s"):
        await link.call("BLPOP", "never-there", "30")
    assert link.lost
    await link.closed


async def test_the_watchdog_allows_the_time_of_a_blocking_call(server: EmbeddedServer) -> None:
    link = await Link.open(RedisConfig.from_url(server.url), 0.5)
    assert await link.call("BLPOP", "never-there", "1", allow=1.0) is None
    link.close()
    await link.closed


async def test_opening_fails_with_a_reason_and_without_the_password() -> None:
    config = RedisConfig(host="127.0.0.1", port=1, password="secret")
    with pytest.raises(LinkLostError, match="refused") as caught:
        await Link.open(config, 2.0)
    assert "secret" not in repr(caught.value)


async def test_a_wrong_password_is_told(own_server: EmbeddedServer) -> None:
    admin = await Link.open(RedisConfig.from_url(own_server.url), 2.0)
    await admin.call("CONFIG", "SET", "requirepass", "right")
    path = own_server.url.removeprefix("unix://")
    with pytest.raises(LinkLostError, match="user name or password") as caught:
        await Link.open(RedisConfig(unix_socket_path=path, password="wrong"), 2.0)
    assert "wrong" not in str(caught.value)
    link = await Link.open(RedisConfig(unix_socket_path=path, password="right", db=3), 2.0)
    assert await link.call("PING") == b"PONG"
    for each in (admin, link):
        each.close()
        await each.closed


async def test_a_line_opens_again_after_a_loss(server: EmbeddedServer) -> None:
    line = Line(RedisConfig.from_url(server.url), 2.0)
    first, same = await asyncio.gather(line.open(), line.open())
    assert first is same
    first.close()
    assert line.link is None
    assert await (await line.open()).call("PING") == b"PONG"
    await line.close()
    with pytest.raises(LinkLostError):
        await line.open()


async def test_a_script_unknown_to_the_server_is_sent(link: Link, world: World) -> None:
    await world.redis("SCRIPT", "FLUSH")
    keys = [world.keys.lock, world.keys.leases]
    answers = [script("lead")(link, keys, ["me", 1000]) for _ in range(3)]
    assert await asyncio.gather(*answers) == [1, 1, 1]
    assert await script("lead")(link, keys, ["other", 1000]) == 1  # "me" is not alive
