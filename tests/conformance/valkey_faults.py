"""What can be done to a Valkey server of our own from outside."""

from pathlib import Path

from redis import Redis

from eventbus_core.conformance import FaultDriver
from eventbus_redis.embedded import EmbeddedServer
from eventbus_redis.keys import Keys

_STREAMS = ("broadcast", "inbox:*", "work:*")
"""Keys of a bus; besides the streams of messages they find the counts of these."""


class ValkeyFaults(FaultDriver):
    """Faults of a server that listens on a Unix socket."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._socket = Path(server.url.removeprefix("unix://"))
        self._aside = self._socket.with_suffix(".cut")

    def _client(self, socket: Path) -> "Redis":
        return Redis(unix_socket_path=str(socket))

    async def cut(self) -> None:
        # Nobody finds the socket any more, and who is connected is cut off.
        self._socket.rename(self._aside)
        with self._client(self._aside) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    async def mend(self) -> None:
        if self._aside.exists():
            self._aside.rename(self._socket)

    async def restart(self) -> None:
        self._server.kill()
        self._server.restart()

    async def flush(self) -> None:
        with self._client(self._socket) as client:
            client.flushall()

    async def trim(self, bus: str) -> None:
        prefix = Keys(bus).prefix
        with self._client(self._socket) as client:
            for kind in _STREAMS:
                for key in client.keys(f"{prefix}{kind}"):
                    if client.type(key) == b"stream":
                        client.xtrim(key, maxlen=0, approximate=False)
