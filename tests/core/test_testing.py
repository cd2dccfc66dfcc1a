"""The helpers that users' tests are built on."""

import asyncio
import threading

import pytest

from eventbus_core.clock import wait_event
from eventbus_core.memory import MemoryStore
from eventbus_core.modes import EventMode
from eventbus_core.plugins import open_transport
from eventbus_core.testing import ManualClock, make_message, wait_until

pytest_plugins = ["eventbus_core.testing"]


class TestManualClock:
    async def test_it_stands_still_and_both_times_move_together(self) -> None:
        clock = ManualClock(start=100.0)
        before = clock.monotonic()
        await clock.advance(2.5)
        assert clock.time() == 102.5
        assert clock.monotonic() - before == 2.5

    async def test_sleepers_wake_in_order_each_at_its_own_time(self) -> None:
        clock = ManualClock(start=0.0)
        woken: list[tuple[str, float]] = []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((name, clock.time()))

        async with asyncio.TaskGroup() as tasks:
            for name, seconds in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("b2", 2.0)):
                tasks.create_task(sleeper(name, seconds))
            await clock.advance(5.0)
        assert woken == [("a", 1.0), ("b", 2.0), ("b2", 2.0), ("c", 3.0)]
        assert clock.time() == 5.0

    async def test_a_task_sleeps_many_times_within_one_advance(self) -> None:
        clock = ManualClock(start=0.0)
        ticks: list[float] = []

        async def ticking() -> None:
            while True:
                await clock.sleep(0.1)
                ticks.append(clock.time())

        task = asyncio.create_task(ticking())
        await clock.advance(1.0)
        task.cancel()
        assert ticks == pytest.approx([n / 10 for n in range(1, 11)])

    async def test_a_sleeper_that_is_not_due_goes_on_sleeping(self) -> None:
        clock = ManualClock()
        task = asyncio.create_task(clock.sleep(1.0))
        await clock.advance(0.999)
        assert not task.done()
        assert clock.sleepers == 1
        await clock.advance(0.001)
        assert task.done()
        assert clock.sleepers == 0

    async def test_a_cancelled_sleeper_is_forgotten(self) -> None:
        clock = ManualClock()
        kept, cancelled = (asyncio.create_task(clock.sleep(1.0)) for _ in range(2))
        await clock.advance(0.5)
        cancelled.cancel()
        await clock.advance(0.0)
        assert clock.sleepers == 1
        await clock.advance(0.5)
        assert kept.done()
        assert cancelled.cancelled()

    async def test_a_sleeper_cancelled_by_one_that_woke_before(self) -> None:
        clock = ManualClock()
        second = asyncio.create_task(clock.sleep(2.0))

        async def first() -> None:
            await clock.sleep(1.0)
            second.cancel()

        task = asyncio.create_task(first())
        await clock.advance(5.0)
        assert task.done()
        assert second.cancelled()

    async def test_no_sleep_at_all_only_yields(self) -> None:
        clock = ManualClock()
        await clock.sleep(0)
        await clock.sleep(-1)

    async def test_a_tiny_sleep_waits_for_the_clock_to_move(self) -> None:
        clock = ManualClock()
        task = asyncio.create_task(clock.sleep(1e-15))
        await clock.advance(0.0)
        assert not task.done()
        await clock.advance(1e-6)
        assert task.done()

    async def test_advance_waits_until_chains_of_callbacks_have_run(self) -> None:
        clock = ManualClock()
        steps = 0

        async def chain() -> None:
            nonlocal steps
            await clock.sleep(1.0)
            for _ in range(200):
                await asyncio.sleep(0)
                steps += 1

        task = asyncio.create_task(chain())
        await clock.advance(1.0)
        assert steps == 200
        await task

    async def test_advance_ends_even_when_a_task_spins(self) -> None:
        clock = ManualClock()

        async def spin() -> None:
            while True:
                await asyncio.sleep(0)

        task = asyncio.create_task(spin())
        await clock.advance(1.0)
        task.cancel()

    async def test_it_drives_wait_event(self) -> None:
        clock, event = ManualClock(), asyncio.Event()
        waiting = asyncio.create_task(wait_event(clock, event, 2.0))
        await clock.advance(2.0)
        assert await waiting is False
        waiting = asyncio.create_task(wait_event(clock, event, 2.0))
        await clock.advance(1.0)
        event.set()
        assert await waiting is True
        assert clock.sleepers == 0

    async def test_it_wakes_sleepers_of_another_loop(self) -> None:
        clock = ManualClock()
        thread = threading.Thread(target=lambda: asyncio.run(clock.sleep(1.0)))
        thread.start()
        await wait_until(lambda: clock.sleepers == 1, what="the other thread's sleep")
        await clock.advance(1.0)
        await asyncio.to_thread(thread.join, 5.0)
        assert not thread.is_alive()


class TestWaitUntil:
    async def test_it_returns_when_the_predicate_is_true(self) -> None:
        values = iter([0, None, "yes"])
        await wait_until(lambda: next(values))

    async def test_the_failure_says_what_and_the_last_value(self) -> None:
        with pytest.raises(AssertionError, match=r"three items .* 0\.01 s; .* \[\]"):
            await wait_until(lambda: [], timeout=0.01, what="three items")

    async def test_what_the_predicate_raises_gets_out(self) -> None:
        with pytest.raises(ZeroDivisionError):
            await wait_until(lambda: 1 / 0)


class TestMakeMessage:
    def test_defaults(self) -> None:
        message = make_message("user:created", {"id": 1})
        assert message.event == "user:created"
        assert message.data == {"id": 1}
        assert message.mode is EventMode.BROADCAST
        assert message.attempt == 1
        assert message.id.startswith(f"{message.timestamp_ms:012x}")
        assert message.timestamp.tzinfo is not None
        assert message.id != make_message().id

    def test_the_mode_follows_from_target_and_group(self) -> None:
        assert make_message(target="a").mode is EventMode.UNICAST
        assert make_message(group="g").mode is EventMode.ANYCAST
        assert make_message(group="g", mode=EventMode.BROADCAST).mode is EventMode.BROADCAST

    def test_everything_can_be_given(self) -> None:
        message = make_message(
            data=1, id="x", source="s", headers={"h": "v"}, attempt=3, timestamp_ms=5
        )
        assert (message.id, message.source, message.attempt) == ("x", "s", 3)
        assert (dict(message.headers), message.timestamp_ms) == ({"h": "v"}, 5)


class TestFixtures:
    def test_each_test_has_its_own_store(self, memory_url: str) -> None:
        assert memory_url.startswith("memory://test-")

    def test_the_store_of_a_test_with_a_manual_clock_runs_on_it(
        self, memory_url: str, manual_clock: ManualClock
    ) -> None:
        store = MemoryStore.named(memory_url.removeprefix("memory://"))
        assert store.clock is manual_clock
        assert open_transport(memory_url, bus="b", io_timeout=1.0).clock is manual_clock
