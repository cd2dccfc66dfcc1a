"""What is left of a process whose buses are closed: nothing."""

import asyncio
import signal

from redis import Redis

from eventbus_core import EventBus
from eventbus_core.testing import wait_until

from .conftest import HEARTBEAT, LEASE, Start
from .process import send
from .worker import Task


def others(client: "Redis") -> list[str]:
    """The connections of everybody else at the server."""
    mine = str(client.client_id())
    return [f"{c['addr']} {c['name']} {c['cmd']}" for c in client.client_list() if c["id"] != mine]


def keys_for_ever(client: "Redis") -> list[str]:
    """Keys without an expiry: of this test, and of all that used this server before."""
    return [key for key in client.scan_iter("eventbus:*", count=1000) if client.ttl(key) == -1]


async def test_nothing_is_left_after_close(
    start: Start, url: str, bus_name: str, client: "Redis"
) -> None:
    process = await start(lingers=True, more_buses=1, concurrency=2)
    bus = EventBus(url, name=bus_name, lease=LEASE, heartbeat_interval=HEARTBEAT)
    async with bus:
        me = process.said("ready")[0].details["id"]
        await asyncio.gather(*(bus.emit("thread", {"n": n}, mode="anycast") for n in range(8)))
        await bus.emit("thread", {"n": 8}, target=me)
        await bus.emit("thread", {"n": 9})
        await send(bus, Task(n=1), Task(n=2, reject=True), Task(n=3, sleep=0.2))
        await bus.emit("nobody:works", 1, mode="anycast")
        await wait_until(lambda: len(process.said("thread")) == 10, what="the def handler")
        await wait_until(lambda: set(process.numbers("end")) == {1, 3}, what="the async handler")
        assert len(others(client)) >= 3
        assert keys_for_ever(client) == []
        process.signal(signal.SIGTERM)
        closed = await process.until_said("closed")
        assert closed.details == {"threads": []}
    assert process.alive
    await wait_until(lambda: not others(client), what="every connection closed")
    assert next(client.scan_iter(f"eventbus:*{bus_name}*", count=10_000), None) is not None
    assert keys_for_ever(client) == []
    process.release()
    assert await process.exited() == 0
