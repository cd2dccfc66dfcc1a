"""Daemon threads for `def` handlers.

Not a ThreadPoolExecutor: its threads are joined at interpreter exit, so that one stuck handler
would keep the process from ending.
"""

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any

_Job = tuple[contextvars.Context, Callable[[Any], Any], Any, asyncio.Future[Any]]


class HandlerThreads:
    """Up to `limit` threads, started when first needed, ended by `close`."""

    def __init__(self, limit: int, *, name: str) -> None:
        self._limit = limit
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lock = threading.Lock()

    async def run(self, function: Callable[[Any], Any], argument: Any) -> Any:
        """Call `function` in a thread, with this task's context variables; return its result.

        Cancelling the caller does not stop the function: a thread cannot be stopped.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            if self._idle == 0 and len(self._threads) < self._limit:
                thread = threading.Thread(
                    target=self._serve,
                    name=f"eventbus-{self._name}-{len(self._threads) + 1}",
                    daemon=True,
                )
                self._threads.append(thread)
                thread.start()
            else:
                # Taken back by the thread that picks the job up.
                self._idle -= 1
        self._jobs.put((contextvars.copy_context(), function, argument, future))
        return await future

    def close(self) -> None:
        """Let each thread end after the job it runs. Does not wait."""
        with self._lock:
            for _ in self._threads:
                self._jobs.put(None)
            self._threads.clear()
            self._idle = 0

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            context, function, argument, future = job
            try:
                result = context.run(function, argument)
            except BaseException as exc:  # a handler may raise anything, also SystemExit
                outcome: tuple[Any, BaseException | None] = (None, exc)
            else:
                outcome = (result, None)
            with self._lock:
                self._idle += 1
            try:
                future.get_loop().call_soon_threadsafe(_finish, future, *outcome)
            except RuntimeError:
                return  # the loop is closed: the handler outlived its bus
            del job, context, function, argument, future, outcome


def _finish(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        # A future refuses StopIteration.
        future.set_exception(RuntimeError(f"the handler raised StopIteration: {error}"))
    else:
        future.set_exception(error)
