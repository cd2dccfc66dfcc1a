"""Starting a bus: connecting, joining, and being closed or stopped meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from eventbus_core import BusClosedError, EventBus, Message
from eventbus_core.conformance.crash import crash
from eventbus_core.errors import TransportUnavailableError
from tests.core.world import World, session_of, tasks_of, transport_of


def _answer_slowly(world: World, real: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def slow(*arguments: Any, **options: Any) -> Any:
        answer = await real(*arguments, **options)
        await world.clock.sleep(1)
        return answer

    return slow


async def _start_slowly(
    world: World, bus: EventBus, stage: str, monkeypatch: pytest.MonkeyPatch
) -> "asyncio.Task[None]":
    """An `init` that stands in the middle of `stage`."""
    transport = transport_of(bus)
    monkeypatch.setattr(transport, stage, _answer_slowly(world, getattr(transport, stage)))
    starting = asyncio.create_task(bus.init())
    await world.clock.advance(0.1)
    assert not starting.done()
    return starting


@pytest.mark.parametrize("stage", ["connect", "join"])
async def test_close_during_init_cancels_the_start_and_nothing_of_it_stays(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Two calls of close during init each closed the same life of the bus."""
    keeper, bus = world.bus(), world.bus()
    await keeper.init()
    starting = await _start_slowly(world, bus, stage, monkeypatch)
    began = world.clock.monotonic()
    await world.run(asyncio.gather(bus.close(), bus.close()), step=0.1)
    assert world.clock.monotonic() - began <= 0.2, "they wait for nothing"
    with pytest.raises(BusClosedError):
        await starting
    assert bus.health().state == "closed"
    assert tasks_of(bus) == []
    await world.clock.advance(25)
    presences = world.store.bus("default").presences.values()
    assert [presence.member.instance_id for presence in presences] == [keeper.id]


@pytest.mark.parametrize("stage", ["connect", "join", "live"])
async def test_of_two_closers_none_ends_the_next_life(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """One of them came late, and closed what the following init had started."""
    bus = world.bus()
    starting: asyncio.Task[None] | None = None
    if stage == "live":
        await bus.init()
        session = session_of(bus)
        monkeypatch.setattr(session, "leave", _answer_slowly(world, session.leave))
    else:
        starting = await _start_slowly(world, bus, stage, monkeypatch)
    closers = [asyncio.create_task(bus.close()) for _ in range(2)]
    while not any(closer.done() for closer in closers):
        await world.clock.advance(0.1)
    assert all(closer.done() for closer in closers)
    await world.run(bus.init())
    await world.clock.advance(30)
    assert bus.health().ok, bus
    await asyncio.gather(*closers)
    if starting is not None:
        with pytest.raises(BusClosedError):
            await starting


async def test_stop_ends_run_while_the_store_is_away(world: World) -> None:
    """`stop()`, or a signal, was not seen before the start had failed."""
    bus = world.bus(connect_timeout=10)
    world.store.unavailable = True
    running = asyncio.create_task(bus.run())
    await world.clock.advance(0.5)
    assert not running.done()
    bus.stop()
    await world.run(running, most=2)
    assert bus.health().state == "closed"


async def test_connect_timeout_is_kept_to_a_fraction_of_a_second(world: World) -> None:
    """The last delay between two tries came on top of it."""
    bus = world.bus(connect_timeout=10.0)
    world.store.unavailable = True
    began = world.clock.monotonic()
    with pytest.raises(TransportUnavailableError):
        await world.run(bus.init(), step=0.05)
    assert world.clock.monotonic() - began <= 10.2


async def test_connect_is_not_called_again_after_it_succeeded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A join that failed began all over with connect, which a transport need not bear."""
    bus = world.bus()
    transport = transport_of(bus)
    connect, join = transport.connect, transport.join
    calls: list[str] = []

    async def counted_connect() -> None:
        calls.append("connect")
        await connect()

    async def failing_join(*arguments: Any, **options: Any) -> Any:
        calls.append("join")
        if calls.count("join") == 1:
            raise TransportUnavailableError("down")
        return await join(*arguments, **options)

    monkeypatch.setattr(transport, "connect", counted_connect)
    monkeypatch.setattr(transport, "join", failing_join)
    await world.run(bus.init(), most=5)
    assert calls == ["connect", "join", "join"]


async def test_a_join_whose_answer_was_lost_is_not_taken_for_another_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second try found its own id in use and waited for the end of its own lease."""
    bus = world.bus()
    transport = transport_of(bus)
    real = transport.join
    tries: list[int] = []

    async def join(*arguments: Any, **options: Any) -> Any:
        answer = await real(*arguments, **options)
        tries.append(1)
        if len(tries) == 1:
            raise TransportUnavailableError("the answer was lost")
        return answer

    monkeypatch.setattr(transport, "join", join)
    began = world.clock.monotonic()
    await world.run(bus.init())
    assert len(tries) == 2
    assert world.clock.monotonic() - began < 2


async def test_a_subscription_made_while_init_waits_is_announced(world: World) -> None:
    """Made while init() waited for the lease of the old holder of its id, it was never
    announced: `ready` returned, and no work came."""
    first, second = world.bus("me"), world.bus("me")
    await first.init()
    starting = asyncio.create_task(second.init())
    await world.clock.advance(1)
    await crash(first)
    got: list[int] = []

    @second.on("task")
    async def handle(message: Message) -> None:
        got.append(message.data)

    await world.clock.advance(12)
    await starting
    await second.ready()
    await second.emit("task", 1, mode="anycast")
    await world.clock.advance(30)
    assert got == [1]
