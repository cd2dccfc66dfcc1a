"""The conductor's process, seen from the program that shows the demonstration."""

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from typing import Final

import msgspec

from ..errors import TransportUnavailableError
from .process_stage import python_module
from .wire import Opened, Settings, line

_OPEN_SECONDS: Final = 15.0
_END_SECONDS: Final = 12.0


class Backstage:
    """Starts the conductor in `__init__` and does not wait for it; gone after `stop`.

    Everything it starts ends when this process does, however that ends: its standard input is a
    pipe from here.
    """

    def __init__(self, settings: Settings, log_file: str | None) -> None:
        with open(log_file or os.devnull, "ab") as log:
            self._process = subprocess.Popen(
                python_module("eventbus_core.demo.conductor"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for us
            )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; `opened` says so
            self._process.stdin.write(line(settings))
            self._process.stdin.flush()

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def opened(self) -> Opened:
        """Wait for where the bus is. Raises TransportUnavailableError when it does not say so."""
        assert self._process.stdout is not None
        pipe, read = self._process.stdout.fileno(), bytearray()
        deadline = time.monotonic() + _OPEN_SECONDS
        while not read.endswith(b"\n"):
            readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(pipe, 4096) if readable else b""
            if not more:
                raise TransportUnavailableError("the processes of the demonstration do not start")
            read += more
        return msgspec.json.decode(bytes(read), type=Opened)

    def stop(self) -> None:
        """Return when nothing of it runs any more. Idempotent."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()
