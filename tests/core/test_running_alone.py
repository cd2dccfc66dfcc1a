"""A message that processes died with runs alone next: when it starts, and who waits for it."""

import asyncio
from typing import Any

import pytest

from eventbus_core import EventBus, Message, RetryPolicy
from eventbus_core.conformance.crash import crash
from tests.core.world import World, runtime_of


async def _survivor(world: World, **options: Any) -> EventBus:
    """An instance beside which two others have died with an anycast `poison` in hand."""
    survivor = world.bus(**options)
    await survivor.init()
    await survivor.emit("poison", mode="anycast")
    await world.die_with("poison")
    await world.die_with("poison")
    return survivor


async def _wait_for_quiet(world: World, bus: EventBus) -> None:
    """Until a message waits here to be alone."""
    for _ in range(300):
        if runtime_of(bus).dispatcher.gate.closed:
            return
        await world.clock.advance(0.1)
    raise AssertionError("nothing wants to be alone")


async def test_it_does_not_start_after_off(world: World) -> None:
    """It waited for the others to end, and started though its subscription had gone."""
    bus = await _survivor(world)
    started: list[str] = []
    busy = asyncio.Event()

    @bus.on("innocent")
    async def innocent(message: Message) -> None:
        await busy.wait()

    @bus.on("poison")
    async def poison(message: Message) -> None:
        started.append("poison")

    await bus.ready()
    await bus.emit("innocent")
    await world.clock.advance(13)
    assert started == []
    assert bus.off("poison") == 1
    busy.set()
    await world.clock.advance(3)
    assert started == []


async def test_it_does_not_start_while_the_bus_closes(world: World) -> None:
    """As after off: it started when the last running handler had ended."""
    bus = await _survivor(world)
    started: list[str] = []
    busy = asyncio.Event()

    @bus.on("innocent")
    async def innocent(message: Message) -> None:
        await busy.wait()

    @bus.on("poison")
    async def poison(message: Message) -> None:
        started.append("poison")

    await bus.ready()
    await bus.emit("innocent")
    await world.clock.advance(13)
    assert started == []
    closing = asyncio.create_task(bus.close())
    await world.clock.advance(1)
    assert not closing.done()
    busy.set()
    await world.clock.advance(3)
    await closing
    assert started == []


@pytest.mark.parametrize("lease_left", [10.0, 8.5])
async def test_it_does_not_start_when_the_lease_ran_out_while_it_waited(
    world: World, lease_left: float
) -> None:
    """Its patience with the running handlers is one lease long; after it, it started without
    another look at its own lease."""
    bus = await _survivor(world)
    lease_at_start: list[float] = []

    @bus.on("innocent")
    async def innocent(message: Message) -> None:
        await asyncio.Event().wait()

    @bus.on("poison")
    async def poison(message: Message) -> None:
        lease_at_start.append(bus.health().lease_left)

    await bus.ready()
    await bus.emit("innocent")
    await _wait_for_quiet(world, bus)
    world.store.unavailable = True
    membership = runtime_of(bus).membership
    membership.lease_until = min(membership.lease_until, world.clock.monotonic() + lease_left)
    await world.clock.advance(30)
    assert lease_at_start == []


async def test_no_retry_starts_beside_it(world: World) -> None:
    """Only first attempts waited for the one that runs alone."""
    bus = await _survivor(world, retry=RetryPolicy(initial=20, factor=1, jitter=0))
    alone: list[str] = []
    beside: list[bool] = []
    end = asyncio.Event()

    @bus.on("innocent")
    async def innocent(message: Message) -> None:
        beside.append(bool(alone))
        raise ValueError

    @bus.on("poison")
    async def poison(message: Message) -> None:
        alone.append("poison")
        await end.wait()
        alone.clear()

    await bus.ready()
    await bus.emit("innocent")
    await world.clock.advance(15)
    assert alone
    assert beside == [False]
    await world.clock.advance(20)
    assert beside == [False], "its retry is due, and waits"
    end.set()
    await world.settle()
    assert beside == [False, False]


async def test_other_work_is_fetched_as_soon_as_it_has_ended(world: World) -> None:
    """The fetch under way had left all work out, and nobody told it that the gate was open: up
    to five seconds without work."""
    publisher, bus = world.bus(), world.bus("me", retry=RetryPolicy(initial=30, jitter=0))
    await publisher.init()
    await _leave_an_inbox(world, "me")
    await publisher.emit("poison", target="me")
    await world.die_with("poison", "me")
    await world.die_with("poison", "me")
    fail = asyncio.Event()
    attempts: list[int] = []
    got: list[int] = []

    @bus.on("poison")
    async def poison(message: Message) -> None:
        attempts.append(message.attempt)
        await fail.wait()
        raise ValueError

    @bus.on("task", modes=["anycast"])
    async def task(message: Message) -> None:
        got.append(message.data)

    await world.run(bus.init())
    for _ in range(50):
        if attempts:
            break
        await world.clock.advance(0.5)
    assert attempts == [3]
    assert runtime_of(bus).dispatcher.gate.closed
    await publisher.emit("task", 1, mode="anycast")
    await world.clock.advance(0.1)
    await publisher.emit("nobody")  # ends the fetch that still asked for work
    await world.clock.advance(0.1)
    assert got == []
    fail.set()  # the poison is tried again here later, and the gate opens
    await world.clock.advance(1)
    assert got == [1]


async def _leave_an_inbox(world: World, instance_id: str) -> None:
    """The store knows the id, so that it can be a target."""
    bus = world.bus(instance_id)
    await bus.init()
    await world.run(bus.close())


async def test_a_broadcast_that_a_fixed_id_died_with_twice_runs_alone(world: World) -> None:
    """Only anycast and unicast were noticed: a broadcast kept killing innocents."""
    publisher = world.bus()
    await publisher.init()

    async def live() -> tuple[EventBus, list[tuple[str, int]]]:
        bus = world.bus("me")
        started: list[tuple[str, int]] = []

        @bus.on("poison")
        async def poison(message: Message) -> None:
            started.append(("poison", message.attempt))
            await asyncio.Event().wait()

        @bus.on("innocent")
        async def innocent(message: Message) -> None:
            started.append(("innocent", message.attempt))

        await world.run(bus.init())
        await world.clock.advance(1)
        return bus, started

    bus, started = await live()
    await publisher.emit("poison")
    await world.clock.advance(1)
    assert started == [("poison", 1)]
    await crash(bus)
    bus, started = await live()
    assert started == [("poison", 2)]
    await crash(bus)
    bus, started = await live()
    await publisher.emit("innocent")
    await world.clock.advance(5)
    assert started == [("poison", 3)]
