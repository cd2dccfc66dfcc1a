"""The loop that fetches: as much as there is room for, never more."""

import asyncio
import logging
from collections.abc import Mapping

from .clock import Clock
from .dispatcher import Dispatcher
from .errors import TransportUnavailableError
from .membership import Membership
from .store_state import StoreState
from .transport import Channel, Delivery, FencedError, Room

log = logging.getLogger("eventbus_core")

FETCH_SECONDS = 5.0
"""A fetch without a message ends after this, so that its age tells whether reading works."""


class Intake:
    """Pulls deliveries and gives them to the dispatcher."""

    def __init__(
        self, *, clock: Clock, membership: Membership, dispatcher: Dispatcher, store: StoreState
    ) -> None:
        self.last_fetch: float | None = None
        """When a fetch was last answered, on the clock."""
        self._clock = clock
        self._membership = membership
        self._dispatcher = dispatcher
        self._store = store
        self._offered: Mapping[Channel, Room] = {}
        self._waiting = False
        self._changed = asyncio.Event()
        dispatcher.room_changed = self._room_changed

    async def run(self) -> None:
        """Fetch for ever."""
        failed = False
        while True:
            session = await self._membership.alive()
            self._changed.clear()
            room = self._dispatcher.room()
            if not room:
                self._offered = room
                await self._changed.wait()
                continue
            self._offered, self._waiting = room, True
            try:
                # After a failure without waiting, to know at once whether the store is back.
                deliveries = await session.fetch(room, 0.0 if failed else FETCH_SECONDS)
            except FencedError:
                self._membership.fenced(session)
                continue
            except TransportUnavailableError as exc:
                failed = True
                await self._clock.sleep(self._store.failed("fetch", exc))
                continue
            except Exception:
                # A fault of the transport must not end the reading.
                log.exception("fetching failed; trying again")
                await self._clock.sleep(1.0)
                continue
            finally:
                self._waiting = False
            failed = False
            self.last_fetch = self._clock.monotonic()
            self._store.worked("fetch")
            for delivery in sorted(deliveries, key=_order):
                self._dispatcher.deliver(session, delivery)
            if deliveries:
                # Handlers start before the next fetch asks how much room there is.
                await asyncio.sleep(0)

    def kick(self) -> None:
        """Look at the room again: subscriptions have changed."""
        self._changed.set()
        if self._waiting and (session := self._membership.session) is not None:
            session.wake()

    def _room_changed(self, channel: Channel) -> None:
        if not self._waiting:
            self._changed.set()
            return
        # Only a waiting fetch that left this channel out, or had no free handler for it, is told.
        offered = self._offered.get(channel)
        if offered is None or offered.slots == 0:
            self.kick()


def _order(delivery: Delivery) -> bool:
    # What came back was taken for a free handler: that must not go to anything else first.
    return not delivery.again
