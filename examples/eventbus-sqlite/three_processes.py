"""Three processes share work over one SQLite file, and one of them is killed while it works.

    python three_processes.py sqlite:///demo.db

It ends by itself. What it shows it also checks: the exit code is 0 only if every task was handled,
and none was handled twice but those that the killed process had in hand.
"""

import asyncio
import sys
import time
from collections import Counter
from uuid import uuid4

from eventbus_core import EventBus, Message

WORKERS = ("ann", "bob", "cat")
VICTIM = "cat"
TASKS, TASK_SECONDS = 60, 0.05
LEASE, HEARTBEAT = 2.0, 0.4
PATIENCE = 30.0


async def work(url: str, bus_name: str, worker: str) -> None:
    """One worker process. It tells on stdout what it does."""
    bus = EventBus(
        url, name=bus_name, instance_id=worker, lease=LEASE, heartbeat_interval=HEARTBEAT
    )

    @bus.on("task")
    async def handle(message: Message) -> None:
        print("started", message.data, flush=True)
        await asyncio.sleep(TASK_SECONDS)
        print("finished", message.data, flush=True)

    async with bus:
        print("ready", flush=True)
        await bus.run()  # until it is terminated


class Worker:
    """A worker process, seen by the one that started it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process
        self.ready = asyncio.Event()
        self.started: list[int] = []
        self.finished: list[int] = []
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, name: str, url: str, bus_name: str) -> "Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, url, bus_name, name, stdout=asyncio.subprocess.PIPE
        )
        return cls(name, process)

    @property
    def in_hand(self) -> set[int]:
        """Tasks that it has started and not finished."""
        return set(self.started) - set(self.finished)

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            what, *number = line.split()
            if what == b"ready":
                self.ready.set()
            elif what == b"started":
                self.started.append(int(number[0]))
            else:
                self.finished.append(int(number[0]))

    async def end(self, *, kill: bool = False) -> None:
        """Stop it, or kill it; return when it has ended and everything it said was heard."""
        if self.process.returncode is None:
            self.process.kill() if kill else self.process.terminate()
        await self.process.wait()
        await self._listening


async def main(url: str) -> bool:
    bus_name = f"three-processes-{uuid4().hex[:8]}"
    workers = [await Worker.start(name, url, bus_name) for name in WORKERS]
    victim = next(worker for worker in workers if worker.name == VICTIM)
    try:
        async with asyncio.timeout(PATIENCE):
            return await show(url, bus_name, workers, victim)
    finally:
        for worker in workers:
            await worker.end()


async def show(url: str, bus_name: str, workers: list[Worker], victim: Worker) -> bool:
    """Give them work, kill one, and tell what happened. Returns whether that is as promised."""
    for worker in workers:
        await worker.ready.wait()
    print(f"{len(workers)} processes are ready: {', '.join(WORKERS)}")
    async with EventBus(url, name=bus_name, role="publisher") as bus:
        await asyncio.gather(*(bus.emit("task", n, mode="anycast") for n in range(TASKS)))
        print(f"{TASKS} tasks are stored")
        while not (len(victim.finished) >= 5 and victim.in_hand):
            await asyncio.sleep(0.001)
        await victim.end(kill=True)
        killed = time.monotonic()
        print(f"{victim.name} was killed with task {sorted(victim.in_hand)} in hand")
        lost = victim.in_hand
        others = [worker for worker in workers if worker is not victim]
        while lost - {task for worker in others for task in worker.finished}:
            await asyncio.sleep(0.01)
        print(f"it was handled by another one {time.monotonic() - killed:.1f} s later")
        while len({task for worker in workers for task in worker.finished}) < TASKS:
            await asyncio.sleep(0.01)
    for worker in others:
        await worker.end()
    times = Counter(task for worker in workers for task in worker.finished)
    print(*(f"{worker.name} finished {len(worker.finished)} tasks" for worker in workers), sep="\n")
    again = {task for task, n in times.items() if n > 1}
    print(f"all {len(times)} tasks were handled, {len(again)} of them twice")
    # What it had finished and not settled yet is handled again, too.
    return len(times) == TASKS and again <= set(victim.started)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(0 if asyncio.run(main(sys.argv[1])) else "this is not what was promised")
    asyncio.run(work(*sys.argv[1:]))
