"""The Redis transport passes the conformance kit, on a real server."""

from collections.abc import Iterator

import pytest

from eventbus_core.conformance import FaultDriver, TransportContract
from eventbus_redis.embedded import EmbeddedServer
from tests.conformance.valkey_faults import ValkeyFaults


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(scope="session")
def keeping_server() -> Iterator[EmbeddedServer]:
    """One that writes everything to its disk before it answers."""
    with EmbeddedServer(append_only=True) as running:
        yield running


class TestValkey(TransportContract):
    """On one server: each test has a bus of its own. Those that restart it have another one."""

    @pytest.fixture
    def used_server(self, request: pytest.FixtureRequest) -> EmbeddedServer:
        restarts = "restart" in getattr(request.function, "faults", ())
        used: EmbeddedServer = request.getfixturevalue("keeping_server" if restarts else "server")
        return used

    @pytest.fixture
    def transport_target(self, used_server: EmbeddedServer) -> object:
        return used_server.url

    @pytest.fixture
    def fault_driver(self, used_server: EmbeddedServer) -> FaultDriver:
        return ValkeyFaults(used_server)
