"""The same behaviour on every store: memory, and a real server."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from eventbus_core import EventBus
from eventbus_core.conformance.crash import crash
from eventbus_redis.embedded import EmbeddedServer

LEASE = 1.0
HEARTBEAT = 0.2

MakeBus = Callable[..., EventBus]


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
def store_url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return f"memory://{uuid4().hex}"
    running: EmbeddedServer = request.getfixturevalue("server")
    return running.url


@pytest.fixture
def bus_name() -> str:
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
async def make_bus(store_url: str, bus_name: str) -> AsyncIterator[MakeBus]:
    """Make buses of one name on one store, with short leases; all are closed at the end, and
    nothing may be left running."""
    before = asyncio.all_tasks()
    made: list[EventBus] = []

    def make(instance_id: str | None = None, **options: Any) -> EventBus:
        options = {"lease": LEASE, "heartbeat_interval": HEARTBEAT, "drain_timeout": 5.0} | options
        bus = EventBus(store_url, name=bus_name, instance_id=instance_id, **options)
        made.append(bus)
        return bus

    yield make
    for bus in made:
        await bus.close()
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    # A cancelled timer needs one turn of the loop to end.
    for _ in itertools.takewhile(lambda _: any(not task.done() for task in left), range(10)):
        await asyncio.sleep(0)
    assert [task for task in left if not task.done()] == []


@pytest.fixture
def kill() -> Callable[[EventBus], Any]:
    """End a bus like a killed process, without a word to its store."""
    return crash
