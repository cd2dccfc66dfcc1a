"""What an instance tells monitors with its heartbeats."""

import asyncio

import pytest

from eventbus_core import Message, RetryPolicy
from eventbus_core.memory import MemoryConfig
from eventbus_core.monitoring import Monitor, open_monitor
from tests.core.world import World


@pytest.fixture
def monitor(world: World) -> Monitor:
    return open_monitor(MemoryConfig(name=world.name, clock=world.clock))


async def refused(message: Message) -> None:
    raise ValueError("no")


async def test_of_an_instance_with_a_slow_handler(world: World, monitor: Monitor) -> None:
    bus = world.bus("a", heartbeat_interval=2.0, retry=RetryPolicy(max_deliveries=1))
    end = asyncio.Event()

    @bus.on("mail")
    async def slow(message: Message) -> None:
        await end.wait()

    @bus.on("mail")
    async def quick(message: Message) -> None:
        await asyncio.sleep(0)

    bus.on("note")(refused)
    await bus.init()
    assert (await monitor.snapshot("default")).instances[0].vitals is None
    await world.clock.advance(1.0)
    await bus.emit("note")
    for _ in range(3):
        await bus.emit("mail", target="a")
    await world.clock.advance(10.0)
    (instance,) = (await monitor.snapshot("default")).instances
    vitals = instance.vitals
    assert vitals is not None
    assert (vitals.emitted, vitals.received, vitals.handled) == (4, 4, 3)
    assert (vitals.failed, vitals.dead_lettered) == (1, 1)
    assert (vitals.running, vitals.waiting, vitals.unsettled) == (1, 2, 0)
    assert vitals.slowest.endswith("slow")
    heartbeat = world.clock.monotonic() - instance.heartbeat_age
    assert vitals.slowest_seconds == pytest.approx(heartbeat - 1_001.0, abs=0.01)
    assert vitals.slowest_seconds > 6.0
    assert (instance.pending, instance.behind) == (3, 0)
    end.set()
    await world.clock.advance(3.0)
    vitals = (await monitor.snapshot("default")).instances[0].vitals
    assert vitals is not None
    assert (vitals.handled, vitals.running, vitals.waiting) == (6, 0, 0)
    assert (vitals.slowest, vitals.slowest_seconds) == ("", 0.0)


async def test_the_slowest_is_the_one_that_runs_for_longest(world: World, monitor: Monitor) -> None:
    bus, end = world.bus("a"), asyncio.Event()

    @bus.on("mail")
    async def second(message: Message) -> None:
        await end.wait()

    @bus.on("note", concurrency=2)
    async def first(message: Message) -> None:
        await end.wait()

    await bus.init()
    await bus.emit("note")
    await world.clock.advance(3.0)
    await bus.emit("mail", target="a")
    await bus.emit("note")
    await world.clock.advance(3.0)
    vitals = (await monitor.snapshot("default")).instances[0].vitals
    assert vitals is not None
    assert vitals.running == 3
    assert vitals.slowest.endswith("first")
    end.set()
    await world.settle()
