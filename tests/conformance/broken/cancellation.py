"""Faults that the group "cancellation" must find."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from eventbus_core.transport import (
    Channel,
    Delivery,
    Outcome,
    Outgoing,
    Published,
    Renewal,
    Room,
    Settlement,
    Vitals,
)

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, now


class _ReadsInATask(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return await asyncio.shield(asyncio.ensure_future(super().fetch(room, wait)))


class LosesWhatACancelledReadBrings(
    BrokenTransport,
    meant=[
        "test_a_fetch_cancelled_while_it_waits_takes_nothing",
        "test_fetches_cancelled_at_any_moment_lose_nothing",
    ],
):
    """A read goes on when its fetch is cancelled, and what it brings is dropped."""

    session = _ReadsInATask


class _TakesAndPauses(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries = await super().fetch(room, wait)
        await asyncio.sleep(0)
        return deliveries


class PausesAfterTaking(
    BrokenTransport, meant=["test_fetches_cancelled_at_any_moment_lose_nothing"]
):
    """There is an await between taking messages and returning them."""

    session = _TakesAndPauses


class _RemembersLate(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        transport: Any = self.transport
        if batch in transport.answers:
            known: Sequence[Published] = transport.answers[batch]
            return known
        transport.number += 1
        answers = await super().publish(transport.number, messages)
        await asyncio.sleep(0)
        transport.answers[batch] = answers
        return answers


class RemembersABatchWhenAnswered(
    BrokenTransport, meant=["test_a_batch_sent_again_after_a_cancellation_is_stored_once"]
):
    """A batch is known as stored only once its answer has been given."""

    session = _RemembersLate

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.number = 0
        self.answers: dict[int, Sequence[Published]] = {}


class _SettlesTwice(BrokenSession):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.settled: set[int] = set()

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle(settlements)
        for settlement in settlements:
            hold = settlement.delivery.token
            if id(hold) in self.settled and settlement.outcome is Outcome.DEAD:
                self.inner._bury(hold.item.entry, settlement, now(self))
            elif id(hold) in self.settled and settlement.outcome is not Outcome.DONE:
                hold.queue.put_back(hold.item)
            self.settled.add(id(hold))
        bus_of(self).ring()


class SettlesAgain(
    BrokenTransport,
    meant=[
        "test_settling_again_after_a_cancellation_settles_once",
        "test_burying_again_after_a_cancellation_buries_once",
    ],
):
    """A settlement that comes again acts again."""

    session = _SettlesTwice


class _CountsUp(BrokenSession):
    async def begin(self, delivery: Delivery, starts: int) -> None:
        await super().begin(delivery, delivery.token.item.starts + 1)


class CountsEveryBegin(
    BrokenTransport, meant=["test_starts_recorded_again_after_a_cancellation_count_once"]
):
    """Starts are counted up in the store, once for each call."""

    session = _CountsUp


class _LocksItself(BrokenSession):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lock = asyncio.Lock()

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        await self.lock.acquire()
        await asyncio.sleep(0)
        renewal = await super().renew(vitals)
        self.lock.release()
        return renewal


class KeepsItsLockWhenCancelled(
    BrokenTransport, meant=["test_heartbeats_go_on_after_a_cancellation"]
):
    """A cancelled heartbeat holds its lock for ever."""

    session = _LocksItself
