"""SIGTERM, SIGINT, SIGSTOP."""

import signal

import pytest

from eventbus_core import EventBus
from eventbus_core.testing import wait_until

from .conftest import FAILOVER, LEASE, Start
from .process import Process, send, warm_up
from .worker import Task

PATIENT = {"drain_timeout": 30.0}


async def holding(start: Start, sender: EventBus, count: int, sleep: float) -> Process:
    """A worker that runs the handler of task 0, which takes `sleep` seconds, and holds `count`
    others unstarted."""
    process = await start(options=PATIENT)
    await warm_up(sender, process)
    await send(sender, Task(n=0, sleep=sleep), *(Task(n=n) for n in range(1, count + 1)))
    await process.until_stats(lambda s: s["running"] == 1 and s["waiting"] == count)
    await wait_until(lambda: process.numbers("start") == [0], what="task 0 started")
    return process


async def test_sigterm_drains_and_hands_back(start: Start, sender: EventBus) -> None:
    closing = await holding(start, sender, 20, sleep=3.0)
    other = await start()
    sent_at = closing.signal(signal.SIGTERM)
    await wait_until(lambda: len(other.said("end")) == 20, what="the 20 at the other")
    assert max(report.at for report in other.said("end")) - sent_at <= 1.0
    assert sorted(other.numbers("end")) == list(range(1, 21))
    assert {report.attempt for report in other.said("start")} == {1}

    assert await closing.exited() == 0
    assert closing.numbers("start") == closing.numbers("end") == [0]
    assert (await other.stats())["running"] == 0
    assert await sender.dead_letters.list() == []


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_the_drain(
    start: Start, sender: EventBus, second: signal.Signals
) -> None:
    closing = await holding(start, sender, 5, sleep=3600.0)
    closing.signal(signal.SIGTERM)
    await closing.until_stats(lambda stats: stats["state"] == "closing")
    assert closing.in_hand() == {0}
    # Nobody else is there, so that the hour of task 0 cannot begin again before the end.
    signalled_at = closing.signal(second)
    assert await closing.exited() == 0
    assert closing.numbers("end") == []
    assert closing.said("closed")[0].at - signalled_at <= 1.0

    # Everything was handed back, so that the next instance need not wait for a lease.
    heir = await start()
    wanted = set(range(6))
    await wait_until(lambda: set(heir.numbers("start")) >= {0}, timeout=5, what="task 0 again")
    # Not charged: the handler did not fail, the close cancelled it.
    assert heir.said("start", 0)[0].attempt == 1
    # Task 0 holds the one slot of the heir for an hour; a third instance takes the rest.
    third = await start()
    await wait_until(
        lambda: set(heir.numbers("start") + third.numbers("start")) == wanted, what="all tasks"
    )


async def test_a_stopped_process_is_replaced_and_comes_back(
    start: Start, sender: EventBus, processes: list[Process]
) -> None:
    zombie = await holding(start, sender, 10, sleep=0.5)
    zombie.signal(signal.SIGSTOP)
    assert zombie.numbers("end") == []
    other = await start()
    # The other was started after the stop: it watches for a whole lease before it judges.
    await wait_until(
        lambda: len(other.said("end")) == 11, timeout=LEASE + FAILOVER, what="its work taken over"
    )
    assert {r.attempt for r in other.said("start") if r.n > 0} == {1}

    zombie.signal(signal.SIGCONT)
    stats = await zombie.until_stats(
        lambda s: s["state"] == "live" and s["incarnations"] == 2 and s["running"] == 0
    )
    # Its handler went on to its end, which was not accepted; what it only held, it did not start.
    assert zombie.numbers("end") == [0]
    assert zombie.numbers("start") == [0]
    assert stats["refused_acts"] >= 1
    assert stats["loop_stalls"] == 1

    name = zombie.said("ready")[0].details["id"]
    await sender.emit("task", {"n": 100}, target=name)
    await sender.emit("task", {"n": 101})
    await send(sender, *(Task(n=n, sleep=0.05) for n in range(200, 240)))
    await wait_until(lambda: {100, 101} <= set(zombie.numbers("end")), what="the zombie's own")
    await wait_until(
        lambda: {n for p in processes for n in p.numbers("end")} >= set(range(200, 240)),
        what="later tasks",
    )
    assert any(n >= 200 for n in zombie.numbers("end"))
    later = [n for p in (zombie, other) for n in p.numbers("start") if n >= 200]
    assert len(later) == 40
    assert await sender.dead_letters.list() == []
