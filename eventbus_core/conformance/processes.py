"""The test's side of a process: start it, read what it says, kill it."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from ..testing import wait_until
from .child import Report, Settings

_CHILD = Path(__file__).with_name("child.py")
"""Run as a file: as a module it would load the kit, and pytest, into every process."""


class Process:
    """A `child` at work. Its output goes to files: no pipe fills up, however late they are read."""

    def __init__(self, deadline: float, **settings: Any) -> None:
        self._deadline = deadline
        self._reports: list[Report] = []
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 # closed by `end`
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 # as above
        self._rest = b""
        self._read_to = 0
        self._popen = subprocess.Popen(
            [
                sys.executable,
                "-P",
                str(_CHILD),
                msgspec.json.encode(Settings(**settings)).decode(),
            ],
            stdin=subprocess.PIPE,
            stdout=self._out,
            stderr=self._errors,
            start_new_session=True,  # a Ctrl-C in the terminal is for pytest alone
        )
        self.ended = False

    @property
    def reports(self) -> list[Report]:
        """Everything it has said so far, oldest first."""
        found = os.pread(self._out.fileno(), 1 << 24, self._read_to)
        self._read_to += len(found)
        *lines, self._rest = (self._rest + found).split(b"\n")
        self._reports += [msgspec.json.decode(line, type=Report) for line in lines]
        return self._reports

    def numbers(self, what: str, mode: str | None = None) -> list[int]:
        """Numbers of the tasks of which it said this, in order."""
        return [r.n for r in self.reports if r.what == what and mode in (None, r.mode)]

    async def ready(self) -> str:
        """Wait until its bus is live; its instance id."""
        await self.until(lambda: self._said("ready"), "ready")
        return self._said("ready")[0].id

    async def until(self, predicate: Any, what: str) -> None:
        """Wait for a condition, or its end. Raises AssertionError with what it wrote to stderr."""
        # Starting a Python process takes its time on a busy machine.
        await wait_until(
            lambda: predicate() or self._popen.poll() is not None,
            timeout=self._deadline + 20,
            what=f"{what} of a process",
        )
        assert predicate(), f"the process ended before {what}: {self.errors()}"

    async def started(self, *numbers: int) -> None:
        """Wait until the handlers of these tasks have started."""
        await self.until(lambda: set(numbers) <= set(self.numbers("start")), f"start {numbers}")

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait(10)

    async def close(self) -> None:
        """Let it close its bus; returns when it has ended. Raises AssertionError on a fault."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        await wait_until(
            lambda: self._popen.poll() is not None, timeout=self._deadline + 20, what="its end"
        )
        assert self._popen.returncode == 0, self.errors()

    async def gone(self) -> None:
        """Wait until it has ended by itself."""
        await wait_until(
            lambda: self._popen.poll() is not None, timeout=self._deadline + 20, what="its end"
        )

    def errors(self) -> str:
        """What it wrote to stderr."""
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode("utf-8", "replace")

    def end(self) -> None:
        """End it whatever it does. Idempotent."""
        if self.ended:
            return
        self.ended = True
        if self._popen.poll() is None:
            self.kill()
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._out.close()
        self._errors.close()

    def _said(self, what: str) -> list[Report]:
        return [report for report in self.reports if report.what == what]
