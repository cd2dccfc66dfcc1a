"""Faults of the place that every reader has in the broadcasts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from eventbus_core.memory.transport import MemoryTransport
from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    BROADCASTS,
    Channel,
    Delivery,
    Holder,
    Member,
    Outcome,
    Outgoing,
    Published,
    Room,
    Session,
    Settlement,
    Subscription,
)

from .base import BrokenSession, BrokenTransport


class _SkipsItsOwn(BrokenSession):
    def __init__(self, transport: BrokenTransport, member: Member, inner: object) -> None:
        super().__init__(transport, member, inner)
        self.own: list[bytes] = []

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        self.own += [m.data for m in messages if m.mode is EventMode.BROADCAST]
        return await super().publish(batch, messages)

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries = await super().fetch(room, wait)
        return [d for d in deliveries if d.channel != BROADCASTS or d.data not in self.own]


class HidesBroadcastsFromTheirSender(
    BrokenTransport,
    meant=["test_everyone_hears_each_once_and_the_sender_too"],
):
    """Who broadcasts does not hear it."""

    session = _SkipsItsOwn


class _ReadsInTurns(BrokenSession):
    holders: ClassVar[dict[str, dict[object, BrokenSession]]] = defaultdict(dict)

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        holders = self.holders[self.transport.bus]
        if any(holder is not self for holder in holders.values()):
            room = {channel: room[channel] for channel in room if channel != BROADCASTS}
        deliveries = await super().fetch(room, wait)
        holders.update({d: self for d in deliveries if d.channel == BROADCASTS})
        return deliveries

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle(settlements)
        for settlement in settlements:
            self.holders[self.transport.bus].pop(settlement.delivery, None)


class WaitsForTheSlowestReader(BrokenTransport, meant=["test_a_slow_reader_holds_up_nobody"]):
    """Nobody reads on before everybody has settled what it has in hand."""

    session = _ReadsInTurns


class _CountsItsOwn(BrokenSession):
    heard = 0

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries = await super().fetch(room, wait)
        for delivery in deliveries:
            if delivery.channel == BROADCASTS:
                self.heard += 1
                delivery.position = self.heard
        return deliveries


class CountsPositionsForEachReader(
    BrokenTransport,
    meant=["test_positions_rise_and_compare_with_what_subscribe_returns"],
):
    """A position is the number of broadcasts that a session has read."""

    session = _CountsItsOwn


class _PointsAtTheNext(BrokenSession):
    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        return await super().subscribe(subscriptions) + 1


class SubscribesOneTooLate(
    BrokenTransport,
    meant=["test_positions_rise_and_compare_with_what_subscribe_returns"],
):
    """`subscribe` returns the position of the broadcast that comes next."""

    session = _PointsAtTheNext


class StartsEverybodyNow(
    BrokenTransport,
    meant=[
        "test_a_newcomer_hears_what_is_retained",
        "test_a_new_group_starts_at_the_oldest_retained",
        "test_work_waits_for_its_first_group",
    ],
):
    """A newcomer gets nothing of what is stored already."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, only_new=True), replace)


class IgnoresOnlyNew(
    BrokenTransport,
    meant=[
        "test_a_newcomer_of_only_new_starts_now",
        "test_a_new_group_of_only_new_starts_now",
    ],
):
    """Every newcomer gets the whole history."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, only_new=False), replace)


class TreatsFixedIdsLikeOthers(
    BrokenTransport,
    meant=[
        "test_a_fixed_id_goes_on_behind_what_it_settled",
        "test_a_released_broadcast_is_left_for_the_next_life",
        "test_a_fixed_id_that_is_away_keeps_its_inbox",
        "test_what_is_done_does_not_come_again",
    ],
):
    """Nothing is remembered of an id that the user fixed."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, fixed=False), replace)


class _SettlesWhatItReleases(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle(
            [
                msgspec.structs.replace(each, outcome=Outcome.DONE)
                if each.delivery.channel == BROADCASTS and each.outcome is Outcome.RELEASED
                else each
                for each in settlements
            ]
        )


class DropsReleasedBroadcasts(
    BrokenTransport,
    meant=[
        "test_a_released_broadcast_is_left_for_the_next_life",
        "test_starts_of_a_released_broadcast_are_kept",
    ],
):
    """A broadcast that nobody could handle before the end counts as handled."""

    session = _SettlesWhatItReleases


class _ForgetsStarts(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries = await super().fetch(room, wait)
        for delivery in deliveries:
            if delivery.channel == BROADCASTS:
                delivery.starts = 0
        return deliveries


class ForgetsStartsOfBroadcasts(
    BrokenTransport, meant=["test_starts_of_a_released_broadcast_are_kept"]
):
    """How often a broadcast was started is not known in the next life."""

    session = _ForgetsStarts


class StartsOverWithEverySession(
    BrokenTransport,
    meant=[
        "test_a_later_session_of_one_transport_goes_on",
        "test_what_was_settled_out_of_order_does_not_come_again",
        "test_who_was_declared_dead_goes_on_where_it_stood",
    ],
):
    """After it was fenced an instance hears the whole history again."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        self.inner = MemoryTransport(self.inner.store, self.bus)
        return await super().join(member, replace)


class SkipsWhatCameBetweenSessions(
    BrokenTransport,
    meant=[
        "test_a_later_session_of_one_transport_goes_on",
        "test_who_was_declared_dead_goes_on_where_it_stood",
    ],
):
    """After it was fenced an instance goes on with what is stored from then on."""

    joined = False

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        if self.joined:
            self.inner = MemoryTransport(self.inner.store, self.bus)
            member = msgspec.structs.replace(member, only_new=True)
        self.joined = True
        return await super().join(member, replace)
