"""Whole buses on one memory store, on a clock that the test moves."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import uuid4

from eventbus_core import EventBus, Message
from eventbus_core.conformance.crash import crash
from eventbus_core.memory.config import MemoryConfig
from eventbus_core.memory.store import MemoryStore
from eventbus_core.runtime import Runtime
from eventbus_core.testing import ManualClock
from eventbus_core.transport import Session, Transport

T = TypeVar("T")


class World:
    """Buses on one memory store whose time the test moves."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.name = uuid4().hex
        self.store = MemoryStore.named(self.name, self.clock)
        self.buses: list[EventBus] = []

    def bus(self, instance_id: str | None = None, **options: Any) -> EventBus:
        config = MemoryConfig(name=self.name, clock=self.clock)
        bus = EventBus(config, instance_id=instance_id, **options)
        self.buses.append(bus)
        return bus

    async def settle(self) -> None:
        await self.clock.advance(0.001)

    async def run(self, what: Awaitable[T], *, most: float = 60.0, step: float = 0.5) -> T:
        """Move the clock until `what` has ended, for at most `most` seconds; its result."""
        task = asyncio.ensure_future(what)
        began = self.clock.monotonic()
        while not task.done() and self.clock.monotonic() - began < most:
            await self.clock.advance(step)
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise AssertionError(f"not ended after {most:g} s")
        return await task

    async def die_with(self, event: str, instance_id: str | None = None) -> None:
        """An instance comes, starts a handler of `event`, and is killed while it runs."""
        bus = self.bus(instance_id)

        @bus.on(event)
        async def hangs(message: Message) -> None:
            await asyncio.Event().wait()

        await self.run(bus.init())
        await self.clock.advance(13)
        await crash(bus)


def runtime_of(bus: EventBus) -> Runtime:
    """The parts of a started bus."""
    assert bus._runtime is not None
    return bus._runtime


def session_of(bus: EventBus) -> Session:
    """The live session of a started bus."""
    session = runtime_of(bus).membership.session
    assert session is not None
    return session


def transport_of(bus: EventBus) -> Transport:
    """What the next `init` of a bus connects with."""
    assert bus._next_transport is not None
    return bus._next_transport


def tasks_of(bus: EventBus) -> list[str]:
    """Names of the loops of one bus that run."""
    return [task.get_name() for task in asyncio.all_tasks() if bus.id in task.get_name()]
