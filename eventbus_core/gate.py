"""Running one handler alone: for a message that was in hand when processes died."""

import asyncio
from collections.abc import Callable

from .clock import Clock, wait_event


class Gate:
    """Counts running handlers. While someone is alone, or waits to be, nobody else starts."""

    def __init__(self, clock: Clock, opened: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._opened = opened
        self.running = 0
        self._claims = 0
        self._turn = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._quiet = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether a handler must wait before it starts."""
        return self._claims > 0

    async def passed(self) -> None:
        """Wait until nobody is alone or waits to be."""
        while self._claims:
            await self._open.wait()

    def leave(self) -> None:
        """One handler has ended."""
        self.running -= 1
        if self._claims:
            self._quiet.set()

    async def enter_alone(self, patience: float) -> None:
        """Keep others from starting and wait until none runs, at most `patience` seconds: a
        handler that runs for hours must not stop all the others for as long."""
        self._claims += 1
        self._open.clear()
        try:
            await self._turn.acquire()
        except BaseException:
            self._release()
            raise
        try:
            deadline = self._clock.monotonic() + patience
            while self.running and (left := deadline - self._clock.monotonic()) > 0:
                self._quiet.clear()
                await wait_event(self._clock, self._quiet, left)
        except BaseException:
            self.leave_alone()
            raise

    def leave_alone(self) -> None:
        """Let others start again."""
        self._turn.release()
        self._release()

    def _release(self) -> None:
        self._claims -= 1
        if not self._claims:
            self._open.set()
            self._opened()
