"""SIGKILL and handlers that end their process: nothing is lost, nobody innocent is charged."""

import asyncio
import itertools
import time
from collections import Counter

import pytest
from redis import Redis

from eventbus_core import EventBus
from eventbus_core.testing import wait_until

from .conftest import FAILOVER, Start
from .process import Process, send, warm_up
from .worker import Report, Task


def starts(processes: list[Process]) -> list[Report]:
    """Every start of a handler in any of the processes, in order of time."""
    found = [report for process in processes for report in process.said("start")]
    return sorted(found, key=lambda report: report.at)


def ended(processes: list[Process]) -> set[int]:
    return {n for process in processes for n in process.numbers("end")}


async def dead_letters(bus: EventBus) -> dict[int, int]:
    """The attempts of each dead letter."""
    letters = await bus.dead_letters.list(limit=1000)
    return {letter.message.data["n"]: letter.attempts for letter in letters if letter.message}


async def test_a_killed_worker_loses_nothing(
    start: Start, sender: EventBus, processes: list[Process]
) -> None:
    # From its 25th start on the victim's handlers never end, so that it dies with exactly four
    # tasks started and everything else of it settled, while the other is still at work.
    victim, other = await asyncio.gather(start(concurrency=4, blocks_from=25), start(concurrency=4))
    await send(sender, *(Task(n=n, sleep=0.05) for n in range(200)))
    await wait_until(lambda: len(victim.said("start")) == 28, what="the victim's 28th start")
    await wait_until(lambda: len(victim.in_hand()) == 4, what="four blocked handlers")
    await victim.until_stats(lambda stats: stats["unsettled"] == 0)
    assert len(ended(processes)) < 150, "the kill would come too late to be midway"
    killed_at = victim.kill()
    in_hand = victim.in_hand()

    await wait_until(lambda: len(ended(processes)) == 200, timeout=20, what="all 200 handled")
    runs = Counter(report.n for report in starts(processes))
    assert {n for n, times in runs.items() if times > 1} == in_hand
    assert max(runs.values()) == 2
    again = [report for report in other.said("start") if report.n in in_hand]
    assert {report.attempt for report in again} == {2}
    assert max(report.at for report in again) - killed_at <= FAILOVER
    # What the victim had fetched but not started is not charged.
    assert {r.attempt for r in other.said("start") if r.n not in in_hand} == {1}
    assert await dead_letters(sender) == {}


async def test_unstarted_messages_of_four_dead_instances_are_not_charged(
    start: Start, sender: EventBus, processes: list[Process]
) -> None:
    # One after another, each instance learns that its handler takes microseconds, is given 75
    # messages, starts the first, which blocks, and is killed holding the other 74 unstarted.
    # Their leases last until all four are dead: what one takes over from another it starts alone,
    # and then it would hold nothing unstarted.
    for batch in range(4):
        doomed = await start(blocks=True, options={"lease": 8.0})
        await warm_up(sender, doomed)
        await send(sender, *(Task(n=batch * 75 + n, block=True) for n in range(75)))
        await doomed.until_stats(lambda stats: stats["running"] == 1 and stats["waiting"] >= 74)
        doomed.kill()
    survivors = await asyncio.gather(start(), start())
    await wait_until(lambda: len(ended([*survivors])) == 300, timeout=30, what="all 300 handled")
    runs: Counter[int] = Counter()
    for report in starts(processes):
        runs[report.n] += 1
        assert report.attempt <= runs[report.n], report
    assert sum(times > 1 for times in runs.values()) <= 4
    assert await dead_letters(sender) == {}


@pytest.mark.parametrize(
    ("workers", "ahead", "fuse"),
    [
        # The poison comes in the middle of other work, and kills at once.
        pytest.param(2, 20, 0.0, id="amid-others"),
        # Each worker gets it together with others, and dies before it has started those.
        pytest.param(1, 0, 0.0, id="kills-before-others-start"),
        # At its first two deaths three newer messages are in hand as well.
        pytest.param(1, 0, 0.03, id="kills-while-others-run"),
    ],
)
async def test_a_poison_message_dies_alone(
    start: Start,
    sender: EventBus,
    processes: list[Process],
    client: "Redis",
    workers: int,
    ahead: int,
    fuse: float,
) -> None:
    poison = -7
    deliveries = 3
    numbers = itertools.count()

    async def innocents(count: int) -> None:
        await send(sender, *(Task(n=next(numbers), sleep=0.02 + fuse) for _ in range(count)))

    async def worker() -> Process:
        return await start(concurrency=4, max_deliveries=deliveries)

    # As on a server that was just started: it knows no script yet.
    client.script_flush()
    live = list(await asyncio.gather(*(worker() for _ in range(workers))))
    await asyncio.gather(
        innocents(ahead), send(sender, Task(n=poison, exit=True, sleep=fuse)), innocents(40 - ahead)
    )
    deadline = time.monotonic() + 40
    while poison not in (dead := await dead_letters(sender)):
        assert time.monotonic() < deadline, starts(processes)
        live = [process if process.alive else await worker() for process in live]
        await innocents(1)
        await asyncio.sleep(0.02)
    await innocents(20)
    total = next(numbers)
    while len(ended(processes) | set(dead := await dead_letters(sender))) <= total:
        assert time.monotonic() < deadline + 20, f"neither handled nor dead, out of {total}"
        await asyncio.sleep(0.02)

    assert dead == {poison: deliveries}
    assert [r.attempt for r in starts(processes) if r.n == poison] == [1, 2, 3]
    assert [p.exit_code for p in processes if not p.alive] == [9] * deliveries
