"""Three worker processes, three modes, and one worker is killed at work. `make demo` runs it.

It starts a server of its own; with $EVENTBUS_URL set to a Redis URL it uses that one. What it
shows it also checks: the exit code is 0 only if everything was as promised.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from eventbus_core import EventBus, Message
from eventbus_redis.embedded import EmbeddedServer

WORKERS = ("ann", "bob", "cat")
VICTIM = "cat"
TASKS, TASK_SECONDS = 60, 0.05
LEASE, HEARTBEAT = 2.0, 0.4
PROMISE = LEASE + HEARTBEAT
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
UNHEARD = 0.1  # a task that ended less than this before the kill may not be settled yet

Processes = dict[str, "subprocess.Popen[bytes]"]


class DemoError(Exception):
    """The demonstration cannot go on."""


@dataclass
class Run:
    """One start of a task."""

    task: int
    worker: str
    started: float
    finished: float | None = None


@dataclass
class Reports:
    """What the workers have told us."""

    ready: set[str] = field(default_factory=set)
    greeted: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    async def take(self, message: Message) -> None:
        """Handle one report. Each worker's arrive in the order in which it sent them."""
        worker, what, now = message.source, message.data["what"], time.monotonic()
        if what == "greeted":
            self.greeted[worker] = message.data["text"]
        elif what == "answer":
            self.answers[worker] = message.data["text"]
        elif what == "started":
            self.runs.append(Run(message.data["task"], worker, now))
        elif what == "finished":
            task = message.data["task"]
            run = next(r for r in self.runs if (r.worker, r.task) == (worker, task))
            run.finished = now

    def finished(self) -> set[int]:
        return {run.task for run in self.runs if run.finished is not None}

    def in_hand(self, worker: str) -> list[Run]:
        return [run for run in self.runs if run.worker == worker and run.finished is None]


class Checks:
    """Prints what was checked; remembers whether all of it was true."""

    def __init__(self) -> None:
        self.passed = True

    def __call__(self, what: str, ok: bool) -> None:
        print(f"  {'ok    ' if ok else 'FAILED'}  {what}")
        self.passed &= ok


async def until(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DemoError(f"waited {seconds:g} s in vain for {what}")
        await asyncio.sleep(0.002)


@contextlib.contextmanager
def worker_processes(url: str, bus_name: str) -> Iterator[Processes]:
    """Three interpreters that run demo_worker.py; at the end none of them is left."""
    script = Path(__file__).with_name("demo_worker.py")
    processes: Processes = {}
    try:
        for name in WORKERS:
            processes[name] = subprocess.Popen(
                [sys.executable, str(script), bus_name, name, str(LEASE), str(HEARTBEAT)],
                env=os.environ | {"EVENTBUS_URL": url},
                start_new_session=True,  # Ctrl-C is for us; we stop them in good order
            )
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        try:
            for process in processes.values():
                process.wait(timeout=10)
        finally:
            for process in processes.values():
                process.kill()
                process.wait()


async def broadcast(bus: EventBus, reports: Reports, check: Checks) -> None:
    print("\nbroadcast: one message, every instance gets it")
    await bus.emit("greeting", "good morning")
    await until(lambda: len(reports.greeted) == len(WORKERS), "the greeting to reach everyone")
    for worker, text in sorted(reports.greeted.items()):
        print(f"  {worker}     heard {text!r}")
    check("every worker got it", set(reports.greeted) == set(WORKERS))


async def unicast(bus: EventBus, reports: Reports, check: Checks, processes: Processes) -> None:
    print("\nunicast: a question to one instance, its answer to the source")
    for worker in WORKERS:
        await bus.emit("question", "your pid?", target=worker)
    await until(lambda: len(reports.answers) == len(WORKERS), "the answers")
    for worker, text in sorted(reports.answers.items()):
        print(f"  {worker}     answered {text!r}")
    pids = {worker: str(process.pid) for worker, process in processes.items()}
    check("every worker answered with its own pid", reports.answers == pids)


async def anycast(bus: EventBus, reports: Reports, check: Checks, processes: Processes) -> None:
    print(f"\nanycast: {TASKS} tasks of {TASK_SECONDS * 1000:g} ms, each for one of the workers")
    began = time.monotonic()
    task = {"seconds": TASK_SECONDS}
    await asyncio.gather(
        *(bus.emit("task", task | {"number": n}, mode="anycast") for n in range(TASKS))
    )

    def victim_is_busy() -> bool:
        ages = [time.monotonic() - run.started for run in reports.in_hand(VICTIM)]
        return len(ages) == 2 and max(ages) < 0.8 * TASK_SECONDS

    await until(lambda: len(reports.finished()) >= TASKS // 3, "a third of the tasks")
    await until(victim_is_busy, f"{VICTIM} to be in the middle of two tasks")
    processes[VICTIM].kill()
    killed = time.monotonic()
    print(f"  {killed - began:4.2f} s  {VICTIM} is killed (SIGKILL) in the middle of two tasks")

    survivors = [worker for worker in WORKERS if worker != VICTIM]
    await until(lambda: len(reports.finished()) == TASKS, "all tasks", PROMISE + 10)
    await until(lambda: not any(map(reports.in_hand, survivors)), "the survivors to be idle")
    show_tasks(reports, check, began, killed)


def show_tasks(reports: Reports, check: Checks, began: float, killed: float) -> None:
    """Tell what became of the tasks, and compare it with the promises."""
    orphans = {run.task for run in reports.in_hand(VICTIM)}
    again = [run for run in reports.runs if run.task in orphans and run.worker != VICTIM]
    if not again:
        raise DemoError(f"{VICTIM} had no task in hand when it was killed")
    first = min(again, key=lambda run: run.started)
    failover = first.started - killed
    print(f"  {first.started - began:4.2f} s  {first.worker} takes over task {first.task}")
    print(f"  {max(run.finished or 0 for run in reports.runs) - began:4.2f} s  all tasks are done")
    for worker in WORKERS:
        runs = [run for run in reports.runs if run.worker == worker and run.finished is not None]
        print(f"  {worker}     finished {len(runs)} tasks")

    twice = {task for task, runs in Counter(run.task for run in reports.runs).items() if runs > 1}
    in_hand = orphans | {
        run.task
        for run in reports.runs
        if run.worker == VICTIM and run.finished is not None and run.finished > killed - UNHEARD
    }
    done = reports.finished()
    check(f"nothing was lost: {len(done)} of {TASKS} tasks are done", done == set(range(TASKS)))
    check(f"the tasks in hand of the killed one ran again: {text(orphans)}", orphans <= twice)
    check(f"no other task ran twice: {text(twice - in_hand) or 'none'}", twice <= in_hand)
    check(
        f"failover took {failover:.2f} s; promised: lease + heartbeat_interval = {PROMISE:.2f} s",
        failover <= PROMISE,
    )


def text(tasks: set[int]) -> str:
    return ", ".join(str(task) for task in sorted(tasks))


async def main(url: str) -> bool:
    """Show everything on the server at `url`. Returns whether every check passed."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    check, reports = Checks(), Reports()
    # A name of its own for each run: nothing is left over from the one before.
    bus = EventBus(
        url,
        name=f"demo-{uuid4().hex[:8]}",
        lease=LEASE,
        heartbeat_interval=HEARTBEAT,
        stream_ttl=60,
        backlog_ttl=60,
    )
    bus.on("report", reports.take)

    @bus.on("worker:ready")
    async def ready(message: Message) -> None:
        reports.ready.add(message.source)

    async with bus:
        with worker_processes(url, bus.name) as processes:
            await until(lambda: reports.ready == set(WORKERS), "three workers", seconds=20)
            await broadcast(bus, reports, check)
            await unicast(bus, reports, check, processes)
            await anycast(bus, reports, check, processes)
            letters = await bus.dead_letters.list()

        print("\nat the end")
        codes = {name: process.returncode for name, process in processes.items()}
        stopped = dict.fromkeys(WORKERS, 0) | {VICTIM: -signal.SIGKILL}
        check("no message became a dead letter", letters == [])
        check("the other workers closed in good order", codes == stopped)
    return check.passed


def run() -> int:
    # Whoever ends us by SIGTERM gets the same good order as by Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    given = os.environ.get("EVENTBUS_URL")
    server = EmbeddedServer()
    try:
        url = given or server.start().url
        where = "the server of $EVENTBUS_URL" if given else "an embedded server"
        # One that comes while asyncio makes its loop would leave half a loop behind.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        print(f"{len(WORKERS)} worker processes on {where}")
        return 0 if asyncio.run(main(url)) else 1
    except DemoError as exc:
        print(f"  FAILED  {exc}")
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the rest takes a moment and must be done
        server.stop()


if __name__ == "__main__":
    sys.exit(run())
