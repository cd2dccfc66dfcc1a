"""The small parts of the core, each on its own."""

import asyncio
import functools
import threading
import time
from contextvars import ContextVar
from typing import Any

import pytest

from eventbus_core import EventMode, Message, RetryPolicy
from eventbus_core.__main__ import main
from eventbus_core.clock import SystemClock, wait_event
from eventbus_core.deadline import Deadline
from eventbus_core.gate import Gate
from eventbus_core.progress import Progress, read_note
from eventbus_core.registry import Registry, handler_name, is_async, make_binding
from eventbus_core.store_state import StoreState
from eventbus_core.testing import ManualClock, make_message, wait_until
from eventbus_core.threads import HandlerThreads
from eventbus_core.transport import Death


def binding(event: str, handler: Any, **options: Any) -> Any:
    arguments: dict[str, Any] = {
        "group": None,
        "default_group": "g",
        "modes": None,
        "concurrency": 1,
        "retry": RetryPolicy(),
        "timeout": None,
        "once": False,
    }
    return make_binding(event, handler, **arguments | options)


async def an_async_handler(message: Message) -> None: ...


class Callable_:
    async def __call__(self, message: Message) -> None: ...


def test_kinds_of_handlers() -> None:
    assert is_async(an_async_handler)
    assert is_async(functools.partial(an_async_handler))
    assert is_async(Callable_())
    assert not is_async(print)
    assert not is_async(lambda message: an_async_handler(message))
    assert handler_name(an_async_handler).endswith("test_parts.an_async_handler")
    assert handler_name(functools.partial(an_async_handler)) == handler_name(an_async_handler)
    assert handler_name(Callable_()).endswith("Callable_")


def test_registry_finds_by_mode_and_group() -> None:
    registry = Registry()
    everything = binding("x", print)
    only_work = binding("x", print, modes=["anycast"], group="other")
    watcher = binding("x", repr, modes=[EventMode.BROADCAST])
    for item in (everything, only_work, watcher):
        registry.add(item)
    assert registry.listeners("x", EventMode.BROADCAST) == (everything, watcher)
    assert registry.listeners("x", EventMode.UNICAST) == (everything,)
    assert registry.workers("x", "g") == (everything,)
    assert registry.workers("x", "other") == (only_work,)
    assert set(registry.work_channels()) == {("x", "g"), ("x", "other")}
    # Two handlers of one function have names that differ, for the note of a partial failure.
    assert everything.name != only_work.name
    assert registry.remove("x", print) == [everything, only_work]
    assert everything.removed
    assert registry.remove("x") == [watcher]
    assert len(registry) == 0
    assert registry.announced() == frozenset()


def test_notes_survive_and_garbage_is_harmless() -> None:
    progress = Progress(finished=["a", "b"], death=Death(reason="r", attempts=2))
    assert read_note(progress.note()) == progress
    assert Progress().note() == ""
    for note in ("", "{", "[1]", '{"finished": 3}', "\ud800"):
        assert read_note(note) == Progress()


async def test_threads_start_when_needed_and_end() -> None:
    variable: ContextVar[int] = ContextVar("variable", default=0)
    threads = HandlerThreads(3, name="test")
    variable.set(7)
    try:
        names = await asyncio.gather(
            *(
                threads.submit(
                    lambda _: (threading.current_thread().name, variable.get()), None
                ).done
                for _ in range(10)
            )
        )
        assert {value for _, value in names} == {7}
        assert len({name for name, _ in names}) <= 3
        with pytest.raises(ZeroDivisionError):
            await threads.submit(lambda _: 1 / 0, None).done

        def stop(_: object) -> None:
            raise StopIteration("x")

        with pytest.raises(RuntimeError, match="StopIteration"):
            await threads.submit(stop, None).done
    finally:
        threads.close()
    await wait_until(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("eventbus-test")],
        what="threads end",
    )


async def test_a_blocked_thread_holds_up_no_other() -> None:
    threads = HandlerThreads(2, name="test")
    release = threading.Event()
    blocked = threads.submit(lambda _: release.wait(10), None).done
    try:
        for _ in range(20):
            assert await asyncio.wait_for(threads.submit(lambda x: x, 5).done, 5) == 5
    finally:
        release.set()
        await blocked
        threads.close()


async def test_deadline_on_a_manual_clock() -> None:
    clock = ManualClock()

    async def work() -> str:
        try:
            async with Deadline(clock, 5):
                await asyncio.Event().wait()
        except TimeoutError as exc:
            return str(exc)
        return "no timeout"

    task = asyncio.create_task(work())
    await clock.advance(4.9)
    assert not task.done()
    await clock.advance(0.2)
    assert await task == "not finished within 5 s"


async def test_deadline_lets_a_cancellation_from_outside_through() -> None:
    clock = ManualClock()

    async def work() -> None:
        async with Deadline(clock, 5):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_wait_event_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    clock, event = ManualClock(), asyncio.Event()
    waiting = asyncio.create_task(wait_event(clock, event, 5))
    await clock.advance(6)
    assert await waiting is False
    event.set()
    assert await wait_event(SystemClock(), event, 5) is True
    event.clear()
    assert await wait_event(SystemClock(), event, 0) is False
    assert asyncio.all_tasks() == before


async def test_gate_lets_one_run_alone() -> None:
    gate = Gate(ManualClock())
    gate.running = 2
    alone = asyncio.create_task(gate.enter_alone(100))
    await asyncio.sleep(0)
    assert gate.closed
    gate.leave()
    await asyncio.sleep(0)
    assert not alone.done()
    gate.leave()
    await alone
    waiting = asyncio.create_task(gate.passed())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.leave_alone()
    await waiting
    assert not gate.closed


async def test_gate_waits_no_longer_than_its_patience_and_survives_cancellation() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    gate.running = 1
    alone = asyncio.create_task(gate.enter_alone(10))
    await clock.advance(11)
    await alone
    gate.leave_alone()
    alone = asyncio.create_task(gate.enter_alone(10))
    await asyncio.sleep(0)
    alone.cancel()
    await asyncio.gather(alone, return_exceptions=True)
    assert not gate.closed


def test_delays_of_the_store_state_grow_to_one_second() -> None:
    clock = ManualClock()
    changes: list[str] = []
    state = StoreState(clock, lambda kind, text: changes.append(kind))
    delays = [state.failed("renew", OSError("down")) for _ in range(12)]
    assert delays[0] <= 0.05
    assert 0.4 <= max(delays) <= 1.0
    assert state.error == "down"
    state.worked("renew")
    assert changes == ["store lost", "store back"]
    assert state.failed("renew", OSError("again")) <= 0.05


def test_make_message_has_what_a_handler_needs() -> None:
    message = make_message("user:created", {"id": 1}, group="mail")
    assert message.mode is EventMode.ANYCAST
    assert message.timestamp.timestamp() == pytest.approx(time.time(), abs=60)


def test_command_line_lists_transports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transports"]) == 0
    out = capsys.readouterr().out
    assert "memory   eventbus-streams  failover, redrive, monitoring, actions\n" in out
    assert "redis    eventbus-streams  durable, shared, failover, redrive" in out
    with pytest.raises(SystemExit):
        main(["nonsense"])
