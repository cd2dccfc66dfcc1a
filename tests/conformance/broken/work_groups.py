"""Faults of the groups' places in the work of an event."""

import itertools
from collections.abc import Mapping, Sequence

import msgspec

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    Channel,
    ChannelKind,
    Delivery,
    Holder,
    Member,
    Room,
    Session,
    Settlement,
    Subscription,
)

from .base import BrokenSession, BrokenTransport


class _Renames(BrokenSession):
    """Works under another group than the one that it was told."""

    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        return await super().subscribe(_renamed(self.transport, subscriptions))

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        names = {self._renamed(channel): channel for channel in room}
        deliveries = await super().fetch({new: room[old] for new, old in names.items()}, wait)
        for delivery in deliveries:
            delivery.channel = names[delivery.channel]
        return deliveries

    def _renamed(self, channel: Channel) -> Channel:
        if channel.kind is not ChannelKind.WORK:
            return channel
        return channel._replace(group=self.transport.group)  # type: ignore[attr-defined]


def _renamed(
    transport: BrokenTransport, announced: frozenset[Subscription]
) -> frozenset[Subscription]:
    group: str = transport.group  # type: ignore[attr-defined]
    return frozenset(s._replace(group=group) if s.group else s for s in announced)


class _Grouped(BrokenTransport):
    session = _Renames
    group = "all"

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        renamed = _renamed(self, member.subscriptions)
        return await super().join(msgspec.structs.replace(member, subscriptions=renamed), replace)


class HasOneGroupForAll(_Grouped, meant=["test_each_group_gets_every_message"]):
    """A message goes to one instance of one of the groups."""


class MakesEveryMemberAGroup(
    _Grouped,
    meant=[
        "test_a_group_keeps_its_place_without_members",
        "test_a_second_member_does_not_reset_its_group",
        "test_members_share_all_of_it_and_nothing_twice",
    ],
):
    """Every process has a consumer group of its own."""

    numbers = itertools.count(1)

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        self.group = f"group-{next(self.numbers)}"
        return await super().join(member, replace)


class _OpensNothing(BrokenSession):
    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        return await super().subscribe(self.member.subscriptions)


class OpensChannelsOnlyAtJoin(BrokenTransport, meant=["test_subscribing_later_opens_a_channel"]):
    """What is subscribed to later is never read."""

    session = _OpensNothing


class _KeepsReading(BrokenSession):
    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        return await super().subscribe(subscriptions | self.member.subscriptions)

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        ahead = {
            Channel(ChannelKind.WORK, s.event, s.group): Room(1, 1)
            for s in self.member.subscriptions
            if s.mode is EventMode.ANYCAST
        }
        deliveries = await super().fetch({**ahead, **room}, wait)
        return [delivery for delivery in deliveries if delivery.channel in room]


class KeepsReadingForWhoUnsubscribed(
    BrokenTransport, meant=["test_who_unsubscribed_is_given_nothing_more"]
):
    """A read that was on its way takes work for an instance that wants none."""

    session = _KeepsReading


class _ForgetsChannels(BrokenSession):
    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        self.open = subscriptions
        return await super().subscribe(subscriptions)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle([each for each in settlements if self._knows(each)])

    def _knows(self, settlement: Settlement) -> bool:
        channel = settlement.delivery.channel
        its = Subscription(EventMode.ANYCAST, channel.event, channel.group)
        return channel.kind is not ChannelKind.WORK or its in self.open

    def __init__(self, transport: BrokenTransport, member: Member, inner: object) -> None:
        super().__init__(transport, member, inner)
        self.open = member.subscriptions


class ForgetsWhatAnUnsubscribedMemberHolds(
    BrokenTransport,
    meant=["test_what_an_unsubscribed_member_hands_back_goes_to_others"],
):
    """What is in hand when a channel is closed can not be handed back."""

    session = _ForgetsChannels
