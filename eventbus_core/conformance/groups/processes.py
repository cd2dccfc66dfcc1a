"""Several processes on one bus: sharing, killing, coming back."""

import asyncio
import time
from collections import Counter
from typing import Any

import msgspec

from ...bus import EventBus
from ..cases import Cases, faults, needs
from ..child import Task
from ..handler_calls import Calls
from ..kit import BUS_LEASE, HEARTBEAT, LONG, Kit
from ..processes import Process

SLACK = 1.0
"""Seconds beside the promised ones: processes of a busy machine wait for each other."""


async def send(bus: EventBus, *tasks: Task, **how: Any) -> None:
    """Emit tasks, stored in this order."""
    await asyncio.gather(*(bus.emit("task", msgspec.to_builtins(task), **how) for task in tasks))


def starts(*processes: Process) -> list[tuple[int, int]]:
    """Number and attempt of each start of a handler, in order of the number."""
    reports = [report for process in processes for report in process.reports]
    return sorted((report.n, report.attempt) for report in reports if report.what == "start")


def handled(*processes: Process) -> list[int]:
    """Numbers of the tasks that were handled, in order."""
    return sorted(n for process in processes for n in process.numbers("end"))


async def ready(*processes: Process) -> list[str]:
    """Their instance ids, once all are live."""
    return [await process.ready() for process in processes]


class Processes(Cases, group="processes"):
    @needs("shared")
    @faults("process")
    async def test_processes_share_work_and_handle_each_once(self, kit: Kit) -> None:
        sender, children = kit.make_bus(role="publisher"), [kit.spawn(), kit.spawn()]
        await sender.init()
        await ready(*children)
        await send(sender, *(Task(n=n, sleep=0.002) for n in range(100)), mode="anycast")
        await kit.until(lambda: len(handled(*children)) >= 100, "a hundred tasks", extra=SLACK)
        for child in children:
            await child.close()
        assert starts(*children) == [(n, 1) for n in range(100)]
        assert all(child.numbers("end") for child in children)

    @needs("shared")
    @faults("process")
    async def test_broadcasts_reach_every_process_and_unicasts_one(self, kit: Kit) -> None:
        here, children = kit.make_bus(), [kit.spawn(), kit.spawn(id="fixed")]
        calls = Calls(kit)
        here.on("task", calls.handler(here))
        await here.init()
        ids = await ready(*children)
        assert ids[1] == "fixed"
        for n, id in enumerate(ids):
            await send(here, *(Task(n=100 * (n + 1) + i) for i in range(10)), target=id)
        await send(here, *(Task(n=i) for i in range(10)))
        await calls.until(10)
        for child in children:
            await child.until(lambda child=child: len(child.numbers("end")) >= 20, "twenty")
            await child.close()
        assert [call["n"] for call in calls.data()] == [*range(10)]
        for n, child in enumerate(children):
            assert child.numbers("end", "broadcast") == [*range(10)]
            mail = [100 * (n + 1) + i for i in range(10)]
            assert child.numbers("end", "unicast") == mail

    @needs("shared", "failover")
    @faults("process")
    async def test_work_of_a_killed_process_is_taken_over_in_time(self, kit: Kit) -> None:
        other, calls, victim = kit.make_bus(), Calls(kit), kit.spawn(concurrency=2)
        await other.init()
        await victim.ready()
        # Slow enough to have its starts recorded, fast enough to be fetched for ahead.
        await send(other, *(Task(n=n, sleep=0.003) for n in range(10)), mode="anycast")
        await victim.until(lambda: len(victim.numbers("end")) >= 10, "ten tasks")
        hanging = [Task(n=n, hang=True) for n in (10, 11)]
        await send(other, *hanging, *(Task(n=n) for n in range(12, 40)), mode="anycast")
        await victim.started(10, 11)
        other.on("task", calls.handler(other))
        await other.ready()
        victim.kill()
        died = time.monotonic()
        await calls.until(30, extra=BUS_LEASE + HEARTBEAT)
        assert time.monotonic() - died <= BUS_LEASE + HEARTBEAT + 1 + SLACK
        await calls.exactly(30)
        again = sorted((message.data["n"], message.attempt) for message in calls.messages())
        # What was in hand of a handler is charged and repeated, and nothing else.
        assert again == [(10, 2), (11, 2), *((n, 1) for n in range(12, 40))]
        assert starts(victim) == [(n, 1) for n in range(12)]

    @needs("shared", "failover", "redrive")
    @faults("process")
    async def test_a_message_that_kills_processes_dies_alone(self, kit: Kit) -> None:
        lease = {"lease": 1.0, "heartbeat_interval": 0.2}
        sender = kit.make_bus(role="publisher", **lease)  # type: ignore[arg-type]
        children = [kit.spawn(max_deliveries=2, options=lease) for _ in range(3)]
        await sender.init()
        await ready(*children)
        innocents = [Task(n=n, sleep=0.01) for n in range(30)]
        await send(sender, *innocents[:10], Task(n=-1, die=True), *innocents[10:], mode="anycast")
        (letter,) = await kit.eventually(
            sender.dead_letters.list, bool, "the dead letter", extra=2 * (1.0 + 0.2)
        )
        await kit.until(lambda: len(handled(*children)) >= 30, "all others", extra=SLACK)
        assert letter.message is not None
        assert (letter.message.data["n"], letter.attempts) == (-1, 2)
        assert handled(*children) == [*range(30)]
        assert starts(*children) == [(-1, 1), (-1, 2), *((n, 1) for n in range(30))]
        assert len(await sender.dead_letters.list()) == 1

    @needs("shared")
    @faults("process")
    async def test_a_killed_process_resumes_under_its_fixed_id(self, kit: Kit) -> None:
        sender, first = kit.make_bus(role="publisher"), kit.spawn(id="fixed")
        await sender.init()
        await first.ready()
        await send(sender, *(Task(n=n) for n in range(5)))
        await send(sender, *(Task(n=n) for n in range(100, 105)), target="fixed")
        await first.until(lambda: len(first.numbers("end")) >= 10, "ten tasks")
        # Its place in the broadcasts may be stored with a heartbeat, not with each settlement.
        await asyncio.sleep(3 * HEARTBEAT)
        first.kill()
        await send(sender, *(Task(n=n) for n in range(5, 10)))
        await send(sender, *(Task(n=n) for n in range(105, 110)), target="fixed")
        second = kit.spawn(id="fixed")
        await second.ready()
        await send(sender, Task(n=10))
        await second.until(lambda: len(second.numbers("end")) >= 11, "what came meanwhile")
        await second.close()
        assert second.numbers("end", "broadcast") == [*range(5, 11)]
        assert second.numbers("end", "unicast") == [*range(105, 110)]

    @needs("shared", "durable", "failover")
    @faults("process")
    async def test_unhandled_messages_outlive_all_processes(self, kit: Kit) -> None:
        sender, first = kit.make_bus(role="publisher"), kit.spawn(id="fixed", max_deliveries=1)
        await sender.init()
        await first.ready()
        # Slow enough to have its starts recorded.
        await send(sender, Task(n=0, sleep=0.003, fail=True), Task(n=1, hang=True), mode="anycast")
        await first.started(0, 1)
        await send(sender, Task(n=2), Task(n=3), mode="anycast")
        await send(sender, Task(n=4), target="fixed")
        if kit.capabilities.redrive:
            await kit.eventually(sender.dead_letters.list, bool, "the dead letter of the first")
        await sender.close()
        first.kill()
        second = kit.spawn(id="fixed", concurrency=2)
        await second.ready()
        await second.until(lambda: len(second.numbers("end")) >= 3, "what was left")
        await second.started(1)
        assert starts(second) == [(1, 2), (2, 1), (3, 1), (4, 1)]
        if kit.capabilities.redrive:
            await sender.init()
            (letter,) = await sender.dead_letters.list()
            assert letter.message is not None
            assert letter.message.data["n"] == 0

    @needs("shared")
    @faults("process")
    async def test_a_process_that_closes_hands_its_work_to_others(self, kit: Kit) -> None:
        # Its lease is long: what comes to the other one was handed back.
        other, calls, closing = kit.make_bus(), Calls(kit), kit.spawn(options={"lease": LONG})
        await other.init()
        await closing.ready()
        await send(other, *(Task(n=n, sleep=0.002) for n in range(5)), mode="anycast")
        await closing.until(lambda: len(closing.numbers("end")) >= 5, "five tasks")
        tasks = [Task(n=5, sleep=0.3), *(Task(n=n) for n in range(6, 20))]
        await send(other, *tasks, mode="anycast")
        await closing.started(5)

        other.on("task", calls.handler(other))
        await other.ready()
        await closing.close()
        await calls.exactly(14)
        counted = Counter(message.data["n"] for message in calls.messages())
        assert counted + Counter(handled(closing)) == Counter(range(20))
        assert {message.attempt for message in calls.messages()} == {1}
        assert handled(closing) == [*range(6)]
