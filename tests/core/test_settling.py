"""Settlements: how many may wait for the store, and how they are counted."""

import asyncio
from collections.abc import Sequence

import pytest

from eventbus_core import Message, Reject
from eventbus_core.dispatcher import MOST_HELD, MOST_UNSETTLED
from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import ChannelKind, Settlement
from tests.core.world import World, runtime_of, session_of


async def test_nothing_is_fetched_while_too_many_settlements_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With reads that worked and writes that were refused they grew without a bound."""
    bus = world.bus()
    handled: list[int] = []

    @bus.on("x")
    async def handle(message: Message) -> None:
        handled.append(message.data)

    async def refuse(batch: Sequence[Settlement]) -> None:
        raise TransportUnavailableError("writes are refused")

    await bus.init()
    total = MOST_UNSETTLED + 2 * MOST_HELD[ChannelKind.BROADCAST]
    with monkeypatch.context() as patch:
        patch.setattr(session_of(bus), "settle", refuse)
        for start in range(0, total, 1_000):
            await asyncio.gather(*(bus.emit("x", n) for n in range(start, start + 1_000)))
            await world.clock.advance(0.1)
        unsettled = runtime_of(bus).settler.unsettled
        assert MOST_UNSETTLED <= unsettled <= MOST_UNSETTLED + MOST_HELD[ChannelKind.BROADCAST]
        assert unsettled < total
    await world.clock.advance(10)
    assert handled == list(range(total)), "reading goes on"
    assert runtime_of(bus).settler.unsettled == 0


async def test_a_message_that_two_handlers_reject_is_one_dead_letter(world: World) -> None:
    """It was counted twice."""
    bus = world.bus()

    async def reject(message: Message) -> None:
        raise Reject("no")

    async def reject_too(message: Message) -> None:
        raise Reject("no")

    bus.on("x", reject)
    bus.on("x", reject_too)
    await bus.init()
    await bus.emit("x")
    await world.settle()
    assert len(await bus.dead_letters.list()) == 1
    assert bus.stats().dead_lettered == 1
