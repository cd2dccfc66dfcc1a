"""Closing a bus: what waits for what, what goes back to the store, and what is left."""

import asyncio
from functools import partial

import pytest

from eventbus_core import BusClosedError, EventBus, Message
from tests.core.world import World, runtime_of, session_of


def _leave_slowly(world: World, bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store takes half a second to let the instance go."""
    session = session_of(bus)
    real = session.leave

    async def leave() -> None:
        await world.clock.sleep(0.5)
        await real()

    monkeypatch.setattr(session, "leave", leave)


async def _close_soon(closing: asyncio.Event, bus: EventBus, ended: list[str]) -> None:
    await closing.wait()
    await bus.close()
    ended.append("closed")


async def test_emit_raises_while_the_bus_withdraws(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emit in this moment waited for ever: its loop had ended already."""
    bus = world.bus()
    await bus.init()
    _leave_slowly(world, bus, monkeypatch)
    closing = asyncio.create_task(bus.close())
    await world.clock.advance(0.1)
    assert not closing.done()
    with pytest.raises(BusClosedError):
        await world.run(bus.emit("x"))
    await world.run(closing)


async def test_ready_raises_for_a_subscription_that_never_got_live(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ready` returned as if all were well when the bus was closed instead."""
    bus = world.bus()
    await bus.init()
    _leave_slowly(world, bus, monkeypatch)

    async def unanswered(subscriptions: object) -> int:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(session_of(bus), "subscribe", unanswered)
    bus.on("x", lambda message: None)
    ready = asyncio.create_task(bus.ready())
    await world.clock.advance(1)
    assert not ready.done()
    closing = asyncio.create_task(bus.close())
    await world.clock.advance(5)
    await closing
    with pytest.raises(BusClosedError):
        await ready


async def test_no_worker_stays_that_waits_for_a_lease(world: World) -> None:
    """A message that waits for the lease kept its worker waiting after close."""
    bus = world.bus(drain_timeout=1, publish_timeout=1)
    go = asyncio.Event()

    @bus.on("x")
    async def handle(message: Message) -> None:
        await go.wait()

    await bus.init()
    await bus.emit("x")
    await bus.emit("x")
    await world.settle()
    world.store.unavailable = True
    await world.clock.advance(11)
    go.set()
    await world.settle()
    workers = [task for task in asyncio.all_tasks() if task.get_name().startswith("eventbus:")]
    assert workers
    await world.run(bus.close())
    await world.clock.advance(60)
    assert [task for task in workers if not task.done()] == []


async def test_a_task_left_by_a_handled_anycast_loses_no_other_when_it_closes(
    world: World,
) -> None:
    """A task that an earlier handler left behind closes the bus while the same worker handles
    another message: only a handler that closes the bus itself counts as handled."""
    bus, other = world.bus("one"), world.bus("two")
    trigger = asyncio.Event()
    left: list[asyncio.Task[None]] = []
    failed: list[int] = []
    taken: list[int] = []

    @bus.on("task")
    async def handle(message: Message) -> None:
        if message.data == 1:
            left.append(asyncio.create_task(_close_soon(trigger, bus, [])))
            return
        trigger.set()
        await world.clock.sleep(5)
        failed.append(message.data)
        raise ValueError("must be tried again")

    await bus.init()
    await bus.emit("task", 1, mode="anycast")
    await bus.emit("task", 2, mode="anycast")
    await world.clock.advance(60)
    assert left[0].done()
    assert failed == [2]

    @other.on("task")
    async def take(message: Message) -> None:
        taken.append(message.data)

    await other.init()
    await world.clock.advance(30)
    assert taken == [2]


async def test_a_task_left_by_a_handled_broadcast_waits_for_the_others_when_it_closes(
    world: World,
) -> None:
    """As above: the running handler was taken for the one that closes. Close did not wait for
    it, and the broadcast that it failed on was never seen again by its fixed id."""
    bus = world.bus("one", drain_timeout=30)
    trigger = asyncio.Event()
    left: list[asyncio.Task[None]] = []
    ended: list[str] = []
    ended_at_its_end: list[list[str]] = []
    again: list[tuple[int, int]] = []

    async def handle(message: Message) -> None:
        if ended:
            again.append((message.data, message.attempt))
        elif message.data == 1:
            left.append(asyncio.create_task(_close_soon(trigger, bus, ended)))
        else:
            trigger.set()
            await world.clock.sleep(5)
            ended_at_its_end.append([*ended])
            raise ValueError("must be tried again")

    bus.on("task", handle)
    await bus.init()
    await asyncio.gather(bus.emit("task", 1), bus.emit("task", 2))
    await world.clock.advance(60)
    assert ended == ["closed"]
    assert ended_at_its_end == [[]], "close returned while a handler ran"
    await bus.init()
    await world.clock.advance(30)
    assert again == [(2, 2)]


@pytest.mark.parametrize("stays", [True, False])
async def test_the_handler_that_closes_does_not_settle_for_its_sibling(
    world: World, stays: bool
) -> None:
    """The message of a handler that closes the bus ends twice for it; the second end was taken
    for that of the other handler of the event, which failed later."""
    bus, other = world.bus("one"), world.bus("two")
    go = asyncio.Event()
    closing: list[asyncio.Task[None]] = []
    runs: list[str] = []

    async def stopper(message: Message) -> None:
        closing.append(asyncio.create_task(bus.close()))
        if stays:
            await world.clock.sleep(0.01)

    async def sibling(message: Message) -> None:
        runs.append("other" if closing[0].done() else "closing")
        if not closing[0].done():
            await go.wait()
            raise ValueError

    bus.on("task", stopper)
    bus.on("task", sibling)
    await bus.init()
    await bus.emit("task", mode="anycast")
    await world.clock.advance(0.1)
    go.set()
    await world.run(closing[0])
    assert runs == ["closing"]
    other.on("task", sibling)
    await other.init()
    await world.clock.advance(30)
    assert runs == ["closing", "other"]


async def test_twenty_rolling_restarts_under_a_long_handler_dead_letter_nothing(
    world: World,
) -> None:
    """Each close cancels the handler and hands its message back. Each start was charged, until
    the message was dead."""
    starts: list[int] = []

    async def hangs(message: Message) -> None:
        starts.append(message.attempt)
        await asyncio.Event().wait()

    keeper = world.bus(role="publisher")
    await keeper.init()
    await keeper.emit("x", mode="anycast")
    for _ in range(20):
        bus = world.bus(drain_timeout=1)
        bus.on("x", hangs)
        await bus.init()
        await world.clock.advance(1)
        await world.run(bus.close())
    assert starts == [1] * 20
    assert await keeper.dead_letters.list() == []


async def test_a_handler_may_emit_during_the_drain(world: World) -> None:
    bus = world.bus(drain_timeout=5)
    emitted: list[str] = []

    @bus.on("x")
    async def handle(message: Message) -> None:
        await world.clock.sleep(1)
        emitted.append(await bus.emit("y"))

    await bus.init()
    await bus.emit("x")
    await world.settle()
    await world.run(bus.close())
    assert len(emitted) == 1


async def test_a_transport_that_does_not_close_cannot_hold_up_the_bus(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the transport had no time limit."""
    bus = world.bus(drain_timeout=1, publish_timeout=1)
    await bus.init()
    monkeypatch.setattr(runtime_of(bus).transport, "close", partial(world.clock.sleep, 60))
    began = world.clock.monotonic()
    await world.run(bus.close(), most=100)
    assert world.clock.monotonic() - began <= 2.5


async def test_a_transport_that_fails_to_stop_does_not_keep_the_bus_from_closing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bus = world.bus()
    ended: list[int] = []

    @bus.on("x")
    async def slow(message: Message) -> None:
        await world.clock.sleep(2)
        ended.append(message.data)

    async def stop() -> None:
        raise RuntimeError("a fault of a plug-in")

    await bus.init()
    monkeypatch.setattr(session_of(bus), "stop", stop)
    await world.run(bus.emit("x", 1))
    await world.clock.advance(0.1)
    await world.run(bus.close())
    assert ended == [1]
    assert bus.health().state == "closed"
    assert "did not stop taking messages" in caplog.text
