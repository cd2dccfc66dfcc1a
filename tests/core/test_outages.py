"""A store that is away, answers only some calls, or a loop that stood still."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from eventbus_core import Message
from eventbus_core.errors import TransportUnavailableError
from eventbus_core.memory.session import MemorySession
from eventbus_core.transport import Outgoing, Published, Subscription
from tests.core.world import World, runtime_of, session_of


@pytest.mark.parametrize("seed", range(6))
async def test_an_outage_shorter_than_the_lease_kills_nobody(world: World, seed: int) -> None:
    """Some came back before others, and judged by leases that nobody could have renewed."""
    random.seed(seed)  # the delays between tries
    buses = [world.bus() for _ in range(5)]
    for bus in buses:
        await bus.init()
        await world.clock.advance(0.4)
    await world.clock.advance(30)
    world.store.unavailable = True
    await world.clock.advance(9.0)
    world.store.unavailable = False
    await world.clock.advance(10)
    assert [bus.stats().declared_dead for bus in buses] == [0] * 5
    assert [bus.stats().incarnations for bus in buses] == [1] * 5


async def test_a_store_that_refuses_only_writes_is_logged_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every call that worked ended the outage, and the next one that failed logged a new one."""
    caplog.set_level("INFO", logger="eventbus_core")
    bus, publisher = world.bus(), world.bus()
    await bus.init()
    await publisher.init()

    async def refuse(batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        raise TransportUnavailableError("writes are refused")

    monkeypatch.setattr(session_of(bus), "publish", refuse)
    emits: list[asyncio.Task[str]] = []
    for _ in range(60):
        emits.append(asyncio.create_task(bus.emit("x")))
        await publisher.emit("y")  # something to read
        await world.clock.advance(0.5)
    lost = [r for r in caplog.records if "cannot be reached" in r.message]
    back = [r for r in caplog.records if "reached again" in r.message]
    assert (len(lost), len(back)) == (1, 0)
    assert not bus.health().store_reachable
    await world.clock.advance(10)
    answers = await asyncio.gather(*emits, return_exceptions=True)
    assert {type(answer) for answer in answers} == {TransportUnavailableError}


async def test_ready_means_live_after_a_return_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscription made while the instance was away was announced by the join, so that `ready`
    returned; its place among the broadcasts was set later, behind what was emitted meanwhile."""
    publisher, bus = world.bus(), world.bus()
    await bus.init()
    await publisher.init()
    await world.clock.advance(3)
    world.store.unavailable = True
    runtime_of(bus).membership.fenced(session_of(bus))
    await world.clock.advance(0.5)
    got: list[int] = []

    @bus.on("x")
    async def handle(message: Message) -> None:
        got.append(message.data)

    ready = asyncio.create_task(bus.ready())
    await world.clock.advance(0.5)
    assert not ready.done()
    real = MemorySession.subscribe

    async def subscribe(session: MemorySession, subscriptions: frozenset[Subscription]) -> int:
        await world.clock.sleep(0.05)
        return await real(session, subscriptions)

    monkeypatch.setattr(MemorySession, "subscribe", subscribe)
    world.store.unavailable = False
    await world.run(ready, step=0.01)
    await publisher.emit("x", 1)
    await world.clock.advance(10)
    assert got == [1]


async def test_a_loop_blocked_for_longer_than_the_lease_is_counted(world: World) -> None:
    """Only the time since the last heartbeat was due was looked at: just after one, a loop
    blocked for a whole lease and more was not noticed."""
    bus = world.bus(heartbeat_interval=2.0, lease=10.0)
    await bus.init()
    await world.clock.advance(20.001)  # a heartbeat has just been sent
    world.clock._now += int(11.5e9)  # nothing runs meanwhile, unlike in advance()
    assert bus.health().lease_left == 0
    await world.clock.advance(1)
    assert bus.stats().loop_stalls == 1
