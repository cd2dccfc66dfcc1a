"""What transport and monitor need of the connection to a store."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from .bus import BusTransaction

R = TypeVar("R")


class Client(Protocol):
    """A `BlockingClient` with transactions."""

    async def run(self, step: Callable[[], R]) -> R:
        """See `BlockingClient.run`."""
        ...

    async def connect(self) -> None:
        """See `BlockingClient.connect`."""
        ...

    async def close(self) -> None:
        """See `BlockingClient.close`."""
        ...

    def transaction(self, bus: str, *, write: bool) -> AbstractContextManager[BusTransaction]:
        """One transaction on one bus, in the client's thread. With `write` no other one that
        writes runs beside it, and at its end the document is stored; it is rolled back when
        anything is raised. Without, nothing is changed, and others may write meanwhile."""
        ...
