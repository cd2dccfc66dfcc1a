"""Memory stores: names, faults, and several event loops in several threads."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventbus_core.clock import SystemClock
from eventbus_core.errors import InvalidOptionError, TransportUnavailableError
from eventbus_core.memory import MemoryStore
from eventbus_core.memory.transport import MemoryTransport
from eventbus_core.testing import ManualClock, wait_until
from eventbus_core.transport import FencedError, Published, Room
from tests.core.memory_world import WORK, World, done, joined, member, outgoing, take, texts, works

STORED = Published.STORED


@pytest.fixture
def world() -> World:
    return World()


async def test_unavailable_fails_every_call_and_changes_nothing(world: World) -> None:
    a = await world.join("a", works())
    await world.anycast(a, "1")
    (one,) = await take(a)
    waiting = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 60.0))
    await world.clock.advance(0.0)
    world.store.unavailable = True
    with pytest.raises(TransportUnavailableError):
        await waiting
    calls = [
        world.transport.connect(),
        world.transport.join(member("b")),
        a.publish(99, [outgoing("2")]),
        a.fetch({WORK: Room(1, 1)}, 0.0),
        a.begin(one, 1),
        a.settle([done(one)]),
        a.subscribe(frozenset()),
        a.renew(),
        a.declare_dead([]),
        a.maintain(),
        a.dead_letters(1, None, None, None),
        a.redrive("x"),
        a.discard("x"),
        a.leave(),
    ]
    for call in calls:
        with pytest.raises(TransportUnavailableError):
            await call
    world.store.unavailable = False
    assert await take(a) == []
    await a.settle([done(one)])
    assert await a.publish(99, [outgoing("2")]) == (STORED,)
    assert texts(await take(a)) == ["2"]


async def test_a_loss_of_data_fences_everyone(world: World) -> None:
    a = await world.join("a", works())
    waiting = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 60.0))
    await world.clock.advance(0.0)
    world.store.flush()
    with pytest.raises(FencedError):
        await waiting
    with pytest.raises(FencedError):
        await a.renew()
    again = await world.join("a", works())
    await world.anycast(again, "1")
    assert texts(await take(again)) == ["1"]


def test_names_and_clocks() -> None:
    clock = ManualClock()
    store = MemoryStore.named("names-and-clocks", clock)
    assert MemoryStore.named("names-and-clocks") is store
    assert MemoryStore.named("names-and-clocks", clock) is store
    with pytest.raises(InvalidOptionError, match="clock="):
        MemoryStore.named("names-and-clocks", ManualClock())
    MemoryStore.forget("names-and-clocks")
    fresh = MemoryStore.named("names-and-clocks")
    assert fresh is not store
    assert isinstance(fresh.clock, SystemClock)
    MemoryStore.forget_all()
    assert MemoryStore.named("names-and-clocks") is not fresh
    MemoryStore.forget("names-and-clocks")


async def test_loops_in_several_threads_share_a_store() -> None:
    store, total, got = MemoryStore(), 2_000, list[str]()
    enough = threading.Event()
    ready = threading.Barrier(4)

    async def consume(name: str) -> None:
        session = await joined(MemoryTransport(store, "bus"), member(name, works()))
        await asyncio.to_thread(ready.wait, 10.0)
        while not enough.is_set():
            deliveries = await session.fetch({WORK: Room(10, 10)}, 0.05)
            await session.settle([done(d) for d in deliveries])
            got.extend(texts(deliveries))
            if len(got) >= total:
                enough.set()
        await session.leave()

    async def produce(name: str) -> None:
        session = await joined(MemoryTransport(store, "bus"), member(name, role="publisher"))
        await asyncio.to_thread(ready.wait, 10.0)
        for batch in range(total // 2 // 10):
            await session.publish(batch, [outgoing(f"{name}{batch}.{n}") for n in range(10)])
        await session.leave()

    coroutines = [consume("a"), consume("b"), produce("c"), produce("d")]
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(asyncio.run, coroutine) for coroutine in coroutines]:
            await wait_until(future.done, timeout=20.0, what="a thread's end")
            future.result()
    assert len(got) == len(set(got)) == total


async def test_a_waiting_fetch_is_woken_from_another_thread() -> None:
    store = MemoryStore()
    a = await joined(MemoryTransport(store, "bus"), member("a", works()))
    fetch = asyncio.create_task(a.fetch({WORK: Room(1, 1)}, 30.0))
    await asyncio.sleep(0)

    async def publish() -> None:
        b = await joined(MemoryTransport(store, "bus"), member("b"))
        await b.publish(1, [outgoing("1")])

    await asyncio.to_thread(asyncio.run, publish())
    async with asyncio.timeout(5.0):
        assert texts(await fetch) == ["1"]
    # Its loop is closed now: ringing its bell must do no harm.
    await a.publish(1, [outgoing("2")])
