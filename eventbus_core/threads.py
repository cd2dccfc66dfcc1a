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


class Job:
    """One call in a thread. When `done` is cancelled before the call has started, it never is."""

    __slots__ = ("argument", "context", "done", "function", "picked_up", "started")

    def __init__(self, function: Callable[[Any], Any], argument: Any, *, announce: bool) -> None:
        self.function = function
        self.argument = argument
        self.context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        self.started = False
        self.picked_up: asyncio.Future[None] | None = loop.create_future() if announce else None
        self.done: asyncio.Future[Any] = loop.create_future()


class HandlerThreads:
    """Up to `limit` threads, started when first needed, ended by `close`."""

    def __init__(self, limit: int, *, name: str) -> None:
        self._limit = limit
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lock = threading.Lock()

    def submit(
        self, function: Callable[[Any], Any], argument: Any, *, announce: bool = False
    ) -> Job:
        """Call `function` in a thread, with this task's context variables. `announce`: have the
        future `picked_up`, done when the call starts. A call cannot be stopped: no thread can."""
        job = Job(function, argument, announce=announce)
        with self._lock:
            if self._idle <= 0 and len(self._threads) < self._limit:
                thread = threading.Thread(
                    target=self._serve,
                    name=f"eventbus-{self._name}-{len(self._threads) + 1}",
                    daemon=True,
                )
                thread.start()
                self._threads.append(thread)
            else:
                # Taken back by the thread that picks the job up; negative: jobs are queued.
                self._idle -= 1
        self._jobs.put(job)
        return job

    def close(self) -> None:
        """Let each thread end after the job it runs. Does not wait."""
        with self._lock:
            for _ in self._threads:
                self._jobs.put(None)
            self._threads.clear()
            self._idle = 0

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            result: Any = None
            error: BaseException | None = None
            try:
                if not job.done.done():  # else its caller has given it up
                    job.started = True
                    if job.picked_up is not None:
                        _tell(job.picked_up, None, None)
                    try:
                        result = job.context.run(job.function, job.argument)
                    except BaseException as exc:  # a handler may raise anything
                        error = exc
                    _tell(job.done, result, error)
            except RuntimeError:
                return  # the loop is closed: the handler outlived its bus
            with self._lock:
                self._idle += 1
            del job, result, error


def _tell(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    future.get_loop().call_soon_threadsafe(_finish, future, result, error)


def _finish(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration) or not isinstance(error, Exception):
        # A future refuses StopIteration; SystemExit in a thread must not end the program.
        future.set_exception(RuntimeError(f"the handler raised {type(error).__name__}: {error}"))
    else:
        future.set_exception(error)
