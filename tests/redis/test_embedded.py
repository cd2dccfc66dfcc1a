"""The embedded server: started, stopped, killed, and never left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from eventbus_core.errors import TransportUnavailableError, UnsupportedError
from eventbus_redis.config import RedisConfig
from eventbus_redis.embedded import EmbeddedServer
from eventbus_redis.link import Link


async def ping(url: str) -> None:
    link = await Link.open(RedisConfig.from_url(url), 5.0)
    assert await link.call("PING") == b"PONG"
    link.close()
    await link.closed


@pytest.mark.parametrize("tcp", [False, True])
async def test_it_answers_at_its_url(tcp: bool) -> None:
    with EmbeddedServer(tcp=tcp) as server:
        await ping(server.url)
        server.restart()
        await ping(server.url)
        pid = server.pid
        folder = server._folder
    assert folder is not None and not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    server.stop()


async def test_several_at_once_do_not_meet() -> None:
    servers = [EmbeddedServer(tcp=True).start() for _ in range(4)]
    try:
        assert len({server.url for server in servers}) == 4
        for server in servers:
            await ping(server.url)
    finally:
        for server in servers:
            server.stop()


async def test_an_append_only_one_keeps_its_data_over_a_crash() -> None:
    with EmbeddedServer(append_only=True) as server:
        link = await Link.open(RedisConfig.from_url(server.url), 5.0)
        await link.call("SET", "k", "v")
        server.kill()
        await link.closed
        server.start()
        link = await Link.open(RedisConfig.from_url(server.url), 5.0)
        assert await link.call("GET", "k") == b"v"
        link.close()
        await link.closed


def test_a_wrong_configuration_says_why() -> None:
    with pytest.raises(TransportUnavailableError, match="nonsense"):
        EmbeddedServer(config={"nonsense": "1"}).start()


def test_a_missing_binary_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnsupportedError, match="embedded"):
        EmbeddedServer()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot do that")
def test_it_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    code = """
        import time
        from eventbus_redis.embedded import EmbeddedServer
        print(EmbeddedServer().start().pid, flush=True)
        time.sleep(60)
    """
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 5.0
    while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
