"""What this process holds: tasks, threads, open files and sockets."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .kit import Kit

_OPEN = Path("/proc/self/fd")


class Held(NamedTuple):
    """By name, so that a failure tells what it was."""

    tasks: Counter[str]
    """How many of each kind: those that wait for a timer come and go with every heartbeat."""
    threads: Counter[str]
    files: Counter[str]
    """Empty where the system does not tell."""

    def beyond(self, before: Held) -> Held:
        """What is held now and was not held before."""
        return Held(*(now - then for now, then in zip(self, before, strict=True)))


def held() -> Held:
    """What is held at this moment."""
    gc.collect()
    running = [task.get_coro() for task in asyncio.all_tasks() if not task.done()]
    threads = (f"{thread.name} {thread.ident}" for thread in threading.enumerate())
    return Held(
        Counter(getattr(coroutine, "__qualname__", "") for coroutine in running),
        Counter(threads),
        Counter(_open_files()),
    )


def _open_files() -> Iterator[str]:
    if not _OPEN.exists():
        return
    for entry in os.listdir(_OPEN):
        try:
            yield f"{entry} {os.readlink(_OPEN / entry)}"
        except OSError:
            continue  # the folder itself, while it was listed


@asynccontextmanager
async def nothing_left(kit: Kit) -> AsyncIterator[None]:
    """What is made inside is gone soon after it, without a ResourceWarning.

    Raises AssertionError.
    """
    before = held()
    with _resource_warnings() as warned:
        yield

        async def more() -> Held:
            return held().beyond(before)

        # Threads and sockets end a moment after they were told to.
        await kit.eventually(more, lambda found: not any(found), "that nothing is left")
        gc.collect()
    assert [str(each.message) for each in warned] == []


@contextmanager
def _resource_warnings() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ResourceWarning)
        yield caught
