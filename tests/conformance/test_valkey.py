"""The Redis transport passes the conformance kit, on a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from eventbus_core.conformance import FaultDriver, TransportContract
from eventbus_redis.embedded import EmbeddedServer
from tests.conformance.kit_run import run_kit
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


def test_what_the_kit_leaves_on_a_server_goes_within_minutes(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """Buses that are closed, those of killed processes and their dead letters."""
    groups = [f"group_{name}" for name in ("dead_letters", "failover", "poison", "publishing")]
    assert run_kit(server.url, tmp_path, only=groups)
    with Redis(unix_socket_path=server.url.removeprefix("unix://")) as client:
        left = [key for key in client.scan_iter("eventbus:{kit-*") if client.exists(key)]
        lives = {key: client.pttl(key) for key in left}
    assert left
    assert {
        key: life for key, life in lives.items() if not -2 <= life <= 600_000 or life == -1
    } == {}
