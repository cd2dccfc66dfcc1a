"""Calling one handler once: `async def`, or `def` in a thread, with or without a time limit."""

import asyncio
from contextvars import ContextVar
from typing import Any

from .deadline import Deadline
from .inhand import InHand
from .message import Message
from .registry import Binding
from .threads import Job
from .workplace import Workplace

running_handler: ContextVar[tuple[Binding, InHand] | None] = ContextVar(
    "eventbus_handler", default=None
)
"""The handler that this code runs in, also in tasks and threads that it started."""


class HandlerCall:
    """One call; remembers a thread that it had to leave behind."""

    __slots__ = ("_binding", "_job", "_message", "_place")

    def __init__(self, binding: Binding, message: Message[Any], place: Workplace) -> None:
        self._binding = binding
        self._message = message
        self._place = place
        self._job: Job | None = None

    async def run(self) -> Any:
        """Call the handler; an awaitable that a `def` handler returns is awaited here. The time
        limit covers the call, not the wait for a thread. Raises TimeoutError."""
        timeout = self._binding.timeout
        if self._binding.is_async:
            awaitable = self._binding.handler(self._message)
        else:
            threads = self._place.threads
            self._job = threads.submit(
                self._binding.handler, self._message, announce=timeout is not None
            )
            if self._job.picked_up is not None:
                await self._job.picked_up
            awaitable = self._in_thread(self._job)
        if timeout is None:
            return await awaitable
        async with Deadline(self._place.clock, timeout):
            return await awaitable

    async def left(self) -> None:
        """Wait for a thread that is still in a call that ran out of time."""
        if self._job is not None and not self._job.done.done():
            await asyncio.wait((self._job.done,))

    def abandon(self) -> bool:
        """Give the call up; whether that leaves a thread behind."""
        job = self._job
        if job is None or job.done.done():
            return False
        job.done.cancel()  # one that no thread has taken yet never starts
        return job.started

    async def _in_thread(self, job: Job) -> Any:
        # Shielded: a time limit ends the wait, not the call.
        result = await asyncio.shield(job.done)
        if hasattr(result, "__await__"):
            return await result
        return result
