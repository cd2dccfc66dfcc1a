"""The process that starts the server and the processes of the shop, and does what the plan says:
``python -m eventbus_core.demo.conductor``, settings on standard input.

It ends when its standard input does, so also when whoever started it was killed, and takes
everything along.
"""

import asyncio
import logging
import signal
from contextlib import ExitStack
from typing import Final

import msgspec

from ..errors import EventBusError
from ..plugins import open_embedded
from .leaving import let_expire
from .plan import Step, plan
from .process_stage import ProcessStage
from .stage import perform
from .wire import Opened, Settings, answer, follow, read_first

SCHEME: Final = "redis"
"""Whose server to start; its plug-in knows how."""


async def conduct(settings: Settings) -> None:
    """Carry out the plan until the end of standard input, or SIGTERM."""
    ended = asyncio.Event()
    follow(Step, lambda step: None, ended.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    stage = ProcessStage(settings)
    steps = plan(settings.scenario, settings.seed)
    performance = asyncio.create_task(perform(stage, steps), name="demo-plan")
    end = asyncio.create_task(ended.wait(), name="demo-end")
    try:
        await asyncio.wait((performance, end), return_when=asyncio.FIRST_COMPLETED)
        if performance.done():
            performance.result()
    finally:
        for task in (performance, end):
            task.cancel()
        await asyncio.gather(performance, end, return_exceptions=True)
        await stage.end()
        if settings.lasting:
            await let_expire(settings.url, settings.bus)


def main() -> None:
    # Ctrl-C is for whoever started us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO)  # to standard error, which is a file or nothing
    settings = read_first(Settings)
    with ExitStack() as stack:
        if not settings.url:
            try:
                url = stack.enter_context(open_embedded(SCHEME))
            except EventBusError as exc:
                answer(Opened(problem=str(exc)))
                return
            settings = msgspec.structs.replace(settings, url=url, lasting=False)
        answer(Opened(url=settings.url))
        asyncio.run(conduct(settings))


if __name__ == "__main__":
    main()
