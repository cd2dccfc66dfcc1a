"""Starting, draining, closing: what is finished, handed back, left behind."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from eventbus_core import (
    BusClosedError,
    EventBus,
    Message,
    NotStartedError,
    TransportUnavailableError,
    UnsupportedError,
)
from eventbus_core.testing import wait_until

from .conftest import MakeBus


async def test_calls_before_init_and_after_close_say_so(make_bus: MakeBus) -> None:
    bus = make_bus()
    with pytest.raises(NotStartedError, match="init"):
        await bus.emit("x")
    with pytest.raises(NotStartedError):
        await bus.ready()
    with pytest.raises(NotStartedError):
        await bus.dead_letters.list()
    await bus.init()
    await bus.init()
    assert bus.health().ok
    await bus.close()
    await bus.close()
    with pytest.raises(BusClosedError, match="init"):
        await bus.emit("x")
    assert bus.health().state == "closed"


async def test_a_closed_bus_starts_again(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus()
    bus.on("x", lambda message: got.append(message.data), modes=["unicast"])
    for number in range(3):
        await bus.init()
        await bus.emit("x", number, target=bus.id)
        await wait_until(partial(got.__contains__, number), what="handled")
        await bus.close()


async def test_init_and_close_at_the_same_time(make_bus: MakeBus) -> None:
    bus = make_bus()
    await asyncio.gather(bus.init(), bus.init(), bus.init())
    await asyncio.gather(bus.close(), bus.close(), bus.init())
    await bus.close()


async def test_close_lets_running_handlers_finish(make_bus: MakeBus) -> None:
    done: list[int] = []
    started = asyncio.Event()
    bus = make_bus()

    @bus.on("task")
    async def handle(message: Message) -> None:
        started.set()
        await asyncio.sleep(0.3)
        await bus.emit("done", message.data)  # a draining handler may still send
        done.append(message.data)

    await bus.init()
    await bus.emit("task", 1, mode="anycast")
    await started.wait()
    await bus.close()
    assert done == [1]
    assert bus.stats().handled == 1


async def test_unstarted_work_is_at_another_instance_within_a_second(make_bus: MakeBus) -> None:
    taken: list[tuple[str, int, int]] = []
    started = asyncio.Event()
    first, second = make_bus(), make_bus()

    @first.on("task", concurrency=3)
    async def slowly(message: Message) -> None:
        started.set()
        taken.append(("first", message.data, message.attempt))
        await asyncio.sleep(1.5)

    await first.init()
    for number in range(6):
        await first.emit("task", number, mode="anycast")
    await wait_until(lambda: len(taken) == 3, what="three started")
    await wait_until(lambda: first.stats().waiting > 0 or True, what="some wait")

    second.on("task", lambda m: taken.append(("second", m.data, m.attempt)))
    await second.init()
    closing = asyncio.create_task(first.close())
    began = time.monotonic()
    await wait_until(lambda: len(taken) == 6, what="the rest")
    assert time.monotonic() - began < 1.0
    await closing
    # Handed back uncharged, oldest first, nothing twice.
    assert sorted(taken) == [
        *(("first", n, 1) for n in range(3)),
        *(("second", n, 1) for n in range(3, 6)),
    ]


async def test_drain_timeout_cancels_and_hands_back(make_bus: MakeBus) -> None:
    attempts: list[tuple[str, int]] = []
    cancelled = asyncio.Event()
    first, second = make_bus(drain_timeout=0.2), make_bus()

    @first.on("task")
    async def hangs(message: Message) -> None:
        attempts.append(("first", message.attempt))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await first.init()
    await first.emit("task", 1, mode="anycast")
    await wait_until(lambda: len(attempts) == 1, what="started")
    second.on("task", lambda message: attempts.append(("second", message.attempt)))
    await second.init()
    began = time.monotonic()
    await first.close()
    assert time.monotonic() - began < 2.0
    assert cancelled.is_set()
    await wait_until(lambda: len(attempts) == 2, what="handed back")
    # Handed back: the attempt that the close cut short does not count.
    assert attempts == [("first", 1), ("second", 1)]


async def test_close_inside_a_handler(make_bus: MakeBus) -> None:
    after: list[str] = []
    bus, other = make_bus(), make_bus()

    @bus.on("stop")
    async def stop(message: Message) -> None:
        await bus.close()
        after.append("closed")

    await other.init()
    await bus.init()
    await other.emit("stop", mode="anycast")
    await wait_until(lambda: after == ["closed"], what="closed from inside")
    # It counts as handled: it must not close the next instance too.
    got: list[int] = []
    other.on("stop", lambda message: got.append(1), modes=["anycast"])
    await other.ready()
    await other.emit("stop", mode="anycast")
    await wait_until(lambda: len(got) == 1, what="only the new one")


async def test_a_cancelled_close_ends_the_drain_and_leaves_nothing(make_bus: MakeBus) -> None:
    bus = make_bus(drain_timeout=60.0)
    started = asyncio.Event()

    @bus.on("task")
    async def hangs(message: Message) -> None:
        started.set()
        await asyncio.sleep(60)

    await bus.init()
    await bus.emit("task", 1)
    await started.wait()
    closing = asyncio.create_task(bus.close())
    await asyncio.sleep(0)
    closing.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert time.monotonic() - began < 5.0
    assert bus.health().state == "closed"


async def test_a_def_handler_that_outlives_the_drain_is_abandoned(
    make_bus: MakeBus, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    started = asyncio.Event()
    loop = asyncio.get_running_loop()
    bus = make_bus(drain_timeout=0.1)

    @bus.on("task")
    def blocks(message: Message) -> None:
        loop.call_soon_threadsafe(started.set)
        release.wait(20)

    await bus.init()
    await bus.emit("task", 1, mode="anycast")
    await started.wait()
    try:
        began = time.monotonic()
        await bus.close()
        assert time.monotonic() - began < 3.0
        assert "abandoned" in caplog.text
        assert "blocks" in caplog.text
    finally:
        release.set()
    await wait_until(lambda: not _bus_threads(), what="the thread ends")


def _bus_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("eventbus-")]


async def test_def_handlers_run_in_threads_with_context(make_bus: MakeBus) -> None:
    from contextvars import ContextVar

    tenant: ContextVar[str] = ContextVar("tenant", default="none")
    seen: list[tuple[str, bool]] = []
    bus = make_bus()

    def inside(message: Message) -> None:
        on_main = threading.current_thread() is threading.main_thread()
        seen.append((tenant.get(), on_main))

    tenant.set("acme")
    bus.on("task", inside)
    async with bus:
        await bus.emit("task")
        await wait_until(lambda: len(seen) == 1, what="handled")
    assert seen[0][1] is False
    await wait_until(lambda: not _bus_threads(), what="threads end")


async def test_a_def_handler_may_return_an_awaitable(make_bus: MakeBus) -> None:
    got: list[str] = []
    bus = make_bus()

    async def later(message: Message) -> None:
        got.append(threading.current_thread().name)

    bus.on("task", lambda message: later(message))
    async with bus:
        await bus.emit("task")
        await wait_until(lambda: len(got) == 1, what="awaited")
    assert got == [threading.main_thread().name]


async def test_roles(make_bus: MakeBus) -> None:
    got: list[int] = []
    publisher, consumer = make_bus(role="publisher"), make_bus(role="consumer")
    with pytest.raises(UnsupportedError, match="publisher"):
        publisher.on("x", lambda message: None)
    consumer.on("x", lambda message: got.append(message.data))
    await publisher.init()
    await consumer.init()
    with pytest.raises(UnsupportedError, match="consumer"):
        await consumer.emit("x")
    await publisher.emit("x", 1)
    await publisher.emit("x", 2, mode="anycast")
    await publisher.emit("x", 3, target=consumer.id)
    await wait_until(lambda: sorted(got) == [1, 2, 3], what="all three modes")


def _progress(handled: list[int], before: int) -> bool:
    return len(handled) > before or len(set(handled)) == 60


async def test_many_restarts_over_a_backlog_dead_letter_nothing(make_bus: MakeBus) -> None:
    handled: list[int] = []
    sender = make_bus()
    await sender.init()
    for number in range(60):
        await sender.emit("task", number, mode="anycast")
    for _ in range(20):
        worker = make_bus(drain_timeout=0.0)

        @worker.on("task", concurrency=4)
        async def handle(message: Message) -> None:
            await asyncio.sleep(0.02)
            handled.append(message.data)

        before = len(handled)
        await worker.init()
        await wait_until(partial(_progress, handled, before), what="progress")
        await worker.close()
    worker = make_bus()
    worker.on("task", lambda message: handled.append(message.data))
    await worker.init()
    await wait_until(lambda: set(handled) == set(range(60)), what="all handled")
    assert await sender.dead_letters.list() == []


async def test_without_a_store_init_raises_in_time() -> None:
    bus = EventBus("redis://127.0.0.1:1/0", connect_timeout=0.3)
    before = asyncio.all_tasks()
    began = time.monotonic()
    with pytest.raises(TransportUnavailableError, match=r"connect_timeout=0.3"):
        await bus.init()
    assert time.monotonic() - began < 3.0
    assert bus.health().state == "closed"
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_failover_inside_one_process(
    make_bus: MakeBus, kill: Callable[[EventBus], Awaitable[None]]
) -> None:
    taken: list[tuple[str, int, int]] = []
    done: list[int] = []
    first, second = make_bus(), make_bus()

    @first.on("task", concurrency=2)
    async def hangs(message: Message) -> None:
        taken.append(("first", message.data, message.attempt))
        await asyncio.sleep(60)

    await first.init()
    await second.init()
    for number in range(5):
        await second.emit("task", number, mode="anycast")
    await wait_until(lambda: len(taken) == 2, what="two started")

    @second.on("task")
    async def handle(message: Message) -> None:
        taken.append(("second", message.data, message.attempt))
        done.append(message.data)

    await second.ready()
    await wait_until(lambda: len(done) >= 2, what="what the first does not hold")
    await kill(first)
    died = time.monotonic()
    await wait_until(lambda: sorted(done) == [0, 1, 2, 3, 4], what="takeover", timeout=10)
    assert time.monotonic() - died < 1.0 + 0.2 + 1.0  # lease + heartbeat_interval + 1 s
    twice = {data: attempt for who, data, attempt in taken if who == "second"}
    # Only what was started is charged; what was only fetched is not.
    assert twice == {0: 2, 1: 2, 2: 1, 3: 1, 4: 1}
    assert second.stats().declared_dead == 1


async def test_a_handler_longer_than_the_lease_is_not_run_twice(make_bus: MakeBus) -> None:
    runs: list[int] = []
    first, second = (
        make_bus(lease=0.5, heartbeat_interval=0.1),
        make_bus(lease=0.5, heartbeat_interval=0.1),
    )
    for bus in (first, second):

        @bus.on("task")
        async def handle(message: Message) -> None:
            runs.append(message.data)
            await asyncio.sleep(2.0)

        await bus.init()
    await first.emit("task", 1, mode="anycast")
    await wait_until(
        lambda: first.stats().handled + second.stats().handled == 1, what="done", timeout=10
    )
    assert runs == [1]
    assert first.stats().declared_dead + second.stats().declared_dead == 0


async def test_stats_and_health(make_bus: MakeBus) -> None:
    bus = make_bus()
    assert not bus.health().ok
    bus.on("task", lambda message: None)
    async with bus:
        await bus.emit("task", 1)
        await wait_until(lambda: bus.stats().handled == 1, what="handled")
        stats = bus.stats()
        assert (stats.emitted, stats.received, stats.failed) == (1, 1, 0)
        (subscription,) = stats.subscriptions
        assert subscription.event == "task"
        assert subscription.handled == 1
        health = bus.health()
        assert health.ok
        assert health.store_reachable
        assert 0 < health.lease_left <= 1.0


async def test_subscriptions_made_while_closed_are_live_after_the_next_init(
    make_bus: MakeBus,
) -> None:
    got: list[str] = []
    bus = make_bus()
    async with bus:
        pass
    bus.on("x", lambda message: got.append(message.data))
    async with bus:
        await bus.emit("x", "again")
        await wait_until(lambda: "again" in got, what="the broadcast")


async def test_close_ends_a_start_that_is_under_way(make_bus: MakeBus) -> None:
    holder = make_bus("taken")
    await holder.init()
    bus = make_bus("taken")
    starting = asyncio.create_task(bus.init())  # waits for the lease
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await asyncio.gather(bus.close(), bus.close())
    assert time.monotonic() - began < 0.7
    with pytest.raises(BusClosedError):
        await starting
    assert bus.health().state == "closed"
    assert holder.health().ok
