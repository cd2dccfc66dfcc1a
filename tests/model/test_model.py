"""Transports do what the plain model does.

A failure prints the steps that lead to it. In the matrix runs it also prints a blob: put
``@reproduce_failure(...)`` with it above the test to see the same steps again.
"""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from eventbus_redis.embedded import EmbeddedServer
from tests.model.machine import compare
from tests.model.stores import OnMemory, OnUrl, Store

_KNOWN: Final = settings(
    deadline=None,
    database=None,
    derandomize=True,
    # A step on a real server takes milliseconds: that is no fault of the strategies.
    suppress_health_check=[HealthCheck.too_slow],
)
_RANDOM: Final = settings(
    _KNOWN, derandomize=False, max_examples=200, stateful_step_count=50, print_blob=True
)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


def on(server: EmbeddedServer) -> Store:
    """A bus on a real server."""
    return OnUrl(server.url, takes_at_once=False, redriven_first=False)


def test_memory() -> None:
    compare(OnMemory, settings(_KNOWN, max_examples=40, stateful_step_count=50))


def test_real_server(server: EmbeddedServer) -> None:
    compare(lambda: on(server), settings(_KNOWN, max_examples=12, stateful_step_count=30))


@pytest.mark.matrix
@pytest.mark.timeout(900)
def test_memory_at_length() -> None:
    compare(OnMemory, _RANDOM)


@pytest.mark.matrix
@pytest.mark.timeout(900)
def test_real_server_at_length(server: EmbeddedServer) -> None:
    compare(lambda: on(server), _RANDOM)
