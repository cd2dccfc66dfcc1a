"""A real server for the whole run, and short ways to use the boundary directly."""

import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from eventbus_redis.embedded import EmbeddedServer
from tests.redis.world import World

BINARY = os.environ.get("EVENTBUS_TEST_SERVER")
"""Another server than the embedded one, to run these tests on its version."""


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(BINARY) as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """A server that the test may break."""
    with EmbeddedServer(BINARY) as running:
        yield running


@pytest.fixture
async def world(server: EmbeddedServer) -> AsyncIterator[World]:
    """A bus of its own on the shared server. At the end no key may live for ever."""
    async with World(server.url, f"test-{uuid4().hex[:12]}") as made:
        yield made
        assert await made.keys_without_expiry() == []


@pytest.fixture
async def own_world(own_server: EmbeddedServer) -> AsyncIterator[World]:
    """A bus on a server of its own."""
    async with World(own_server.url, "own") as made:
        yield made
