"""The test's side of a worker process: start it, read its reports, signal it, end it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from eventbus_core import EventBus
from eventbus_core.testing import wait_until

from .worker import Report, Settings, Task

SCRIPT = Path(__file__).with_name("worker.py")
START_TIMEOUT = 20.0


class Process:
    """A worker process. Its output goes to files: no pipe can fill up, however late we read."""

    def __init__(self, settings: Settings, folder: Path, name: str) -> None:
        self.name = name
        self._reports: list[Report] = []
        self._errors = folder / f"{name}.stderr"
        output = folder / f"{name}.jsonl"
        with output.open("wb") as out, self._errors.open("wb") as errors:
            self._popen = subprocess.Popen(
                [sys.executable, str(SCRIPT), msgspec.json.encode(settings).decode()],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C in the terminal is for pytest alone
            )
        self._output = output.open("rb")

    def __repr__(self) -> str:
        return f"<{self.name} pid={self._popen.pid} exit={self._popen.poll()}>"

    # What it said

    @property
    def reports(self) -> list[Report]:
        """Everything it has reported so far, oldest first."""
        while (line := self._output.readline()).endswith(b"\n"):
            self._reports.append(msgspec.json.decode(line, type=Report))
        self._output.seek(-len(line), os.SEEK_CUR)  # a line that is being written
        return self._reports

    def said(self, what: str, n: int | None = None) -> list[Report]:
        return [r for r in self.reports if r.what == what and (n is None or r.n == n)]

    def numbers(self, what: str) -> list[int]:
        return [report.n for report in self.said(what)]

    def in_hand(self) -> set[int]:
        """Messages whose handler was started and has not ended."""
        return set(self.numbers("start")) - set(self.numbers("end"))

    async def stats(self) -> dict[str, Any]:
        """Its counters now."""
        before = len(self.said("stats"))
        self.signal(signal.SIGUSR1)
        await wait_until(
            lambda: len(self.said("stats")) > before or not self.alive, what=f"stats of {self}"
        )
        assert self.alive, f"{self} ended"
        return self.said("stats")[-1].details

    async def until_stats(
        self, test: Callable[[dict[str, Any]], object], *, timeout: float = 10.0
    ) -> dict[str, Any]:
        """Ask for its counters until they pass the test."""
        deadline = time.monotonic() + timeout
        while not test(stats := await self.stats()):
            assert time.monotonic() < deadline, f"the last counters of {self} were {stats}"
            await asyncio.sleep(0.01)
        return stats

    # What is done to it

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._popen.poll()

    def go(self) -> None:
        """Let a worker with `waits` start its bus."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(b"\n")
        self._popen.stdin.flush()

    def release(self) -> None:
        """Let a worker with `lingers` end."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()

    def signal(self, number: signal.Signals) -> float:
        """Send a signal; return when."""
        # Popen.send_signal never hits a process that took over the pid of one that has ended.
        self._popen.send_signal(number)
        return time.monotonic()

    def kill(self) -> float:
        """SIGKILL; return when it was sent."""
        killed_at = self.signal(signal.SIGKILL)
        self._popen.wait(10)
        return killed_at

    async def exited(self, timeout: float = 10.0) -> int:
        """Wait for its end; return the exit code."""
        await wait_until(lambda: not self.alive, timeout=timeout, what=f"the end of {self}")
        return self._popen.wait()

    async def until_said(self, what: str, timeout: float = START_TIMEOUT) -> Report:
        await wait_until(
            lambda: self.said(what) or not self.alive, timeout=timeout, what=f"{what!r} of {self}"
        )
        assert self.said(what), f"{self} ended without {what!r}"
        return self.said(what)[0]

    def end(self) -> str:
        """End it whatever it does; return what it wrote to stderr."""
        if self.alive:
            os.kill(self._popen.pid, signal.SIGKILL)
        self._popen.wait(10)
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._output.close()
        return self._errors.read_text("utf-8", errors="replace")


async def send(bus: EventBus, *tasks: Task) -> None:
    """Emit anycast tasks together; return when all are stored, in this order."""
    await asyncio.gather(
        *(bus.emit("task", msgspec.to_builtins(task), mode="anycast") for task in tasks)
    )


async def warm_up(bus: EventBus, process: Process, count: int = 200) -> None:
    """Show the process that its handler takes microseconds: from then on it fetches hundreds of
    messages at a time, so that it holds as many unstarted ones when a handler blocks."""
    before = (await process.stats())["handled"]
    await send(bus, *(Task(quiet=True) for _ in range(count)))
    await process.until_stats(lambda s: s["handled"] >= before + count and s["unsettled"] == 0)
