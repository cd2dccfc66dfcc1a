"""Another program locks the file."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eventbus_core import TransportUnavailableError
from eventbus_core.testing import wait_until
from eventbus_core.transport import Published

from .world import WORKS, World, done, member, outgoing, send, take, texts


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes, and takes its time."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


async def test_a_lock_longer_than_io_timeout_is_an_outage(world: World) -> None:
    transport = await world.connect(io_timeout=0.05)
    a = await world.join("a", WORKS, transport=transport)
    await send(a, "1")
    (one,) = await take(a)
    with locked(world.path):
        calls = [
            a.publish(1_000_000, [outgoing("2")]),
            done(a, one),
            a.begin(one, 1),
            a.renew(),
            a.subscribe(frozenset()),
            a.maintain(),
            a.dead_letters(1, None, None, None),
            a.leave(),
            transport.join(member("b")),
        ]
        for call in calls:
            with pytest.raises(TransportUnavailableError, match="locked"):
                await call
        assert await take(a) == []  # nothing waits, and looking needs no lock
    assert await a.publish(1_000_000, [outgoing("2")]) == [Published.STORED]
    await done(a, one)
    assert texts(await take(a)) == ["2"]


async def test_the_loop_goes_on_while_a_call_waits_for_a_lock(world: World) -> None:
    a = await world.join("a")
    with locked(world.path):
        renewing = asyncio.create_task(a.renew())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not renewing.done()
    async with asyncio.timeout(10.0):
        await renewing


async def test_closing_does_not_wait_for_a_lock(world: World) -> None:
    transport = await world.connect(io_timeout=0.5)
    a = await world.join("a", transport=transport)
    with locked(world.path):
        renewing = asyncio.create_task(a.renew())
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await transport.close()
        with pytest.raises(TransportUnavailableError, match="closed"):
            await a.renew()
        await asyncio.wait([renewing])
    assert isinstance(renewing.exception(), TransportUnavailableError)
    await wait_until(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("eventbus-client")],
        what="the end of the thread",
    )
