"""`--once`: look twice, one interval apart, and report."""

import asyncio
import time
from typing import Final

from eventbus_core.monitoring import (
    BusView,
    Monitor,
    RecordingError,
    TransportUnavailableError,
    Watch,
)

from .look import choose, look
from .redact import describe
from .report import Report, report_of, unreachable
from .settings import Settings

_DEMO_STARTS: Final = 15.0
"""Most seconds to wait for the bus of a demonstration."""


async def report_once(monitor: Monitor, settings: Settings, bus: str) -> Report:
    """`bus`: empty to choose one. A recording is played to its end. Raises RecordingError."""
    try:
        buses = await _buses(monitor, bus if settings.demo else "")
        bus = bus or choose(buses)
        view = await _view(monitor, settings, bus) if bus else None
        if monitor.recorded:
            buses = await monitor.buses()
    except RecordingError:
        raise
    except Exception as exc:  # whatever it is: it could not be seen how the bus is
        return unreachable(describe(exc), bus=bus, interval=settings.interval)
    return report_of(view, bus=bus, buses=buses, interval=settings.interval)


async def _buses(monitor: Monitor, awaited: str) -> tuple[str, ...]:
    buses = await monitor.buses()
    deadline = time.monotonic() + _DEMO_STARTS
    while awaited and awaited not in buses and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        buses = await monitor.buses()
    return buses


async def _view(monitor: Monitor, settings: Settings, bus: str) -> BusView:
    watch = Watch(settings.thresholds)
    if monitor.recorded:
        return await _last_view(monitor, watch, settings, bus)
    await look(monitor, watch, bus, interval=settings.interval)
    await asyncio.sleep(settings.interval)
    return await look(monitor, watch, bus, interval=settings.interval)


async def _last_view(monitor: Monitor, watch: Watch, settings: Settings, bus: str) -> BusView:
    """The last look of a recording. Raises TransportUnavailableError when that one failed."""
    while True:
        try:
            view = await look(monitor, watch, bus, interval=settings.interval)
        except TransportUnavailableError:
            if monitor.ended:
                raise
        else:
            if monitor.ended:
                return view
