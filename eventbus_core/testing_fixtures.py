"""pytest fixtures; imported through `eventbus_core.testing`."""

import uuid
from collections.abc import Iterator

import pytest

from .manual_clock import ManualClock
from .memory import MemoryStore


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that the test moves. A test that also asks for `memory_url` has its store, and so
    every bus on that URL, run on this clock."""
    return ManualClock()


@pytest.fixture
def memory_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a memory store that only this test uses, forgotten afterwards."""
    name = f"test-{uuid.uuid4().hex}"
    clock = None
    if "manual_clock" in request.fixturenames:
        clock = request.getfixturevalue("manual_clock")
    MemoryStore.named(name, clock)
    yield f"memory://{name}"
    MemoryStore.forget(name)
