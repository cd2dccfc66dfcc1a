"""`--watch`: a report every so many seconds, whatever happens, until somebody ends it."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from typing import Final

from eventbus_core.monitoring import Monitor

from .feed import Feed
from .report import Report, report_of, unreachable
from .settings import Settings
from .update import Update

_RATES_NEED: Final = 2
"""Looks."""


async def watch_reports(
    monitor: Monitor, settings: Settings, bus: str, write: Callable[[Report], None]
) -> Report | None:
    """Give `write` a report every `settings.watch` seconds, the first as soon as there are rates
    or the store turned out to be unreachable. Returns the last one on SIGINT or SIGTERM, and at
    the end of a recording; None when there was none. Raises what `write` raises."""
    seen = _Seen(settings)
    feed = Feed(
        monitor,
        bus=bus or None,
        interval=min(settings.interval, settings.watch),
        thresholds=settings.thresholds,
        publish=seen.take,
    )
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted.set)
    tasks = [
        asyncio.create_task(feed.run()),
        asyncio.create_task(_write_reports(seen, settings.watch, write)),
        asyncio.create_task(interrupted.wait()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # raises what it raised
        return seen.reported
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write_reports(seen: "_Seen", every: float, write: Callable[[Report], None]) -> None:
    await seen.something.wait()
    while True:
        over = seen.over.is_set()  # asked first: the last report is of the end
        write(seen.report())
        if over:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every):
                await seen.over.wait()


class _Seen:
    """The newest of what the feed told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._latest: Update | None = None
        self.something = asyncio.Event()
        """There is something to report."""
        self.over = asyncio.Event()
        """A recording has been played to its end."""
        self.reported: Report | None = None

    def take(self, update: Update) -> None:
        self._latest = update
        state, view = update.link.state, update.view
        has_rates = view is not None and view.looks >= _RATES_NEED
        if has_rates or state in ("lost", "ended") or (state == "live" and not update.bus):
            self.something.set()
        if state == "ended":
            self.over.set()

    def report(self) -> Report:
        update, interval = self._latest, self._settings.interval
        assert update is not None
        if update.link.error:
            made = unreachable(update.link.error, bus=update.bus, interval=interval)
        else:
            made = report_of(update.view, bus=update.bus, buses=update.buses, interval=interval)
        self.reported = made
        return made
