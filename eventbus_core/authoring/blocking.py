"""A client library that blocks, kept away from the event loop."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from ..errors import TransportUnavailableError

R = TypeVar("R")


class Closable(Protocol):
    """A connection."""

    def close(self) -> object: ...


C = TypeVar("C", bound=Closable)


class BlockingClient(ABC, Generic[C]):
    """One connection and the one thread that uses it.

    Both are made by the first use and freed by `close`. After that only `connect` makes them again:
    a call that comes too late must not leave anything behind.
    """

    def __init__(self, where: str, error: type[Exception]) -> None:
        self.where = where
        """Shown in errors, so without a password."""
        self._error = error
        self._connection: C | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    @abstractmethod
    def open(self) -> C:
        """A new connection. May raise `error`."""

    def prepare(self, connection: C) -> None:
        """Make a new connection ready for use. May raise `error`; then it is closed."""

    async def run(self, step: Callable[[], R]) -> R:
        """Run `step` in the thread, behind what is under way. If the caller is cancelled, a step
        that has begun goes on to its end, and one that has not is dropped. Raises
        TransportUnavailableError after `close`."""
        if self._closed:
            raise TransportUnavailableError(f"{self.where}: the connection is closed")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="eventbus-client")
        return await asyncio.get_running_loop().run_in_executor(self._pool, step)

    @contextmanager
    def connection(self) -> Iterator[C]:
        """The connection, within a step. Raises TransportUnavailableError in place of `error`."""
        try:
            yield self._connection or self._opened()
        except self._error as exc:
            raise TransportUnavailableError(f"{self.where}: {exc}") from exc

    async def connect(self) -> None:
        """As `Transport.connect`."""
        self._closed = False
        try:
            await self.run(self._connect)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection behind what is under way, and end the thread. Both happen also when
        the caller stops waiting. Idempotent."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is None:
            return
        closed = pool.submit(self._disconnect)
        pool.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closed))
        pool.shutdown(wait=True)  # the thread has nothing left to do

    def _connect(self) -> None:
        with self.connection():
            pass

    def _opened(self) -> C:
        connection = self.open()
        try:
            self.prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
