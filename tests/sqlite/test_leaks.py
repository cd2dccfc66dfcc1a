"""What is left behind: nothing. And which files there are."""

import os
import threading
from pathlib import Path

import pytest

from eventbus_core import EventBus, InvalidOptionError, TransportUnavailableError
from eventbus_core.monitoring import open_monitor
from eventbus_core.plugins import open_transport

from .world import World


async def test_a_failed_connect_leaves_nothing_and_may_be_repeated(
    world: World, tmp_path: Path
) -> None:
    before = set(threading.enumerate())
    path = tmp_path / "not yet there" / "bus.db"
    transport = open_transport(f"sqlite:///{path}", bus="bus", io_timeout=1.0)
    with pytest.raises(TransportUnavailableError, match="unable to open"):
        await transport.connect()
    assert set(threading.enumerate()) == before
    path.parent.mkdir()
    await transport.connect()
    await transport.close()
    await transport.close()
    assert set(threading.enumerate()) == before


async def test_a_whole_bus_leaves_no_thread_and_no_open_file(world: World) -> None:
    before = set(threading.enumerate())
    async with EventBus(world.url, name="whole") as bus:
        await bus.emit("note", 1)
    assert set(threading.enumerate()) == before
    assert [name for name in _open_files() if name.startswith(str(world.path))] == []


async def test_a_monitor_creates_nothing(world: World) -> None:
    async with open_monitor(world.url) as monitor:
        with pytest.raises(TransportUnavailableError):
            await monitor.buses()
        assert list(world.path.parent.iterdir()) == []
        a = await world.join("a")
        assert await monitor.buses() == ("bus",)
        assert (await monitor.snapshot("other")).instances == ()
        assert await monitor.buses() == ("bus",)
        await a.leave()


def _open_files() -> list[str]:
    """Files that this process has open (on Linux; elsewhere nothing is found)."""
    found = []
    for entry in Path("/proc/self/fd").glob("*"):
        try:
            found.append(os.readlink(entry))
        except OSError:
            continue  # the one that lists them
    return found


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite://bus.db", "sqlite:///:memory:", "sqlite:///a.db?mode=ro"],
)
def test_a_url_that_names_no_file(url: str) -> None:
    with pytest.raises(InvalidOptionError, match=r"write sqlite:///relative\.db"):
        EventBus(url)


async def test_a_relative_path_with_a_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with EventBus("sqlite:///my%20bus.db") as bus:
        await bus.emit("note", 1)
    assert (tmp_path / "my bus.db").exists()
