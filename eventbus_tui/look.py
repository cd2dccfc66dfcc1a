"""One look at one bus."""

import time
from typing import Final

from eventbus_core.monitoring import BusView, Monitor, Watch

DEFAULT_BUS: Final = "default"


def choose(buses: tuple[str, ...]) -> str:
    """Which bus to show when nobody has said: the only one, ``default``, the first, or none."""
    return DEFAULT_BUS if DEFAULT_BUS in buses else next(iter(buses), "")


async def look(monitor: Monitor, watch: Watch, bus: str, *, interval: float) -> BusView:
    """Take one snapshot and let `watch` see it. Raises what the monitor raises."""
    asked = time.monotonic()
    snapshot = await monitor.snapshot(bus)
    return watch.see(
        snapshot,
        now=monitor.now(),
        poll_seconds=time.monotonic() - asked,
        interval=interval,
        # The clock of this host says nothing about that of a recorded store.
        wall_ms=None if monitor.recorded else time.time_ns() // 1_000_000,
    )
