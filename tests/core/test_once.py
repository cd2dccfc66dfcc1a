"""`once` starts exactly one message: it is not used up by one that it never started."""

from typing import Any

import pytest

from eventbus_core import Message
from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import Delivery
from tests.core.world import World, runtime_of, session_of


async def test_a_once_that_started_nothing_is_there_after_a_restart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had taken its message, which was handed back unstarted; the subscription was gone."""
    bus = world.bus(drain_timeout=0, publish_timeout=1)
    got: list[int] = []

    async def handle(message: Message) -> None:
        got.append(message.data)

    async def begin(delivery: Delivery, starts: int) -> None:
        raise TransportUnavailableError("down")

    bus.once("x", handle)
    await bus.init()
    monkeypatch.setattr(session_of(bus), "begin", begin)
    await bus.emit("x", 1, mode="anycast")
    await world.clock.advance(1)
    await world.run(bus.close())
    assert got == []
    await bus.init()
    await world.clock.advance(20)
    assert got == [1]


async def test_a_once_takes_its_broadcast_again_after_a_fencing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took the message, could not start it for want of a lease, and was fenced: the message
    comes again, and the subscription must be there again too."""
    publisher, bus = world.bus(), world.bus("me")
    got: list[int] = []

    async def handle(message: Message) -> None:
        got.append(message.data)

    async def no_renewal() -> Any:
        raise TransportUnavailableError("stopped")

    await bus.init()
    await publisher.init()
    bus.once("x", handle)
    await bus.ready()
    await world.clock.advance(3)
    runtime_of(bus).membership.lease_until = world.clock.monotonic()  # as after a pause
    monkeypatch.setattr(session_of(bus), "renew", no_renewal)
    await publisher.emit("x", 1)
    await world.clock.advance(20)
    assert bus.stats().incarnations == 2
    await world.clock.advance(10)
    assert got == [1]
