"""Where the plan is carried out."""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from .cast import PROCESSES, process_of
from .plan import Action, Step

_READY_SECONDS: Final = 10.0


class Stage(Protocol):
    """Processes, or what stands for them."""

    async def start(self, process: str) -> None:
        """Start the process of this name, unless it runs. Does not wait until it is live."""

    async def ready(self) -> None:
        """Wait until the instances of all processes are live."""

    async def kill(self, process: str) -> None:
        """End it at once, as by SIGKILL, if it runs."""

    async def tell(self, process: str, step: Step) -> None:
        """Let it apply the step, if it runs."""


async def perform(stage: Stage, steps: Iterable[Step]) -> None:
    """Start everything, then do each step at its time; for ever, until cancelled."""
    for process in PROCESSES:
        await stage.start(process)
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await stage.ready()
    except TimeoutError:
        pass  # a store that cannot be reached: they go on trying, and the plan goes on
    loop = asyncio.get_running_loop()
    began = loop.time()
    for step in steps:
        await asyncio.sleep(began + step.at - loop.time())
        await _do(stage, step)
    await asyncio.Event().wait()


async def _do(stage: Stage, step: Step) -> None:
    match step.action:
        case Action.KILL:
            await stage.kill(step.who)
        case Action.START:
            await stage.start(step.who)
        case _:
            await stage.tell(process_of(step.who), step)
