"""`def` handlers: what their threads may not do."""

import subprocess
import sys
import threading

from eventbus_core import Message, RetryPolicy
from eventbus_core.testing import wait_until
from tests.core.world import World, runtime_of


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("eventbus-")]


async def test_a_call_that_waits_for_a_thread_never_starts_after_close(world: World) -> None:
    """Its message had been handed back, and it ran here as well once a thread was free."""
    bus = world.bus(handler_threads=1, drain_timeout=0.0, publish_timeout=1.0)
    blocked, release = threading.Event(), threading.Event()
    started: list[int] = []

    def blocks(message: Message) -> None:
        blocked.set()
        release.wait(10)

    bus.on("a", blocks)
    bus.on("b", lambda message: started.append(message.data))
    await bus.init()
    await bus.emit("a")
    await world.settle()
    try:
        await wait_until(blocked.is_set, what="the only thread is taken")
        await bus.emit("b", 1, mode="anycast")
        await world.settle()
        await world.run(bus.close())
    finally:
        release.set()
    await wait_until(lambda: not _threads(), what="the thread ends")
    assert started == []


async def test_the_time_limit_does_not_cover_the_wait_for_a_thread(world: World) -> None:
    """It did: the message became a dead letter, and its calls ran afterwards all the same."""
    policy = RetryPolicy(max_deliveries=3, initial=0.1, jitter=0)
    bus = world.bus(handler_threads=1, retry=policy)
    blocked, release = threading.Event(), threading.Event()
    attempts: list[int] = []

    def blocks(message: Message) -> None:
        blocked.set()
        release.wait(10)

    bus.on("a", blocks)
    bus.on("b", lambda message: attempts.append(message.attempt), timeout=1)
    await bus.init()
    await bus.emit("a")
    await world.settle()
    try:
        await wait_until(blocked.is_set, what="the only thread is taken")
        await bus.emit("b", 1)
        await world.clock.advance(10)
        assert attempts == []
        assert bus.stats().failed == 0
    finally:
        release.set()
    await wait_until(lambda: bus.stats().handled == 2, what="both handled")
    assert attempts == [1]
    assert bus.stats().dead_lettered == 0


async def test_a_retry_waits_for_the_thread_that_ran_out_of_time(world: World) -> None:
    """With concurrency 1, a second attempt ran beside the first one, which no timeout can end."""
    bus = world.bus(retry=RetryPolicy(initial=0, jitter=0))
    release = threading.Event()
    lock = threading.Lock()
    running = 0
    at_once: list[int] = []

    def handle(message: Message) -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
        release.wait(10)
        with lock:
            running -= 1

    bus.on("x", handle, timeout=1)
    await bus.init()
    await bus.emit("x")
    await world.settle()
    try:
        await wait_until(lambda: len(at_once) == 1, what="the first attempt has started")
        await world.settle()
        await world.clock.advance(3)
        assert bus.stats().failed == 1
        assert len(runtime_of(bus).threads._threads) == 1, "no second call was submitted"
    finally:
        release.set()
    await wait_until(lambda: bus.stats().handled == 1, what="the second attempt")
    assert at_once == [1, 1]


EXITS = """
import asyncio, sys
from eventbus_core import EventBus
from eventbus_core.testing import wait_until

async def main():
    async with EventBus("memory://x") as bus:
        bus.on("x", lambda message: sys.exit(3))
        await bus.ready()
        await bus.emit("x")
        await wait_until(lambda: bus.stats().failed)
    print("closed well")

asyncio.run(main())
"""


def test_sys_exit_in_a_thread_does_not_end_the_program() -> None:
    """It is a failure of that handler. It went through the event loop and ended the process."""
    done = subprocess.run(
        [sys.executable, "-c", EXITS], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "closed well\n", done.stderr
    assert done.returncode == 0
