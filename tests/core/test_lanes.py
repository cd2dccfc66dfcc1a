"""A handler that ends in an unusual way: its message is neither lost nor stuck."""

import asyncio

import pytest

from eventbus_core import EventBus, Message, Reject, RetryPolicy
from eventbus_core.transport import Delivery
from tests.core.world import World, runtime_of, session_of


class StrangeError(BaseException):
    """Not an Exception, like what some frameworks raise to end a task."""


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def _held(bus: EventBus) -> int:
    """Deliveries in hand."""
    return sum(held.count for held in runtime_of(bus).dispatcher._held.values())


@pytest.mark.parametrize("error", [StrangeError, UnprintableError])
async def test_any_exception_is_a_failure_like_others(
    world: World, error: type[BaseException]
) -> None:
    """One that is no Exception, or that has no text, ended the worker instead: the message
    stayed in hand for ever and was never tried again."""
    bus = world.bus()
    attempts: list[int] = []

    @bus.on("x")
    async def handle(message: Message) -> None:
        attempts.append(message.attempt)
        raise error

    await bus.init()
    await bus.emit("x", target=bus.id)
    await world.clock.advance(300)
    assert attempts == [1, 2, 3, 4, 5]
    (letter,) = await bus.dead_letters.list()
    assert letter.error is not None and error.__name__ in letter.error
    assert _held(bus) == 0


async def test_an_anycast_whose_handler_raised_no_exception_goes_to_others(world: World) -> None:
    """As above: it was never redelivered while the instance lived."""
    bus, other = world.bus(), world.bus()
    got: list[int] = []

    @bus.on("x")
    async def strange(message: Message) -> None:
        bus.off("x")
        raise StrangeError

    @other.on("x")
    async def handle(message: Message) -> None:
        got.append(message.attempt)

    await bus.init()
    await bus.emit("x", mode="anycast")
    await world.clock.advance(0.01)
    await other.init()
    await world.clock.advance(600)
    assert got == [2]
    assert _held(bus) == 0


async def test_a_reason_that_is_no_unicode_does_not_stop_the_other_handler(world: World) -> None:
    """The note of a partly finished message could not be encoded: the message stayed in hand and
    the other handler was not tried again."""
    bus = world.bus(retry=RetryPolicy(max_deliveries=3, initial=1))
    attempts: list[int] = []

    async def reject(message: Message) -> None:
        raise Reject(b"file \xff".decode(errors="surrogateescape"))

    async def fail(message: Message) -> None:
        attempts.append(message.attempt)
        raise ValueError

    bus.on("x", reject)
    bus.on("x", fail)
    await bus.init()
    await bus.emit("x", mode="anycast")
    await world.clock.advance(300)
    assert attempts == [1, 2, 3]
    assert _held(bus) == 0


async def test_a_fault_while_recording_a_start_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error of the transport ended the worker: the message was never handled."""
    bus = world.bus()
    got: list[int] = []
    tries: list[int] = []

    @bus.on("x")
    async def handle(message: Message) -> None:
        got.append(message.attempt)

    await bus.init()
    session = session_of(bus)
    real = session.begin

    async def begin(delivery: Delivery, starts: int) -> None:
        tries.append(starts)
        if len(tries) == 1:
            raise RuntimeError("a fault of the transport")
        await real(delivery, starts)

    monkeypatch.setattr(session, "begin", begin)
    await bus.emit("x", target=bus.id)
    await world.clock.advance(60)
    assert got == [1]
    assert tries == [1, 1]
    assert _held(bus) == 0


async def test_no_retry_starts_without_a_lease(world: World) -> None:
    """The lease was looked at before the first attempt only."""
    bus = world.bus(retry=RetryPolicy(initial=15.0, jitter=0))
    lease_at_start: list[float] = []

    @bus.on("x")
    async def handle(message: Message) -> None:
        lease_at_start.append(bus.health().lease_left)
        raise ValueError

    await bus.init()
    await bus.emit("x")
    await world.settle()
    assert len(lease_at_start) == 1
    world.store.unavailable = True
    await world.clock.advance(20)
    assert len(lease_at_start) == 1
    world.store.unavailable = False
    await world.clock.advance(3)
    assert len(lease_at_start) == 2
    assert min(lease_at_start) > 0


async def test_one_that_fails_after_off_becomes_a_dead_letter(world: World) -> None:
    """Nobody is left to try it again; it vanished without a trace."""
    bus = world.bus()
    go = asyncio.Event()

    @bus.on("x")
    async def handle(message: Message) -> None:
        await go.wait()
        raise ValueError

    await bus.init()
    await bus.emit("x", target=bus.id)
    await world.settle()
    bus.off("x")
    go.set()
    await world.clock.advance(60)
    assert bus.stats().dead_lettered == 1
    (letter,) = await bus.dead_letters.list()
    assert letter.attempts == 1


async def test_a_handler_that_waits_to_try_again_is_not_shown_as_running(world: World) -> None:
    bus = world.bus(retry=RetryPolicy(initial=20, jitter=0))

    @bus.on("x")
    async def handle(message: Message) -> None:
        raise ValueError

    await bus.init()
    await bus.emit("x")
    await world.clock.advance(1)
    assert bus.stats().running == 0
    assert bus.stats().waiting == 1
