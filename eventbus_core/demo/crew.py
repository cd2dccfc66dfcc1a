"""The instances of one process."""

import asyncio

from ..crash import crash
from .cast import PROCESSES
from .plan import Step
from .trades import employ
from .worker import Worker


class Crew:
    """Started together, and they die together. Belongs to one event loop."""

    def __init__(self, process: str, *, url: str, bus: str, seed: int) -> None:
        self._workers = {
            instance: Worker(instance, url=url, bus=bus, seed=seed)
            for instance in PROCESSES[process]
        }
        for worker in self._workers.values():
            employ(worker)

    async def start(self) -> None:
        """Return when all of them are live, however long the store needs."""
        await asyncio.gather(*(worker.start() for worker in self._workers.values()))

    def apply(self, step: Step) -> None:
        """Change something about one of them."""
        self._workers[step.who].apply(step)

    async def close(self) -> None:
        """End in good order, as far as the store answers."""
        await self._stop_sending()
        closing = (worker.bus.close() for worker in self._workers.values())
        await asyncio.gather(*closing, return_exceptions=True)

    async def crash(self) -> None:
        """End as by SIGKILL. Not while `start` runs: cancel that first."""
        await self._stop_sending()
        for worker in self._workers.values():
            if worker.bus.health().state == "live":
                await crash(worker.bus)

    async def _stop_sending(self) -> None:
        await asyncio.gather(*(worker.stop_sending() for worker in self._workers.values()))
