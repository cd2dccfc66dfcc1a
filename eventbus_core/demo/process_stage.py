"""The shop in processes of its own, for a store that several processes share."""

import asyncio
import subprocess
import sys
from typing import Final

import msgspec

from .plan import Step
from .wire import Settings, line

_CLOSE_SECONDS: Final = 6.0


class ServiceProcess:
    """A process that runs `service`. It ends when we do: its standard input is a pipe from us."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.live = asyncio.create_task(self._said_live(), name=f"demo-live:{process.pid}")

    @classmethod
    async def start(cls, settings: Settings) -> "ServiceProcess":
        process = await asyncio.create_subprocess_exec(
            *python_module("eventbus_core.demo.service"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        made = cls(process)
        made.write(settings)
        return made

    @property
    def runs(self) -> bool:
        return self._process.returncode is None

    def write(self, value: msgspec.Struct) -> None:
        """Send it a line, if it is still there."""
        pipe = self._process.stdin
        if self.runs and pipe is not None and not pipe.is_closing():
            pipe.write(line(value))

    async def kill(self) -> None:
        """Return when it has ended."""
        if self.runs:
            self._process.kill()
        await self._ended()

    async def close(self) -> None:
        """Let it end in good order; it has `_CLOSE_SECONDS` for that."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        await self._ended()

    async def _ended(self) -> None:
        await self._process.wait()
        self.live.cancel()
        await asyncio.gather(self.live, return_exceptions=True)

    async def _said_live(self) -> None:
        assert self._process.stdout is not None
        await self._process.stdout.readline()


class ProcessStage:
    """Starts, kills and tells processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes: dict[str, ServiceProcess] = {}

    async def start(self, process: str) -> None:
        running = self._processes.get(process)
        if running is None or not running.runs:
            settings = msgspec.structs.replace(self._settings, process=process)
            self._processes[process] = await ServiceProcess.start(settings)

    async def ready(self) -> None:
        # Not gathered: whoever stops waiting must not stop them.
        await asyncio.wait([process.live for process in self._processes.values()])

    async def kill(self, process: str) -> None:
        if process in self._processes:
            await self._processes.pop(process).kill()

    async def tell(self, process: str, step: Step) -> None:
        if process in self._processes:
            self._processes[process].write(step)

    async def end(self) -> None:
        """No process of it runs afterwards."""
        processes, self._processes = self._processes, {}
        how = ServiceProcess.close if self._settings.lasting else ServiceProcess.kill
        await asyncio.gather(*map(how, processes.values()))


def python_module(name: str) -> tuple[str, ...]:
    """The command that runs a module of ours; the current folder is not searched for it."""
    return (sys.executable, "-P", "-m", name)
