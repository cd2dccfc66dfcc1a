"""SIGINT and SIGTERM for `EventBus.run`; nothing else in the library touches signals."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger("eventbus_core")


@contextmanager
def stop_signals(callback: Callable[[], None]) -> Iterator[None]:
    """Call `callback` on the loop at each SIGINT or SIGTERM, where the platform and thread
    allow it; restore what was there before."""
    loop = asyncio.get_running_loop()
    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            previous = signal.getsignal(number)
            try:
                loop.add_signal_handler(number, callback)
            except (NotImplementedError, RuntimeError, ValueError):
                log.debug("signals cannot be handled here; use stop()")
                break
            before[number] = previous
        yield
    finally:
        for number, previous in before.items():
            loop.remove_signal_handler(number)
            if previous is not None:
                signal.signal(number, previous)
