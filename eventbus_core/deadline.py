"""A deadline on the injected clock, in the manner of `asyncio.timeout`."""

import asyncio
from types import TracebackType

from .clock import Clock


class Deadline:
    """``async with Deadline(clock, seconds)``: cancels the block and raises TimeoutError."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._expired = False
        self._cancelling = 0
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Deadline":
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Deadline needs a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = asyncio.create_task(self._fire(), name="eventbus-deadline")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None and self._timer is not None
        self._timer.cancel()
        if not self._expired:
            return
        # Only our own cancellation becomes a TimeoutError; one from outside goes on.
        if self._task.uncancel() <= self._cancelling and exc_type is asyncio.CancelledError:
            raise TimeoutError(f"not finished within {self._seconds:g} s") from exc

    async def _fire(self) -> None:
        await self._clock.sleep(self._seconds)
        assert self._task is not None
        self._expired = True
        self._task.cancel()
