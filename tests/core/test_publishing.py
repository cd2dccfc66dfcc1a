"""Emits whose answer is late or wrong."""

import asyncio
from collections.abc import Sequence

import pytest

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import Outgoing, Published
from tests.core.world import World, runtime_of, session_of


async def test_an_emit_that_raised_is_not_stored_after_the_instance_came_back(
    world: World,
) -> None:
    """It waited for the next session and was stored then, ten minutes after its caller had been
    told that it failed."""
    bus = world.bus()
    await bus.init()
    await world.clock.advance(1)
    world.store.flush()
    world.store.unavailable = True
    runtime_of(bus).membership.fenced(session_of(bus))
    emit = asyncio.create_task(bus.emit("x", 1))
    await world.clock.advance(6)
    with pytest.raises(TransportUnavailableError):
        await emit
    await world.clock.advance(600)
    world.store.unavailable = False
    await world.clock.advance(5)
    assert bus.stats().incarnations == 2
    assert (bus.stats().emitted, bus.stats().refused_emits) == (0, 1)


async def test_a_wrong_answer_does_not_end_the_publishing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transport that answered for too few messages ended the loop: no emit after that was
    stored."""
    bus = world.bus()
    await bus.init()
    session = session_of(bus)
    real = session.publish
    calls: list[int] = []

    async def publish(batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        answers = await real(batch, messages)
        calls.append(batch)
        return () if len(calls) == 1 else answers

    monkeypatch.setattr(session, "publish", publish)
    with pytest.raises(TransportUnavailableError):
        await world.run(bus.emit("x"), most=10)
    await world.run(bus.emit("x"), most=10)
    assert bus.health().ok
