"""The shop in a thread of this process, for a store that only this process sees."""

import asyncio
import threading
from contextlib import suppress
from typing import Final

from .crew import Crew
from .plan import Step, plan
from .stage import perform

_END_SECONDS: Final = 5.0


class ThreadStage:
    """What are processes elsewhere are crews of one event loop; they die through a test hook."""

    def __init__(self, *, url: str, bus: str, seed: int) -> None:
        self._url, self._bus, self._seed = url, bus, seed
        self._crews: dict[str, tuple[Crew, asyncio.Task[None]]] = {}

    async def start(self, process: str) -> None:
        if process not in self._crews:
            crew = Crew(process, url=self._url, bus=self._bus, seed=self._seed)
            starting = asyncio.create_task(crew.start(), name=f"demo-start:{process}")
            self._crews[process] = crew, starting

    async def ready(self) -> None:
        # Not gathered: whoever stops waiting must not stop them.
        await asyncio.wait([starting for _, starting in self._crews.values()])

    async def kill(self, process: str) -> None:
        if process in self._crews:
            crew, starting = self._crews.pop(process)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await crew.crash()

    async def tell(self, process: str, step: Step) -> None:
        if process in self._crews:
            crew, _ = self._crews[process]
            crew.apply(step)

    async def kill_all(self) -> None:
        """Nothing of it runs afterwards. The store forgets it with the leases."""
        for process in tuple(self._crews):
            await self.kill(process)


class ThreadedShop:
    """The shop at work in a thread with an event loop of its own, from `start` to `stop`."""

    def __init__(self, *, url: str, bus: str, scenario: str, seed: int) -> None:
        self._stage = ThreadStage(url=url, bus=bus, seed=seed)
        self._steps = plan(scenario, seed)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eventbus-demo", daemon=True)

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Return when the thread runs; the instances come up afterwards."""
        self._thread.start()
        self._began.wait()

    def stop(self) -> None:
        """End it. Idempotent."""
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop is closed: it has ended already
                self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        finally:
            self._began.set()

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._began.set()
        try:
            await perform(self._stage, self._steps)
        finally:
            await self._stage.kill_all()
