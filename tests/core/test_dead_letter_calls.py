"""`bus.dead_letters` while the bus closes, or has lost its session."""

import asyncio

import pytest

from eventbus_core import BusClosedError, EventBusError, Message, RetryPolicy, TargetNotFoundError
from tests.core.world import World, runtime_of, session_of


@pytest.mark.timeout(10)  # the loop was blocked: only a signal ends that
async def test_they_raise_while_the_bus_withdraws(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for a session went round without a pause, and close could never end."""
    bus = world.bus()
    await bus.init()
    session = session_of(bus)
    real = session.leave

    async def leave() -> None:
        await world.clock.sleep(0.5)
        await real()

    monkeypatch.setattr(session, "leave", leave)
    closing = asyncio.create_task(bus.close())
    await world.clock.advance(0.1)
    assert not closing.done()
    with pytest.raises(BusClosedError):
        await bus.dead_letters.list()
    await world.run(closing)


async def test_they_raise_when_the_bus_is_closed_while_they_wait(world: World) -> None:
    """After a fencing they waited for the next session, for ever if there was none."""
    bus = world.bus()
    await bus.init()
    world.store.flush()
    world.store.unavailable = True
    runtime_of(bus).membership.fenced(session_of(bus))
    listing = asyncio.create_task(bus.dead_letters.list())
    await world.clock.advance(1)
    assert not listing.done()
    await world.run(bus.close())
    with pytest.raises(EventBusError):
        await world.run(listing)


async def test_a_fencing_is_not_the_callers_business(world: World) -> None:
    """An error of the inside, no EventBusError, reached the caller."""
    bus = world.bus()
    await bus.init()
    world.store.flush()
    assert await world.run(bus.dead_letters.list()) == []
    assert bus.stats().incarnations == 2


async def test_a_redrive_without_an_owner_says_what_is_gone(world: World) -> None:
    """The text named an instance 'this bus' that nobody knows."""
    owner, bus = world.bus(retry=RetryPolicy(max_deliveries=1)), world.bus()

    @owner.on("x")
    async def handle(message: Message) -> None:
        raise ValueError

    await owner.init()
    await owner.emit("x", target=owner.id)
    await world.settle()
    await world.run(owner.close())
    await bus.init()
    (letter,) = await bus.dead_letters.list()
    with pytest.raises(TargetNotFoundError, match="is gone") as raised:
        await bus.dead_letters.redrive(letter.id)
    assert letter.id in str(raised.value)
    assert "'this bus'" not in str(raised.value)
