"""Sends settlements to the store, as many at a time as have come together."""

import asyncio
import logging
from collections.abc import Callable

from .clock import Clock
from .errors import TransportUnavailableError
from .membership import Membership
from .stats import Counters
from .store_state import StoreState
from .transport import FencedError, Session, Settlement

log = logging.getLogger("eventbus_core")

MOST_AT_ONCE = 1_000


class Settler:
    """Keeps settlements until the store has them or refuses their incarnation."""

    def __init__(
        self, *, clock: Clock, membership: Membership, store: StoreState, counters: Counters
    ) -> None:
        self.progressed: Callable[[], None] = lambda: None
        """Called when the store has taken some."""
        self._clock = clock
        self._membership = membership
        self._store = store
        self._counters = counters
        self._waiting: list[Settlement] = []
        self._session: Session | None = None
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def unsettled(self) -> int:
        return len(self._waiting)

    def add(self, session: Session, settlement: Settlement) -> None:
        """Settle it soon. Of a session that is not alive any more, nothing is accepted."""
        if session is not self._membership.session:
            self._refused(1)
            return
        if session is not self._session:
            self._refused(len(self._waiting))
            self._waiting.clear()
            self._session = session
        self._waiting.append(settlement)
        self._idle.clear()
        self._work.set()

    async def run(self) -> None:
        """Settle for ever."""
        most = MOST_AT_ONCE
        while True:
            await self._work.wait()
            self._work.clear()
            while self._waiting:
                assert self._session is not None
                most = await self._settle_some(self._session, self._waiting[:most])
            self._idle.set()

    async def drained(self) -> None:
        """Wait until the store has answered for everything."""
        await self._idle.wait()

    async def _settle_some(self, session: Session, batch: list[Settlement]) -> int:
        """Settle a batch; returns how many to try next."""
        try:
            await session.settle(batch)
        except FencedError:
            self._membership.fenced(session)
            if session is self._session:
                self._refused(len(self._waiting))
                self._waiting.clear()
            return MOST_AT_ONCE
        except TransportUnavailableError as exc:
            await self._clock.sleep(self._store.failed("settle", exc))
            return MOST_AT_ONCE
        except Exception:
            # A fault of the transport. One settlement that it cannot take must not hold up the
            # others: alone it is left in hand, and goes to others when this instance ends.
            log.exception("settling %d messages failed", len(batch))
            await self._clock.sleep(0.1)
            if len(batch) > 1 or session is not self._session:
                return 1
        self._store.worked("settle")
        if session is self._session:
            del self._waiting[: len(batch)]
        self.progressed()
        return MOST_AT_ONCE

    def _refused(self, count: int) -> None:
        if not count:
            return
        if not self._counters.refused_acts:
            log.warning("%d late settlements of a dead incarnation were refused", count)
        self._counters.refused_acts += count
