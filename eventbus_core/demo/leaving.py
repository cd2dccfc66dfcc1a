"""Leaving a server that is not ours as it was."""

import asyncio
from typing import Final

from ..bus import EventBus
from ..errors import EventBusError
from ..monitoring import open_monitor
from .cast import HEARTBEAT, LEASE

_SECONDS: Final = 1.0
"""The shortest life that a bus can have."""
_LOOK_SECONDS: Final = 0.1
_AT_MOST: Final = 2 * (LEASE + HEARTBEAT)
"""Whoever was killed is declared dead by then."""


async def let_expire(url: str, bus: str) -> None:
    """Make what is stored of a bus that nobody uses any more expire within a second or two. Does
    nothing when the store does not answer; then it expires with the TTLs of those who used it."""
    last = EventBus(
        url,
        name=bus,
        role="publisher",
        lease=2 * HEARTBEAT,
        heartbeat_interval=HEARTBEAT / 2,
        stream_ttl=_SECONDS,
        backlog_ttl=_SECONDS,
        dead_letter_retention=_SECONDS,
        connect_timeout=1.0,
        publish_timeout=2.0,
    )
    try:
        # The options of the last one to leave are those that its bus is left with.
        async with last:
            await _alone(url, bus)
    except (EventBusError, TimeoutError):
        return


async def _alone(url: str, bus: str) -> None:
    async with asyncio.timeout(_AT_MOST), open_monitor(url) as monitor:
        while True:
            snapshot = await monitor.snapshot(bus)
            if len(snapshot.instances) <= 1:
                return
            await asyncio.sleep(_LOOK_SECONDS)
