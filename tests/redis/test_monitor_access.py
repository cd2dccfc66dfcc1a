"""A monitor only reads, asks for little, survives outages, and tells no secret."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from eventbus_core.errors import InvalidOptionError, TransportUnavailableError
from eventbus_core.monitoring import BusSnapshot, Monitor, open_monitor
from eventbus_core.plugins import capabilities_of
from eventbus_redis.config import RedisConfig
from eventbus_redis.embedded import EmbeddedServer
from eventbus_redis.link import Link
from eventbus_redis.monitor import RedisMonitor
from tests.redis.conftest import BINARY
from tests.redis.world import World, anycast, broadcast, settle, take, unicast

SECRET = "s3cret-w0rd"


@pytest.fixture
async def monitor(own_world: World) -> AsyncIterator[Monitor]:
    async with open_monitor(own_world.url) as made:
        yield made


@pytest.fixture
def tcp_server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(BINARY, tcp=True) as running:
        yield running


async def busy(world: World) -> None:
    """A bus with something in all places."""
    session = await world.join("a")
    await world.publish(session, anycast(*"123") + broadcast(*"12") + unicast("a", "1"))
    await settle(session, (await take(session, 3))[:1])
    await session.maintain()


async def look_everywhere(monitor: Monitor, bus: str) -> None:
    await monitor.buses()
    await monitor.snapshot(bus)
    for sampled in await monitor.sample(bus):
        assert sampled.problem
    await monitor.find(bus, "0" * 32)
    await monitor.dead_letters(bus)


def reasons(seen: BusSnapshot) -> dict[str, str]:
    """Everything that is not known of streams, groups and instances."""
    found: dict[str, str] = {}
    for stream in seen.streams:
        found |= stream.unknown
    for group in seen.groups:
        found |= group.unknown
    for instance in seen.instances:
        found |= instance.unknown
    return found


async def commands(world: World) -> dict[str, int]:
    """How often each command was called on the server so far."""
    told = (await world.redis("INFO", "commandstats")).decode()
    calls = {}
    for line in told.splitlines():
        if line.startswith("cmdstat_"):
            name, _, figures = line[8:].partition(":")
            calls[name] = int(figures.partition("calls=")[2].partition(",")[0])
    return calls


async def changes(world: World) -> str:
    """The server's count of writes."""
    told = (await world.redis("INFO", "persistence")).decode()
    (line,) = (each for each in told.splitlines() if each.startswith("rdb_changes_since"))
    return str(line)


async def test_a_monitor_writes_nothing(own_world: World, monitor: Monitor) -> None:
    await busy(own_world)
    keys = await own_world.all_keys()
    before, called = await changes(own_world), await commands(own_world)
    await look_everywhere(monitor, own_world.bus)
    await look_everywhere(monitor, "another")
    used = {name for name, n in (await commands(own_world)).items() if n > called.get(name, 0)}
    assert not used & {"keys", "scan", "monitor", "xreadgroup", "xgroup"}
    assert await changes(own_world) == before
    assert await own_world.all_keys() == keys
    groups = await own_world.redis("XINFO", "GROUPS", own_world.keys.work_stream("job"))
    assert len(groups) == 1


async def test_one_poll_is_two_round_trips(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await busy(own_world)
    source = RedisMonitor(RedisConfig.from_url(own_world.url), io_timeout=5.0)
    await source.snapshot(own_world.bus)  # the scripts are known from now on
    link = await source._commands.link()
    replied: list[int] = []

    def received(data: bytes) -> None:
        Link.data_received(link, data)
        if not link._waiting:  # all that was asked so far is answered
            replied.append(len(data))

    monkeypatch.setattr(link, "data_received", received)
    await source.snapshot(own_world.bus)
    await source.close()
    assert len(replied) == 2


async def test_one_poll_costs_the_same_however_many_messages_there_are(
    own_world: World, monitor: Monitor
) -> None:
    session = await own_world.join("a")

    async def poll() -> int:
        """Number of commands of one poll, those in scripts too."""
        before = sum((await commands(own_world)).values())
        await monitor.snapshot(own_world.bus)
        return sum((await commands(own_world)).values()) - before

    numbers = []
    for many in (1, 10, 1_000):
        await own_world.publish(session, anycast(*map(str, range(many))))
        held = await take(session, 1)
        await monitor.snapshot(own_world.bus)  # the scripts are known from now on
        numbers.append(await poll())
        await settle(session, held)
    assert max(numbers) <= min(numbers) + 2  # where lag is in the middle, it is counted
    assert max(numbers) < 60


async def test_a_user_who_may_only_read(own_world: World) -> None:
    await busy(own_world)
    await allow(own_world, "+@read", "+@scripting", "+info", "+time", "+hello")
    async with open_monitor(login(own_world)) as monitor:
        assert await monitor.buses() == (own_world.bus,)
        seen = await monitor.snapshot(own_world.bus)
        assert (len(seen.streams), len(seen.groups), len(seen.instances)) == (3, 2, 1)
        assert not reasons(seen)
        assert seen.server.unknown == {}
        assert len(await monitor.sample(own_world.bus)) == 6
        with pytest.raises(TransportUnavailableError):
            await monitor.discard(own_world.bus, "000000000000001-0000000000")


async def test_the_user_of_the_documentation_sees_everything(own_world: World) -> None:
    page = (Path(__file__).parents[2] / "docs" / "redis.md").read_text("utf-8")
    line = page[page.index("ACL SETUSER watcher") :].partition("```")[0].split()
    await busy(own_world)
    named, permissions = line[:5], line[5:]
    assert named[2:] == ["watcher", "on", "><password>"]
    keys = next(word for word in permissions if word.startswith("%R"))
    words = [word for word in permissions if word not in (keys, "resetchannels")]
    await allow(own_world, *words, keys=(keys.removeprefix("%R"),))
    async with open_monitor(login(own_world)) as monitor:
        await look_everywhere(monitor, own_world.bus)
        seen = await monitor.snapshot(own_world.bus)
        assert not reasons(seen)
        assert seen.server.unknown == {}
        with pytest.raises(TransportUnavailableError):
            await monitor.discard(own_world.bus, "000000000000001-0000000000")


async def test_a_user_who_may_not_ask_for_memory_and_info(own_world: World) -> None:
    await busy(own_world)
    await allow(own_world, "+@read", "+@scripting", "+time", "-memory", "-info")
    async with open_monitor(login(own_world)) as monitor:
        seen = await monitor.snapshot(own_world.bus)
    assert [(each.bytes, list(each.unknown)) for each in seen.streams] == [(None, ["bytes"])] * 3
    assert all("NOPERM" in each.unknown["bytes"] for each in seen.streams)
    assert set(reasons(seen)) == {"bytes"}
    server = seen.server
    assert (server.used_bytes, server.max_bytes, server.clients, server.uptime) == (None,) * 4
    assert set(server.unknown) >= {"used_bytes", "max_bytes", "clients", "uptime"}
    assert "NOPERM" in server.unknown["clients"]


async def test_a_user_of_one_bus_is_told_of_this_one(own_world: World) -> None:
    await busy(own_world)
    async with World(own_world.url, "hidden") as other:
        await busy(other)
    await allow(
        own_world, "+@read", "+@scripting", "+time",
        keys=("~eventbus:buses", "~eventbus:{own}:*"),
    )  # fmt: skip
    async with open_monitor(login(own_world)) as monitor:
        assert await monitor.buses() == (own_world.bus,)
        with pytest.raises(TransportUnavailableError, match="NOPERM"):
            await monitor.snapshot("hidden")


async def allow(world: World, *commands: str, keys: tuple[str, ...] = ("~eventbus:*",)) -> None:
    """Make the user ann with these permissions; keys may only be read where a server knows that."""
    told = (await world.redis("INFO", "server")).decode().partition("redis_version:")[2]
    version = int(told.partition(".")[0])
    if version < 6:
        pytest.skip("this server has no users")
    if version >= 7:
        keys = tuple(f"%R{key}" for key in keys)
    await world.redis(
        "ACL", "SETUSER", "ann", "on", f">{SECRET}", "resetchannels", *keys, *commands
    )


def login(world: World) -> RedisConfig:
    path = RedisConfig.from_url(world.url).unix_socket_path
    return RedisConfig(unix_socket_path=path, username="ann", password=SECRET)


async def test_an_outage_is_told_and_survived(tcp_server: EmbeddedServer) -> None:
    async with World(tcp_server.url, "own") as world:
        await busy(world)
        async with open_monitor(tcp_server.url, io_timeout=2.0) as monitor:
            assert await monitor.buses() == ("own",)
            tcp_server.kill()
            for _ in range(2):
                for call in (monitor.buses(), monitor.snapshot("own"), monitor.sample("own")):
                    with pytest.raises(TransportUnavailableError) as caught:
                        await call
                    assert caught.value.__cause__ is None
            tcp_server.restart()
            assert await monitor.buses() == ()
            assert (await monitor.snapshot("own")).streams == ()


async def test_nothing_is_opened_before_the_first_call_nor_after_closing() -> None:
    with EmbeddedServer(BINARY, tcp=True) as server:
        url = server.url
    monitor = open_monitor(url)  # nobody is there, and nobody noticed
    with pytest.raises(TransportUnavailableError):
        await monitor.buses()
    await monitor.close()
    await monitor.close()
    with pytest.raises(TransportUnavailableError):
        await monitor.buses()


async def test_no_text_has_the_password(tcp_server: EmbeddedServer) -> None:
    async with World(tcp_server.url, "own") as world:
        await busy(world)
        await world.redis("CONFIG", "SET", "requirepass", SECRET)
    port = tcp_server.url.partition("127.0.0.1:")[2]
    right = f"redis://:{SECRET}@127.0.0.1:{port}"
    source = RedisMonitor(RedisConfig.from_url(right), io_timeout=2.0)
    assert SECRET not in repr(source)
    seen = await source.snapshot("own")
    assert (len(seen.streams), SECRET in repr(seen)) == (3, False)
    tcp_server.kill()
    with pytest.raises(TransportUnavailableError) as caught:
        await source.snapshot("own")
    assert SECRET not in repr(caught.value)
    await source.close()
    with pytest.raises(InvalidOptionError) as refused:
        open_monitor(f"redis://:{SECRET}@h:x")
    assert SECRET not in repr(refused.value)


async def test_a_wrong_password(tcp_server: EmbeddedServer) -> None:
    async with World(tcp_server.url, "own") as world:
        await world.redis("CONFIG", "SET", "requirepass", "right")
    port = tcp_server.url.partition("127.0.0.1:")[2]
    async with open_monitor(f"redis://:{SECRET}@127.0.0.1:{port}") as monitor:
        with pytest.raises(TransportUnavailableError, match="password") as caught:
            await monitor.buses()
        assert SECRET not in str(caught.value)


def test_the_plug_in_declares_it() -> None:
    declared = capabilities_of("redis")
    assert declared.monitoring
    assert declared.actions
    with pytest.raises(InvalidOptionError):
        open_monitor(type("Config", (), {"scheme": "redis"})())
