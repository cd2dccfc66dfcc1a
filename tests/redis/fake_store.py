"""The transport on an imitation of a server, fakeredis: in this process, without a server's binary.

Its scripts, streams and groups behave; its blocking reads do not (a read that is woken loses what
it was woken for), so the transport polls. What depends on blocking, timing or a server's version is
proved on real servers only.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fakeredis import TcpFakeServer
from fakeredis._helpers import SimpleError
from redis.exceptions import ResponseError

from eventbus_redis.config import RedisConfig
from eventbus_redis.transport import RedisTransport
from tests.redis.world import World

POLL = 0.005


@contextmanager
def fake_server() -> Iterator[str]:
    """Run an imitation with its own data on a free port; gives its URL."""
    server = TcpFakeServer(("127.0.0.1", 0))
    server.RequestHandlerClass = _staying(server.RequestHandlerClass)
    port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _staying(handler: Any) -> Any:
    """A handler of connections that answers an error as a server does; fakeredis's own puts ERR
    before its code and ends the connection."""

    class Staying(handler):  # type: ignore[misc]
        def setup(self) -> None:
            super().setup()
            read = self.current_client.read_response

            def answer() -> Any:
                try:
                    return read()
                except ResponseError as exc:
                    if type(exc) is not ResponseError:
                        return exc
                    text = " ".join(str(exc).split())  # of several lines it is no valid answer
                    return SimpleError(text if text.split(" ")[0].isupper() else f"ERR {text}")

            self.current_client.read_response = answer

    return Staying


class FakeWorld(World):
    """A bus on such a server; its transports poll."""

    def transport(self, io_timeout: float = 5.0) -> RedisTransport:
        config = RedisConfig.from_url(self.url)
        made = RedisTransport(config, bus=self.bus, io_timeout=io_timeout, poll=POLL)
        self._transports.append(made)
        return made
