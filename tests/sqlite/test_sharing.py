"""Several connections, threads and processes on one file."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from eventbus_core.modes import EventMode
from eventbus_core.testing import wait_until
from eventbus_core.transport import FencedError, Published, Room, Suspect

from .world import WORK, WORKS, World, done, hear, outgoing, send, take, texts

STORED = Published.STORED
LEASE = 0.3
HOLDER = Path(__file__).with_name("holder.py")
EXAMPLE = Path(__file__).resolve().parents[2] / "examples/eventbus-sqlite/three_processes.py"


@contextmanager
def process(*command: object) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait(10)
        assert started.stdout is not None
        started.stdout.close()


async def test_loops_in_several_threads_share_the_work(world: World) -> None:
    total, got = 400, list[str]()
    enough, ready = threading.Event(), threading.Barrier(4)

    async def consume(name: str) -> None:
        mine = World(world.path)
        session = await mine.join(name, WORKS)
        await asyncio.to_thread(ready.wait, 20.0)
        while not enough.is_set():
            deliveries = await session.fetch({WORK: Room(10, 10)}, 0.05)
            await done(session, *deliveries)
            got.extend(texts(deliveries))
            if len(got) >= total:
                enough.set()
        await session.leave()
        await mine.close()

    async def produce(name: str) -> None:
        mine = World(world.path)
        session = await mine.join(name)
        await asyncio.to_thread(ready.wait, 20.0)
        for batch in range(total // 2 // 10):
            await session.publish(batch, [outgoing(f"{name}{batch}.{n}") for n in range(10)])
        await session.leave()
        await mine.close()

    coroutines = [consume("a"), consume("b"), produce("c"), produce("d")]
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(asyncio.run, coroutine) for coroutine in coroutines]:
            await wait_until(future.done, timeout=30.0, what="the end of a thread")
            future.result()
    assert len(got) == len(set(got)) == total


async def test_a_waiting_fetch_sees_what_another_connection_stores(world: World) -> None:
    a, b = await world.join("a", WORKS), await world.join("b")
    waiting = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 30.0))
    await send(b, "1")
    async with asyncio.timeout(10.0):
        assert texts(list(await waiting)) == ["1"]


async def test_a_killed_process_gives_its_messages_back(world: World) -> None:
    survivor = await world.join("survivor", WORKS)
    with process(HOLDER, world.url, LEASE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        await send(survivor, "1", "2", "3")
        assert holder.stdout.readline() == "holds 1 2\n"
        holder.kill()
        holder.wait(10)
    assert texts(await take(survivor)) == ["3"]

    async def expired() -> list[Suspect]:
        return list((await survivor.renew()).suspects)

    async with asyncio.timeout(10.0):
        while not (suspects := await expired()):
            await asyncio.sleep(0.01)
    assert await survivor.declare_dead(suspects) == suspects
    again = await take(survivor)
    assert [(d.data, d.starts, d.again, d.orphaned) for d in again] == [
        (b"1", 1, True, True),
        (b"2", 0, True, True),
    ]


async def test_whoever_was_declared_dead_is_refused(world: World) -> None:
    a, b = await world.join("a", WORKS, lease=0.01), await world.join("b", WORKS)
    await send(b, "1")
    (one,) = await take(a)
    async with asyncio.timeout(10.0):
        while not (suspects := (await b.renew()).suspects):
            await asyncio.sleep(0.01)
    await b.declare_dead(suspects)
    for call in (a.renew(), take(a), done(a, one), send(a, "2"), a.begin(one, 1), a.stop()):
        with pytest.raises(FencedError):
            await call
    assert texts(await take(b)) == ["1"]


async def test_a_new_connection_finds_everything_again(world: World) -> None:
    a = await world.join("a", WORKS, fixed=True)
    await send(a, "1", "2", "3", mode=EventMode.BROADCAST)
    await send(a, "4")
    assert await hear(a) == ["1", "2", "3"]
    await send(a, "5", mode=EventMode.BROADCAST)
    await a.leave()
    await world.close()
    a = await world.join("a", WORKS, fixed=True)
    assert await hear(a) == ["5"]
    assert texts(await take(a)) == ["4"]


@pytest.mark.slow
def test_the_example_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "sqlite:///demo.db"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "all 60 tasks were handled" in done.stdout
