"""Real processes on a real server."""

import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from redis import Redis

from eventbus_core import EventBus
from eventbus_redis.embedded import EmbeddedServer

from .process import Process
from .worker import Settings

LEASE = 1.5
HEARTBEAT = 0.3
FAILOVER = LEASE + HEARTBEAT + 1.0
"""What is promised for a takeover, and one second for a busy machine."""
SHORT: dict[str, Any] = {"lease": LEASE, "heartbeat_interval": HEARTBEAT}


class Start(Protocol):
    """Start a worker process; returns once its bus is live (or, with `waits`, once it waits).
    `options` are those of its bus."""

    def __call__(
        self, *, options: dict[str, Any] | None = None, **settings: Any
    ) -> Awaitable[Process]: ...


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def url(server: EmbeddedServer) -> str:
    """The server of the test; a module may replace it by its own."""
    return server.url


@pytest.fixture
def client(url: str) -> Iterator["Redis"]:
    """A plain client, to look at the server from outside."""
    with Redis.from_url(url, decode_responses=True) as connected:
        yield connected


@pytest.fixture
def bus_name() -> str:
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[Process]]:
    """Every worker of the test. They are ended here; what they wrote to stderr is shown by
    pytest when the test has failed."""
    started: list[Process] = []
    try:
        yield started
    finally:
        for process in started:
            shown, errors = repr(process), process.end()
            sys.stderr.write(f"--- {shown}\n{errors}")


@pytest.fixture
def start(url: str, bus_name: str, tmp_path: Path, processes: list[Process]) -> Start:
    async def start_one(*, options: dict[str, Any] | None = None, **given: Any) -> Process:
        settings = Settings(url=url, bus=bus_name, options=SHORT | (options or {}), **given)
        process = Process(settings, tmp_path, f"worker-{len(processes)}")
        processes.append(process)
        await process.until_said("waiting" if settings.waits else "ready")
        return process

    return start_one


@pytest.fixture
async def sender(url: str, bus_name: str) -> AsyncIterator[EventBus]:
    """A publisher in the process of the test."""
    bus = EventBus(url, name=bus_name, role="publisher", lease=LEASE, heartbeat_interval=HEARTBEAT)
    async with bus:
        yield bus
