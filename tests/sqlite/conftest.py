import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A file of its own. At the end no thread is left that works on it."""
    world = World(tmp_path / "bus.db")
    before = set(threading.enumerate())
    yield world
    await world.close()
    assert set(threading.enumerate()) <= before


class Clock:
    """The machine's clock, as the transport reads it."""

    def __init__(self) -> None:
        self.ahead = 0.0
        """Seconds that it was set forward, or time that went by."""

    def time(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("eventbus_sqlite.file.now", clock.time)
    return clock
