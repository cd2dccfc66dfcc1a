"""Faults of handing back, and of taking over."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    Channel,
    Delivery,
    Outcome,
    Outgoing,
    Room,
    Settlement,
)

from .base import BrokenSession, BrokenTransport


class _PutsBehind(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            if settlement.outcome is not Outcome.RELEASED or not settlement.delivery.channel.event:
                continue
            settlement.outcome = Outcome.DONE
            delivery = settlement.delivery
            again = Outgoing(
                "again", delivery.channel.event, EventMode.ANYCAST, None, delivery.data
            )
            with self.inner._step() as now:
                self.inner._bus.store(again, now)
                self.inner._bus.ring()
        await super().settle(settlements)


class PutsReleasedWorkAtTheEnd(
    BrokenTransport,
    meant=["test_close_hands_unstarted_work_to_others_before_newer"],
):
    """To hand back is to publish again: behind everything that came meanwhile."""

    session = _PutsBehind


class _ReleasesLate(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle([s for s in settlements if s.outcome is not Outcome.RELEASED])


class _ReadsOn(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        try:
            return await super().fetch(room, wait)
        except asyncio.CancelledError:
            reading = asyncio.create_task(self.inner.fetch(room, wait))
            vars(self.transport).setdefault("reading", []).append(reading)
            raise


class ReadsOnWhenCancelled(BrokenTransport, meant=["test_a_closing_bus_takes_nothing_more"]):
    """A fetch that is cancelled leaves its read in the store, which goes on to take messages."""

    session = _ReadsOn

    async def close(self) -> None:
        for reading in vars(self).get("reading", ()):
            reading.cancel()
        await super().close()


class ReleasesOnlyWhenItLeaves(
    BrokenTransport,
    meant=["test_close_hands_unstarted_work_to_others_before_newer"],
):
    """What is handed back stays with its holder until that one has gone."""

    session = _ReleasesLate


class _Charges(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            if settlement.outcome is Outcome.RELEASED:
                settlement.starts += 1
        await super().settle(settlements)


class ChargesWhatIsHandedBack(
    BrokenTransport,
    meant=[
        "test_close_hands_unstarted_work_to_others_before_newer",
        "test_rolling_restarts_over_a_backlog_repeat_and_lose_nothing",
        "test_a_cancelled_handler_is_handed_back_uncharged",
    ],
):
    """The number of deliveries counts as the number of attempts."""

    session = _Charges


class _SettlesWithItsHeartbeat(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        kept: list[Settlement] = vars(self).setdefault("kept", [])
        kept += [s for s in settlements if s.outcome is Outcome.DONE]
        await super().settle([s for s in settlements if s.outcome is not Outcome.DONE])

    async def renew(self, vitals: Any = None) -> Any:
        kept = vars(self).pop("kept", [])
        await super().settle(kept)
        return await super().renew(vitals)


class DropsItsLastAcknowledgements(
    BrokenTransport,
    meant=[
        "test_rolling_restarts_over_a_backlog_repeat_and_lose_nothing",
        "test_close_waits_for_the_handler_that_runs",
    ],
):
    """Acknowledgements are gathered, and what is gathered when the session ends is forgotten."""

    session = _SettlesWithItsHeartbeat


class _CountsHandOuts(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        taken = await super().fetch(room, wait)
        for delivery in taken:
            if delivery.orphaned:
                delivery.starts += 1
        return taken


class ChargesWhatWasOnlyFetched(
    BrokenTransport, meant=["test_work_of_a_dead_bus_is_taken_over_in_time"]
):
    """The store's delivery count is taken for the number of starts."""

    session = _CountsHandOuts


class _ReclaimsIdle(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        since: dict[Any, float] = vars(self.transport.inner.store).setdefault("since", {})
        now = time.monotonic()
        for presence in self.inner._bus.presences.values():
            for hold in tuple(presence.held):
                if now - since.setdefault(hold, now) > self.member.lease:
                    hold.queue.drop(hold)
                    hold.queue.put_back(hold.item)
        return await super().fetch(room, min(wait, 0.05))


class ReclaimsByIdleTime(
    BrokenTransport,
    meant=["test_a_long_handler_of_a_live_bus_is_not_taken_over"],
):
    """Work is taken over when it has been in hand for long, not when its holder has died."""

    session = _ReclaimsIdle
