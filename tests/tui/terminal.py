"""A program in a pseudo-terminal, and what a person would see in it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType
from typing import Any, Self

import pyte


class Terminal:
    """Runs ``python ARGUMENTS`` in a terminal of its own; nothing is left of it after the block."""

    def __init__(
        self, *arguments: str, columns: int = 120, rows: int = 40, **variables: str
    ) -> None:
        self._arguments = arguments
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("EVENTBUS", "TEXTUAL")) and key != "NO_COLOR"
        } | {"TERM": "xterm-256color", **variables}
        self.written = bytearray()
        """Everything that the program has written."""

    def __enter__(self) -> Self:
        self._end, program_end = pty.openpty()
        size = struct.pack("HHHH", self._screen.lines, self._screen.columns, 0, 0)
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, size)
        # Held open, so that the state of the terminal can be asked for after the program's end.
        self._program_end = program_end
        self.before = self.modes
        self._process = subprocess.Popen(
            [sys.executable, *self._arguments],
            stdin=program_end,
            stdout=program_end,
            stderr=program_end,
            env=self._environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait(10)
        if self._end >= 0:
            self.hang_up()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def modes(self) -> list[Any]:
        """How the terminal driver is set: echo, line mode, what keys mean."""
        return termios.tcgetattr(self._program_end)

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def hang_up(self) -> None:
        """The terminal goes away, as when its window is closed."""
        os.close(self._program_end)
        os.close(self._end)
        self._end = self._program_end = -1

    def press(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def until(self, *texts: str, seconds: float = 15.0) -> None:
        """Wait until all of the texts are on the screen. Raises AssertionError that shows it."""
        deadline = time.monotonic() + seconds
        while missing := [text for text in texts if text not in self.text]:
            left = deadline - time.monotonic()
            assert left > 0, f"no {missing} within {seconds:g} s on\n{self.text}"
            self._read(min(left, 0.1))

    def line(self, *texts: str) -> str:
        """The first line that has all of the texts; empty when there is none."""
        return next((line for line in self.lines if all(text in line for text in texts)), "")

    def until_line(self, *texts: str, seconds: float = 15.0) -> str:
        """Wait until one line has all of the texts, and return it."""
        deadline = time.monotonic() + seconds
        while not (found := self.line(*texts)):
            left = deadline - time.monotonic()
            assert left > 0, f"no line with {texts} within {seconds:g} s on\n{self.text}"
            self._read(min(left, 0.1))
        return found

    def wait(self, seconds: float = 10.0) -> int:
        """Wait for the program's end and return its exit status."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end; it shows\n{self.text}"
            self._read(0.05)  # it must not wait for us to read
        while self._read(0.0):
            pass
        return self._process.returncode

    def _read(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._end], [], [], seconds)
        if not readable:
            return False
        read = os.read(self._end, 65_536)
        self.written += read
        self._stream.feed(read)
        return bool(read)
