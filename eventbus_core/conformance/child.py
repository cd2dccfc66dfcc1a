"""A process with a bus: ``python child.py SETTINGS``.

It subscribes one handler to the event ``task``, in all modes; a message's payload says what the
handler does. It writes a JSON line (a `Report`) for each thing that happens, and closes its bus
when its standard input ends or at SIGTERM.
"""

import asyncio
import os
import sys
from typing import Any

import msgspec

from eventbus_core import EventBus, Message, RetryPolicy


class Settings(msgspec.Struct, kw_only=True, frozen=True):
    url: str
    bus: str
    id: str | None = None
    group: str = "default"
    concurrency: int = 1
    max_deliveries: int = 5
    listens: bool = True
    """False: it has no handler."""
    options: dict[str, Any] = {}
    """More options of its bus."""


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """The payload: what the handler does with it."""

    n: int
    sleep: float = 0.0
    hang: bool = False
    """Never end."""
    die: bool = False
    """End the process at once, as if killed."""
    fail: bool = False


class Report(msgspec.Struct, kw_only=True, frozen=True):
    what: str
    """``ready`` (with the instance id), ``start``, ``end`` or ``closed``."""
    id: str = ""
    n: int = -1
    mode: str = ""
    attempt: int = 0


def say(report: Report) -> None:
    """One system call for one line: a killed process leaves no half of it."""
    os.write(sys.stdout.fileno(), msgspec.json.encode(report) + b"\n")


async def handle(message: Message) -> None:
    task = msgspec.convert(message.data, Task)
    say(Report(what="start", n=task.n, mode=message.mode, attempt=message.attempt))
    if task.die:
        os._exit(9)
    if task.hang:
        await asyncio.Event().wait()
    if task.sleep:
        await asyncio.sleep(task.sleep)
    if task.fail:
        raise RuntimeError("asked to fail")
    say(Report(what="end", n=task.n, mode=message.mode, attempt=message.attempt))


async def main(settings: Settings) -> None:
    bus = EventBus(
        settings.url,
        name=settings.bus,
        instance_id=settings.id,
        group=settings.group,
        retry=RetryPolicy(max_deliveries=settings.max_deliveries, initial=0.05, jitter=0.0),
        **settings.options,
    )
    if settings.listens:
        bus.on("task", handle, concurrency=settings.concurrency)
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), _at_end_of_input, bus, loop)
    started = asyncio.create_task(_say_when_ready(bus))
    await bus.run()
    await started
    say(Report(what="closed"))


def _at_end_of_input(bus: EventBus, loop: asyncio.AbstractEventLoop) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        bus.stop()


async def _say_when_ready(bus: EventBus) -> None:
    while not bus.health().ok:
        if bus.health().state == "closed":
            return
        await asyncio.sleep(0.005)
    await bus.ready()
    say(Report(what="ready", id=bus.id))


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Settings)))
