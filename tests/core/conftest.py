"""A world of buses on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventbus_core.memory.store import MemoryStore
from tests.core.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.store.unavailable = False
    for bus in world.buses:
        closing = asyncio.create_task(bus.close())
        for _ in range(200):
            if closing.done():
                break
            await world.clock.advance(1.0)
        await closing
    MemoryStore.forget(world.name)
