"""Reads the newest messages again and again, never two readings at a time. No user interface."""

import logging
import time
from collections.abc import Callable
from typing import Final

from eventbus_core.monitoring import EventBusError, Monitor

from .flow_buffer import FlowBuffer
from .flow_counts import FlowCounts
from .redact import describe

_log = logging.getLogger("eventbus_tui")

EVERY: Final = 0.25
"""Seconds between two readings."""
LIMIT: Final = 100
"""Rows of one reading: more than this nobody reads in that time."""
FIRST_LIMIT: Final = 500
"""Rows of the first one, so that there is something to look at."""
_LONGEST_WAIT: Final = 10.0
_SAMPLED_FOR: Final = 5.0
_CLOCK_PUT_BACK: Final = 2_000


class FlowTail:
    """Fills a buffer from one monitor, and counts."""

    def __init__(
        self,
        monitor: Monitor,
        buffer: FlowBuffer,
        counts: FlowCounts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.error = ""
        """Why the last reading failed; empty when it did not."""
        self.retry_at = 0.0
        """When the next one is, after a failure, by the clock."""
        self._monitor = monitor
        self._buffer = buffer
        self._counts = counts
        self._clock = clock
        self._since_ms: int | None = None
        self._failures = 0
        self._full_at: float | None = None

    @property
    def begun(self) -> bool:
        """Whether it has read what was stored at first."""
        return self._since_ms is not None

    @property
    def sampled(self) -> bool:
        """Whether there were lately more messages than a reading takes."""
        return self._full_at is not None and self._clock() - self._full_at < _SAMPLED_FOR

    async def read(self, bus: str, at_ms: int, wanted: Callable[[], bool]) -> float:
        """One reading; `at_ms` is the store's clock at the newest look. What comes is dropped
        unless it is still `wanted` then. Returns after how many seconds to read again."""
        first = self._since_ms is None
        limit, since = FIRST_LIMIT if first else LIMIT, self._since_ms or 0
        if since > at_ms + _CLOCK_PUT_BACK:
            since = 0
        began = self._clock()
        try:
            messages = await self._monitor.sample(bus, limit=limit, since_ms=since)
        except EventBusError as exc:
            return self._failed(describe(exc))
        except Exception as exc:  # a fault of the transport: the rest of the monitor goes on
            if not self._failures:
                _log.exception("the newest messages cannot be read")
            return self._failed(describe(exc))
        self._failures, self.error = 0, ""
        now = self._clock()
        if wanted():
            new = self._buffer.take(messages)
            self._counts.rows([row.stored_ms for row in new], now)
            if messages:
                self._since_ms = messages[-1].stored_ms
            elif first:
                self._since_ms = 0
            if not first and len(new) == limit:
                self._full_at = now
        took = now - began
        return max(EVERY - took, took)  # a slow store is not asked all the time

    def _failed(self, text: str) -> float:
        self._failures += 1
        wait = min(_LONGEST_WAIT, EVERY * 2.0**self._failures)
        self.error, self.retry_at = text, self._clock() + wait
        return wait
