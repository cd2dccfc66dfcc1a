"""One process of the shop: ``python -m eventbus_core.demo.service``, settings on standard input.

It ends when its standard input does, so also when whoever started it was killed.
"""

import asyncio
import logging
import os
import signal

from .crew import Crew
from .plan import Step
from .wire import Live, Settings, answer, follow, read_first


async def serve(settings: Settings) -> None:
    """Run the instances until the end of standard input."""
    crew = Crew(settings.process, url=settings.url, bus=settings.bus, seed=settings.seed)
    ended = asyncio.Event()
    # Where the server ends too there is nobody to take leave of.
    follow(Step, crew.apply, ended.set if settings.lasting else lambda: os._exit(0))
    end = asyncio.create_task(ended.wait(), name="demo-end")
    start = asyncio.create_task(crew.start(), name="demo-start")
    await asyncio.wait((end, start), return_when=asyncio.FIRST_COMPLETED)
    if start.done():
        start.result()
        answer(Live(process=settings.process))
    await end
    start.cancel()
    await asyncio.gather(start, return_exceptions=True)
    await crew.close()


def main() -> None:
    # Ctrl-C is for whoever started us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = read_first(Settings)
    logging.basicConfig(level=logging.INFO)  # to standard error, which is a file or nothing
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
