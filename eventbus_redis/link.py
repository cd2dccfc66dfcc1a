"""One pipelined connection: redis-py opens it and logs in, hiredis reads it, this module orders it.

redis-py's own command path costs tens of microseconds a call, retries writes that are not
idempotent, and drops a reply with the connection when a caller is cancelled. Here a call is one
append and one future; what is called within one tick of the loop is written together; a cancelled
caller never disturbs the order of replies.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import hiredis

from .config import RedisConfig
from .faults import LinkLostError, ReplyError

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

Arg = str | bytes | int | float
Failed = Callable[[ReplyError | LinkLostError], None]
_pack: Callable[[tuple[Arg, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]


class Link(asyncio.Protocol):
    """An open connection. Once lost it stays lost; open another one."""

    def __init__(self, io_timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._io_timeout = io_timeout
        self._reader = hiredis.Reader(replyError=ReplyError, protocolError=LinkLostError)
        self._waiting: deque[tuple[asyncio.Future[Any] | Failed, float]] = deque()
        self._out: list[bytes] = []
        self._watchdog: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.closed: Final[asyncio.Future[None]] = self._loop.create_future()
        self.lost = False
        self.client_id: int | None = None
        self.told: set[str] = set()
        """Digests of scripts that were sent in full on this connection."""
        self.read_only_scripts = True
        """Not known yet to lack EVAL_RO (7.0)."""

    @classmethod
    async def open(cls, config: RedisConfig, io_timeout: float) -> "Link":
        """Connect and log in. Raises LinkLostError, leaving nothing behind."""
        from .connecting import connect  # see there

        connection = await connect(config, io_timeout)
        link = cls(io_timeout)
        link._adopt(connection)
        try:
            await link._introduce(config)
        except BaseException:
            link.close()
            raise
        return link

    def call(self, *args: Arg, allow: float = 0.0) -> asyncio.Future[Any]:
        """Send one command with what else is sent in this tick; return the future of its reply.

        The future fails with ReplyError, or with LinkLostError when the connection ends first or
        no reply comes for `io_timeout` plus `allow` seconds (the time that it may block).
        """
        future = self._loop.create_future()
        if self.lost:
            future.set_exception(LinkLostError("the connection is closed"))
            return future
        self._send(future, args, allow)
        return future

    def tell(self, failed: Failed, *args: Arg) -> None:
        """Send one command whose reply matters only when it is an error: `failed` is told."""
        if self.lost:
            failed(LinkLostError("the connection is closed"))
        else:
            self._send(failed, args, 0.0)

    def flush(self) -> None:
        """Hand everything called so far to the operating system now."""
        if not self._out or self._transport is None:
            return
        out, self._out = self._out, []
        self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def close(self) -> None:
        """End the connection; calls without a reply fail. Idempotent."""
        self._lose("the connection was closed")

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                future, _ = waiting.popleft()
                if not isinstance(future, asyncio.Future):
                    if isinstance(reply, ReplyError):
                        future(reply)
                elif future.done():  # its caller was cancelled
                    continue
                elif isinstance(reply, ReplyError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        except (LinkLostError, IndexError):
            self._lose("the server sent something that is no reply")

    def eof_received(self) -> None:
        self._lose("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        reason = "the server closed the connection" if exc is None else type(exc).__name__
        self._lose(reason)
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(
        self, waiter: "asyncio.Future[Any] | Failed", args: tuple[Arg, ...], allow: float
    ) -> None:
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(_pack(args))
        deadline = self._loop.time() + self._io_timeout + allow
        self._waiting.append((waiter, deadline))
        if self._watchdog is None:
            self._watchdog = self._loop.call_at(deadline, self._watch)

    def _adopt(self, connection: "AbstractConnection") -> None:
        """Take the socket from redis-py."""
        writer = connection._writer
        assert writer is not None
        connection._reader = connection._writer = None
        transport = cast("asyncio.Transport", writer.transport)
        # Kept, since a StreamWriter closes its transport when it is collected.
        self._writer = writer
        self._transport = transport
        transport.set_protocol(self)
        if not transport.is_reading():
            transport.resume_reading()

    async def _introduce(self, config: RedisConfig) -> None:
        calls = [self.call("CLIENT", "SETNAME", config.client_name), self.call("CLIENT", "ID")]
        replies = await asyncio.gather(*calls, return_exceptions=True)
        for reply in replies:
            # A user without the permission for CLIENT still works, only without these comforts.
            if isinstance(reply, BaseException) and not isinstance(reply, ReplyError):
                raise reply
        if isinstance(replies[1], int):
            self.client_id = replies[1]

    def _watch(self) -> None:
        self._watchdog = None
        if not self._waiting or self.lost:
            return
        deadline = self._waiting[0][1]
        if deadline <= self._loop.time():
            self._lose(f"no reply within {self._io_timeout:g} s")
        else:
            self._watchdog = self._loop.call_at(deadline, self._watch)

    def _lose(self, reason: str) -> None:
        if self.lost:
            return
        self.lost = True
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        self.flush()
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size():
                # A peer that does not read would keep the socket open for ever.
                self._transport.abort()
        elif not self.closed.done():
            self.closed.set_result(None)
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not isinstance(future, asyncio.Future):
                future(LinkLostError(reason))
            elif not future.done():
                future.set_exception(LinkLostError(reason))
                # Whoever dropped this future does not want to hear of it.
                future.exception()


class Line:
    """A link that is opened by the first call that needs it, and again after it was lost."""

    def __init__(self, config: RedisConfig, io_timeout: float) -> None:
        self._config = config
        self._io_timeout = io_timeout
        self._opening = asyncio.Lock()
        self._link: Link | None = None
        self._closed = False

    @property
    def link(self) -> Link | None:
        """The open link, if there is one."""
        link = self._link
        return None if link is None or link.lost else link

    async def open(self) -> Link:
        """Return the open link, opened now if need be. Raises LinkLostError."""
        if (link := self.link) is not None:
            return link
        async with self._opening:
            if (link := self.link) is not None:
                return link
            self._check_open()
            link = await Link.open(self._config, self._io_timeout)
            self._link = link
            self._check_open()  # it may have been closed meanwhile
            return link

    def _check_open(self) -> None:
        if self._closed:
            if self._link is not None:
                self._link.close()
            raise LinkLostError("it was closed")

    async def close(self) -> None:
        """Close for good. Idempotent."""
        self._closed = True
        if (link := self._link) is not None:
            self._link = None
            link.close()
            # Until the transport has told us that the socket is gone, so that nothing is left.
            await asyncio.wait([link.closed], timeout=self._io_timeout)


def quiet(future: "asyncio.Future[Any]") -> None:
    """Nobody waits for this reply; do not complain when it is an error."""
    future.add_done_callback(_retrieve)


def _retrieve(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
