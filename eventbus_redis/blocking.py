"""A read that waits for something to arrive, on a connection of its own."""

import asyncio
from typing import Any, Final

from .link import Arg, Line, Link, quiet
from .state import State

_UNBLOCK_AGAIN: Final = 0.02
"""Seconds after which an unblock is repeated: it can reach the server before the read does."""


class BlockingRead:
    """At most one blocking call on a line of its own, with a way to end it early."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.line: Final = Line(state.config, state.io_timeout)
        self.reading: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def block_ms(self) -> int | None:
        """For how long a read that is sent may block the connection; None: not at all."""
        return self._state.block_ms

    async def send(self, *args: Arg) -> "asyncio.Future[Any]":
        """Start the read; returns when it is on its way. Opening the line may fail."""
        link = await self._state.commands.answer(self.line.open())
        self._state.check_reads()
        self.reading = self._start(link, args)
        self.reading.add_done_callback(self._ended)
        return self.reading

    def unblock(self) -> None:
        """End the read soon; what it has found meanwhile still arrives."""
        if self.reading is not None and self._timer is None:
            self._unblock()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def close(self) -> None:
        self.stop()
        await self.line.close()

    def _start(self, link: Link, args: tuple[Arg, ...]) -> "asyncio.Future[Any]":
        return link.call(*args, allow=self._state.block_ms / 1000)

    def _unblock(self) -> None:
        self._timer = None
        link, commands = self.line.link, self._state.commands.line.link
        if self.reading is None or link is None:
            return
        # Without the id, or the permission, the read ends by itself after its BLOCK time.
        if commands is not None and link.client_id is not None:
            quiet(commands.call("CLIENT", "UNBLOCK", link.client_id))
        self._timer = self._state.loop.call_later(_UNBLOCK_AGAIN, self._unblock)

    def _ended(self, done: "asyncio.Future[Any]") -> None:
        if self.reading is done:
            self.reading = None
            self.stop()


class PollingRead(BlockingRead):
    """Asks again and again without blocking, and looks from outside like a read that blocks.

    For imitations of a server whose blocking reads lose messages, in tests.
    """

    def __init__(self, state: State, interval: float) -> None:
        super().__init__(state)
        self._interval = interval
        self._ending = False

    @property
    def block_ms(self) -> int | None:
        return None

    def unblock(self) -> None:
        self._ending = True
        if self._timer is not None and self.reading is not None:  # nothing is on its way
            self.stop()
            self.reading.set_result(())

    def _start(self, link: Link, args: tuple[Arg, ...]) -> "asyncio.Future[Any]":
        self._ending = False
        reading: asyncio.Future[Any] = self._state.loop.create_future()
        self._ask(link, args, reading)
        return reading

    def _ask(self, link: Link, args: tuple[Arg, ...], reading: "asyncio.Future[Any]") -> None:
        self._timer = None

        def answered(done: "asyncio.Future[Any]") -> None:
            if reading.done():
                return
            if (fault := done.exception()) is not None:
                reading.set_exception(fault)
            elif done.result() or self._ending:
                reading.set_result(done.result())
            else:
                self._timer = self._state.loop.call_later(
                    self._interval, self._ask, link, args, reading
                )

        link.call(*args).add_done_callback(answered)


def blocking_read(state: State) -> BlockingRead:
    """As the transport was told."""
    return BlockingRead(state) if state.poll is None else PollingRead(state, state.poll)
