"""Nothing of a demonstration is left, however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from eventbus_core import UnknownTransportError
from eventbus_core.demo import open_demo
from eventbus_core.demo.backstage import Backstage
from eventbus_core.demo.opening import MEMORY
from eventbus_core.demo.wire import Opened, Settings, line
from eventbus_core.memory import MemoryStore
from eventbus_core.monitoring import open_monitor
from eventbus_redis.config import RedisConfig
from eventbus_redis.embedded import EmbeddedServer
from eventbus_redis.link import Link
from tests.demo.leftovers import (
    answers,
    conductor_of,
    wait_for_processes,
    wait_until_gone,
    wait_until_nothing_is_left,
)
from tests.demo.looking import looking

HOLDER = """
import sys, time
from eventbus_core.demo import open_demo
with open_demo(url=sys.argv[1] or None) as demo:
    print(demo.url, demo.bus, flush=True)
    time.sleep(60)
"""
ALL = 5
"""The conductor and the processes of the shop; a server does not show what it was started with."""


def read(program: "subprocess.Popen[str]") -> str:
    assert program.stdout is not None
    return program.stdout.readline()


def test_opening_returns_at_once_and_ending_is_quick(folder: Path) -> None:
    began = time.monotonic()
    with open_demo() as demo:
        assert time.monotonic() - began < 0.5
        assert demo.bus == "shop"
        assert demo.url.startswith("unix://")
        assert demo.where == "an embedded Valkey server"
        assert time.monotonic() - began < 5  # half a second on an idle machine
        wait_for_processes(folder, ALL)
        assert answers(demo.url)
        ended = time.monotonic()
    assert not answers(demo.url)
    assert time.monotonic() - ended < 3
    wait_until_nothing_is_left(folder, 0)


def test_nothing_is_left_when_it_ends_before_it_is_up(folder: Path) -> None:
    with open_demo():
        pass
    wait_until_nothing_is_left(folder, 0)


def test_nothing_is_left_after_an_error(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_demo() as demo:
        assert demo.url
        raise ZeroDivisionError
    wait_until_nothing_is_left(folder, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found on Linux only")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
@pytest.mark.parametrize("up", [True, False])
def test_nothing_outlives_a_killed_program(
    folder: Path, started: Callable[..., "subprocess.Popen[str]"], how: signal.Signals, up: bool
) -> None:
    program = started("-c", HOLDER, "")
    url, _ = read(program).split()
    assert answers(url)
    if up:
        wait_for_processes(folder, ALL + 1)
    program.send_signal(how)
    program.wait(10)
    wait_until_nothing_is_left(folder, 5)
    wait_until_gone(url)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found on Linux only")
def test_nothing_outlives_a_killed_conductor(folder: Path) -> None:
    with open_demo() as demo:
        assert demo.url
        found = wait_for_processes(folder, ALL)
        assert demo.running and answers(demo.url)
        os.kill(conductor_of(found), signal.SIGKILL)
        # The server's folder stays: who would remove it is dead.
        wait_until_nothing_is_left(folder, 5, files=False)
        wait_until_gone(demo.url)
        assert not demo.running


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found on Linux only")
@pytest.mark.parametrize("killed", [False, True])
async def test_a_given_server_is_left_as_it_was(
    folder: Path, started: Callable[..., "subprocess.Popen[str]"], killed: bool
) -> None:
    with EmbeddedServer(tcp=True) as server:
        program = started("-c", HOLDER, server.url)
        url, bus = read(program).split()
        assert url == server.url
        async with open_monitor(url) as monitor:
            while len((await monitor.snapshot(bus)).instances) < 12:
                await asyncio.sleep(0.1)
            while await monitor.buses() != (bus,):
                await asyncio.sleep(0.1)
            program.send_signal(signal.SIGKILL if killed else signal.SIGINT)
            program.wait(20)
            wait_until_nothing_is_left(folder, 15, files=False)
            link = await Link.open(RedisConfig.from_url(url), 5.0)
            # The index of all buses stays for a minute at most, without this bus.
            while await link.call("KEYS", "*") != [b"eventbus:buses"]:
                await asyncio.sleep(0.1)
            assert await monitor.buses() == ()
            assert 0 < await link.call("PTTL", "eventbus:buses") <= 60_000
            link.close()
            await link.closed


async def test_memory_keeps_no_thread_and_no_store() -> None:
    with open_demo(url="memory://eventbus-demo-end") as demo:
        assert (demo.url, demo.where) == ("memory://eventbus-demo-end", MEMORY)
        async with looking(demo) as looker:
            await looker.until(20, live=lambda: len(looker.view.snapshot.instances) == 12)
        assert demo.running
        ended = time.monotonic()
    assert time.monotonic() - ended < 1
    assert not [thread for thread in threading.enumerate() if "demo" in thread.name]


def test_without_a_server_it_runs_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backstage, "opened", lambda self: Opened(problem="not installed"))
    with open_demo() as demo:
        name = demo.url.removeprefix("memory://")
        assert name.startswith("eventbus-demo-")
        assert demo.where == MEMORY
        assert demo.running
        assert name in MemoryStore._named
    assert name not in MemoryStore._named
    wait_until_nothing_is_left(folder, 0)


def test_the_conductor_says_why_it_has_no_server() -> None:
    code = (
        "import importlib.util; importlib.util.find_spec = lambda name: None; "
        "from eventbus_core.demo import conductor; conductor.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=line(Settings(bus="b", scenario="calm", seed=0)),
        capture_output=True,
        check=True,
        timeout=30,
    )
    opened = msgspec.json.decode(done.stdout, type=Opened)
    assert opened.url == ""
    assert "eventbus-streams[embedded]" in opened.problem


def test_a_wrong_url_is_refused_at_once() -> None:
    with pytest.raises(UnknownTransportError, match="nosuch"):
        open_demo(url="nosuch://host")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found on Linux only")
def test_what_is_logged_goes_to_the_file(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open_demo(scenario="poison", log_file=str(log)) as demo:
        assert demo.url
        deadline = time.monotonic() + 30
        while "dead letter" not in log.read_text("utf-8"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
