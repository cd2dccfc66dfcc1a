"""One process with a bus, for the tests of this folder: the messages say what a handler does.

Its JSON argument are the `Settings`. It writes one JSON line (a `Report`) for each thing that
happens, and answers SIGUSR1 with its counters. Times are CLOCK_MONOTONIC, one for all processes.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from eventbus_core import EventBus, EventBusError, Message, Reject, RetryPolicy

REFUSED = 17
"""Exit code when the bus did not start."""

STATS = (
    "running", "waiting", "unsettled", "handled", "incarnations", "refused_acts", "loop_stalls"
)  # fmt: skip


class Settings(msgspec.Struct, kw_only=True):
    url: str
    bus: str
    id: str | None = None
    concurrency: int = 1
    max_deliveries: int = 5
    blocks: bool = False
    """Handlers of messages with `block` never end here."""
    blocks_from: int | None = None
    """The same for every message from this start of a handler on."""
    waits: bool = False
    """Start the bus only after a line on stdin."""
    lingers: bool = False
    """After the bus was closed, live until stdin ends."""
    more_buses: int = 0
    """Started before the bus and closed after it."""
    options: dict[str, Any] = {}
    """Of the bus."""


class Task(msgspec.Struct, kw_only=True):
    """The payload: what a handler does with it."""

    n: int = -1
    sleep: float = 0.0
    block: bool = False
    exit: bool = False
    """Kill the process, after `sleep`."""
    reject: bool = False
    quiet: bool = False
    """Nothing, not even a report: as fast as a handler can be."""


class Report(msgspec.Struct, kw_only=True):
    what: str
    at: float
    n: int = -1
    attempt: int = 0
    details: dict[str, Any] = {}


def say(what: str, n: int = -1, attempt: int = 0, **details: Any) -> None:
    report = Report(what=what, at=time.monotonic(), n=n, attempt=attempt, details=details)
    # One system call for one line: a killed process leaves no half of it.
    os.write(sys.stdout.fileno(), msgspec.json.encode(report) + b"\n")


class Worker:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.starts = 0
        self.ticks = 0
        self.bus = self.make_bus(settings.id)
        self.bus.on("task", self.task, concurrency=settings.concurrency)
        self.bus.on("thread", self.thread)
        self.bus.on("tick", self.tick)

    def make_bus(self, instance_id: str | None = None) -> EventBus:
        settings = self.settings
        retry = RetryPolicy(max_deliveries=settings.max_deliveries)
        return EventBus(
            settings.url,
            name=settings.bus,
            instance_id=instance_id,
            retry=retry,
            **settings.options,
        )

    async def task(self, message: Message) -> None:
        if message.data.get("quiet"):
            return
        task = msgspec.convert(message.data, Task)
        say("start", task.n, message.attempt)
        self.starts += 1
        if task.exit:
            await asyncio.sleep(task.sleep)
            os._exit(9)
        if task.reject:
            raise Reject("asked to")
        limit = self.settings.blocks_from
        if (task.block and self.settings.blocks) or (limit is not None and self.starts >= limit):
            await asyncio.Event().wait()
        if task.sleep:
            await asyncio.sleep(task.sleep)
        say("end", task.n, message.attempt)

    def thread(self, message: Message) -> None:
        say("thread", message.data["n"], message.attempt)

    async def tick(self, message: Message) -> None:
        """Take 1 ms of the loop. A sleep, not a busy loop: the core is left to the others."""
        time.sleep(0.001)  # noqa: ASYNC251 # the handler is meant to hold the loop up
        if message.data != self.ticks:
            say("gap", message.data, expected=self.ticks)
        self.ticks = message.data + 1
        if self.ticks % 1000 == 0:
            say("ticks", self.ticks)

    def stats(self) -> None:
        stats, health = self.bus.stats(), self.bus.health()
        say("stats", state=health.state, **{name: getattr(stats, name) for name in STATS})

    async def run(self) -> int:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.stats)
        async with AsyncExitStack() as others:
            for _ in range(self.settings.more_buses):
                await others.enter_async_context(self.make_bus())
            say("joining")
            try:
                await self.bus.init()
            except EventBusError as exc:
                say("refused", error=type(exc).__name__)
                return REFUSED
            running = asyncio.create_task(self.bus.run())
            await asyncio.sleep(0)  # its signal handlers are installed before anyone hears "ready"
            say("ready", id=self.bus.id)
            await running
        say("closed", threads=await self.threads())
        if self.settings.lingers:
            sys.stdin.read()
        return 0

    async def threads(self) -> list[str]:
        """The threads beside the main one. A thread that was told to end needs a moment."""
        deadline = time.monotonic() + 2.0
        while threading.active_count() > 1 and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return [t.name for t in threading.enumerate() if t is not threading.main_thread()]


def main() -> int:
    settings = msgspec.json.decode(sys.argv[1], type=Settings)
    if settings.waits:
        say("waiting")
        sys.stdin.readline()
    return asyncio.run(Worker(settings).run())


if __name__ == "__main__":
    sys.exit(main())
