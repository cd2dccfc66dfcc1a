"""Leases, retries, outages and drains of whole buses, on a clock that the test moves."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from eventbus_core import InstanceIdInUseError, Message, RetryPolicy
from eventbus_core.conformance.crash import crash
from eventbus_core.errors import TransportUnavailableError
from tests.core.world import World


async def test_takeover_within_lease_and_one_heartbeat(world: World) -> None:
    got: list[tuple[str, int]] = []
    dying, alive = world.bus(), world.bus()

    @dying.on("task")
    async def hangs(message: Message) -> None:
        got.append(("dying", message.attempt))
        await asyncio.Event().wait()

    await dying.init()
    await alive.init()
    await alive.emit("task", mode="anycast")
    await world.settle()
    assert got == [("dying", 1)]
    alive.on("task", lambda message: got.append(("alive", message.attempt)), modes=["anycast"])
    await alive.ready()
    await world.clock.advance(15)
    await crash(dying)
    await world.clock.advance(10.0 - 2.0 - 0.1)
    assert len(got) == 1, "the lease has not run out in any case"
    await world.clock.advance(2.0 + 2.0 + 0.1)
    await _thread_handlers(lambda: len(got) == 2)
    assert got == [("dying", 1), ("alive", 2)]


async def _thread_handlers(done: Callable[[], bool]) -> None:
    """`def` handlers run in real threads, in real time."""
    from eventbus_core.testing import wait_until

    await wait_until(done, what="the def handler")


async def test_an_outage_of_the_store_kills_nobody(world: World) -> None:
    runs: list[str] = []
    release = asyncio.Event()
    buses = [world.bus() for _ in range(3)]
    for bus in buses:

        @bus.on("task")
        async def handle(message: Message, me: str = bus.id) -> None:
            runs.append(me)
            await release.wait()

        await bus.init()
    await buses[0].emit("task", mode="anycast")
    await world.settle()
    assert len(runs) == 1
    await world.clock.advance(20)
    world.store.unavailable = True
    await world.clock.advance(60)  # six leases
    assert not any(bus.health().ok for bus in buses)
    world.store.unavailable = False
    await world.clock.advance(30)
    assert len(runs) == 1, "nobody was declared dead, nothing ran twice"
    assert all(bus.health().ok for bus in buses), [bus.health() for bus in buses]
    assert [bus.stats().incarnations for bus in buses] == [1, 1, 1]
    release.set()
    await world.settle()
    assert sum(bus.stats().handled for bus in buses) == 1


async def test_no_handler_starts_without_a_lease(world: World) -> None:
    started: list[int] = []
    go = asyncio.Event()
    bus = world.bus()

    @bus.on("task")
    async def handle(message: Message) -> None:
        started.append(message.data)
        await go.wait()

    await bus.init()
    for number in range(3):
        await bus.emit("task", number)
    await world.settle()
    assert started == [0]
    world.store.unavailable = True
    await world.clock.advance(11)
    go.set()
    await world.clock.advance(5)
    assert started == [0], "the lease has run out: what waits here must not start"
    world.store.unavailable = False
    await world.clock.advance(3)
    assert started == [0, 1, 2]


async def test_an_instance_that_slept_over_its_lease_is_fenced_and_returns(world: World) -> None:
    got: list[tuple[str, int]] = []
    sleeper, alive = world.bus(), world.bus()
    release = asyncio.Event()

    @sleeper.on("task")
    async def slow(message: Message) -> None:
        got.append(("sleeper", message.attempt))
        await release.wait()

    await sleeper.init()
    await alive.init()
    await alive.emit("task", mode="anycast")
    await world.settle()

    @alive.on("task")
    async def quick(message: Message) -> None:
        got.append(("alive", message.attempt))

    await alive.ready()
    await world.clock.advance(12)
    # The sleeper's own heartbeats stop, as in a stopped process; the rest of it goes on.
    runtime = sleeper._runtime
    assert runtime is not None
    session = runtime.membership.session
    assert session is not None

    async def no_renewal(vitals: object = None) -> Any:
        raise TransportUnavailableError("stopped")

    session.renew = no_renewal  # type: ignore[method-assign]
    await world.clock.advance(15)
    assert got == [("sleeper", 1), ("alive", 2)]
    release.set()  # the zombie finishes late
    await world.clock.advance(3)
    stats = sleeper.stats()
    assert stats.refused_acts == 1
    assert stats.incarnations == 2
    assert sleeper.health().ok
    await alive.emit("hello", target=sleeper.id)  # reachable under its id again
    assert alive.stats().declared_dead == 1


async def test_who_was_fenced_goes_on_with_the_broadcasts_where_it_stood(world: World) -> None:
    got: list[int] = []
    sleeper, alive = world.bus(), world.bus()

    @sleeper.on("tick")
    async def tick(message: Message) -> None:
        got.append(message.data)

    await sleeper.init()
    await alive.init()
    for number in range(10):
        await alive.emit("tick", number)
    await world.clock.advance(12)
    assert got == list(range(10))
    runtime = sleeper._runtime
    assert runtime is not None and runtime.membership.session is not None

    async def no_renewal(vitals: object = None) -> Any:
        raise TransportUnavailableError("stopped")

    runtime.membership.session.renew = no_renewal  # type: ignore[method-assign]
    await world.clock.advance(13)
    assert alive.stats().declared_dead == 1
    await alive.emit("tick", 10)
    await world.clock.advance(3)
    assert sleeper.stats().incarnations == 2
    assert got == list(range(11)), "nothing again, nothing missed"


async def test_the_store_losing_its_data_is_survived(world: World) -> None:
    got: list[int] = []
    bus = world.bus()

    @bus.on("tick")
    async def handle(message: Message) -> None:
        got.append(message.data)

    await bus.init()
    await bus.emit("tick", 1)
    await world.settle()
    world.store.flush()
    await world.clock.advance(3)
    await bus.emit("tick", 2)
    await world.settle()
    assert got == [1, 2]
    assert bus.stats().incarnations == 2
    assert bus.health().ok


async def test_emit_waits_for_publish_timeout_then_raises(world: World) -> None:
    bus = world.bus(publish_timeout=5.0)
    await bus.init()
    world.store.unavailable = True
    emits = [asyncio.create_task(bus.emit("x", n)) for n in range(3)]
    await world.clock.advance(4.9)
    assert not any(emit.done() for emit in emits)
    await world.clock.advance(0.2)
    for emit in emits:
        with pytest.raises(TransportUnavailableError, match="may or may not"):
            await emit
    # Back in time: the emit succeeds, once.
    emit = asyncio.create_task(bus.emit("x", 3))
    await world.clock.advance(2)
    world.store.unavailable = False
    await world.clock.advance(2)
    await emit
    assert bus.stats().emitted == 1
    assert bus.stats().refused_emits == 3


async def test_retries_wait_as_the_policy_says(world: World) -> None:
    times: list[float] = []
    policy = RetryPolicy(max_deliveries=4, initial=1.0, factor=2.0, maximum=3.0, jitter=0)
    bus = world.bus(retry=policy)

    @bus.on("tick")
    async def handle(message: Message) -> None:
        times.append(round(world.clock.monotonic(), 1))
        raise ValueError

    await bus.init()
    start = round(world.clock.monotonic(), 1)
    await bus.emit("tick")
    await world.clock.advance(20)
    assert [round(time - start, 1) for time in times] == [0.0, 1.0, 3.0, 6.0]
    assert bus.stats().dead_lettered == 1


async def test_anycast_retries_are_delayed_by_the_store(world: World) -> None:
    times: list[tuple[str, float]] = []
    policy = RetryPolicy(initial=10.0, jitter=0)
    buses = [world.bus(retry=policy) for _ in range(2)]
    start = world.clock.monotonic()

    @buses[0].on("task")
    async def failing(message: Message) -> None:
        times.append(("first", round(world.clock.monotonic() - start, 1)))
        raise ValueError

    await buses[0].init()
    await buses[0].emit("task", mode="anycast")
    await world.settle()
    assert times == [("first", 0.0)]
    await buses[0].close()

    @buses[1].on("task")
    async def fine(message: Message) -> None:
        times.append(("second", round(world.clock.monotonic() - start, 1)))

    await buses[1].init()
    await world.clock.advance(9.5)
    assert len(times) == 1, "not before its time, though the first instance is gone"
    await world.clock.advance(1)
    assert [who for who, _ in times] == ["first", "second"]


async def test_an_id_in_use_is_waited_for_as_long_as_a_lease(world: World) -> None:
    first = world.bus("me")
    await first.init()
    second = world.bus("me")
    joining = asyncio.create_task(second.init())
    await world.clock.advance(11.9)
    assert not joining.done()
    await world.clock.advance(0.3)
    with pytest.raises(InstanceIdInUseError):
        await joining
    third = world.bus("me")
    joining = asyncio.create_task(third.init())
    await world.clock.advance(1)
    await crash(first)
    await world.clock.advance(11.5)
    await joining
    assert third.health().ok


async def test_drain_waits_for_its_timeout(world: World) -> None:
    bus = world.bus(drain_timeout=30.0)
    ends: list[str] = []

    @bus.on("tick")
    async def hangs(message: Message) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    await bus.init()
    await bus.emit("tick")
    await world.settle()
    closing = asyncio.create_task(bus.close())
    await world.clock.advance(29.9)
    assert not closing.done()
    assert ends == []
    await world.clock.advance(0.2)
    await closing
    assert ends == ["cancelled"]


async def test_close_ends_in_time_without_a_store(world: World) -> None:
    bus = world.bus(drain_timeout=3.0, publish_timeout=5.0)

    @bus.on("tick")
    async def hangs(message: Message) -> None:
        await asyncio.Event().wait()

    await bus.init()
    await bus.emit("tick")
    await world.settle()
    world.store.unavailable = True
    began = world.clock.monotonic()
    closing = asyncio.create_task(bus.close())
    while not closing.done():
        await world.clock.advance(0.5)
        assert world.clock.monotonic() - began < 20
    await closing
    assert world.clock.monotonic() - began <= 8.5


async def test_a_message_in_hand_at_two_deaths_runs_alone(world: World) -> None:
    """Two recorded starts by the dead: the third run has the process for itself."""
    log: list[str] = []
    busy = asyncio.Event()

    async def die_with_it() -> None:
        bus = world.bus()

        @bus.on("poison")
        async def hangs(message: Message) -> None:
            await asyncio.Event().wait()

        await bus.init()
        await world.clock.advance(13)
        await crash(bus)

    survivor = world.bus()
    await survivor.init()
    await survivor.emit("poison", mode="anycast")
    await die_with_it()
    await die_with_it()

    @survivor.on("innocent")
    async def innocent(message: Message) -> None:
        log.append("innocent starts")
        await busy.wait()
        log.append("innocent ends")

    @survivor.on("poison")
    async def poison(message: Message) -> None:
        log.append(f"poison starts {message.attempt}")
        await asyncio.sleep(0)
        log.append("poison ends")

    await survivor.emit("innocent")
    await survivor.ready()
    await survivor.emit("innocent")
    await world.clock.advance(13)
    assert log == ["innocent starts"], "it waits for the running one, and holds others back"
    busy.set()
    await world.clock.advance(3)
    assert log[:4] == ["innocent starts", "innocent ends", "poison starts 3", "poison ends"]


async def test_a_message_that_kills_its_process_each_time_is_dead_at_the_limit(
    world: World,
) -> None:
    starts: list[int] = []
    keeper = world.bus()
    await keeper.init()
    await keeper.emit("poison", mode="anycast")
    for _ in range(4):
        bus = world.bus(retry=RetryPolicy(max_deliveries=3))

        @bus.on("poison")
        async def hangs(message: Message) -> None:
            starts.append(message.attempt)
            await asyncio.Event().wait()

        await bus.init()
        await world.clock.advance(13)
        if len(starts) == 3 and bus.stats().dead_lettered:
            break
        await crash(bus)
    assert starts == [1, 2, 3]
    (letter,) = await keeper.dead_letters.list()
    assert letter.attempts == 3
    assert "never finished" in letter.reason


async def test_options_that_differ_are_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    small, large = world.bus(max_backlog=10), world.bus(max_backlog=1_000)
    await small.init()
    await large.init()
    await world.clock.advance(20)
    records = [r for r in caplog.records if "differ in options" in r.message]
    assert len(records) == 1
    assert "max_backlog=1000 (here 10)" in records[0].message
    for number in range(11):
        await small.emit("task", number, mode="anycast")  # the generous value holds


async def test_state_changes_of_the_store_are_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="eventbus_core")
    bus = world.bus()
    await bus.init()
    world.store.unavailable = True
    await world.clock.advance(30)
    world.store.unavailable = False
    await world.clock.advance(3)
    lost = [r for r in caplog.records if "cannot be reached" in r.message]
    back = [r for r in caplog.records if "reached again" in r.message]
    assert (len(lost), len(back)) == (1, 1)


async def test_incidents_reach_observers(world: World) -> None:
    from eventbus_core import hookimpl

    seen: list[tuple[str, str]] = []

    class Observer:
        @hookimpl
        def eventbus_incident(self, bus: str, kind: str, details: dict[str, str]) -> None:
            seen.append((bus, kind))

    bus = world.bus(plugins=[Observer()], retry=RetryPolicy(max_deliveries=2, jitter=0))

    @bus.on("tick")
    async def fails(message: Message) -> None:
        raise ValueError

    await bus.init()
    await bus.emit("tick")
    await world.clock.advance(5)
    assert seen == [("default", "retry"), ("default", "dead letter")]
