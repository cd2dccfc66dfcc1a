"""Faults of announcing subscriptions, and of what they hand back."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from eventbus_core.transport import (
    Channel,
    ChannelKind,
    Delivery,
    Holder,
    Member,
    Outcome,
    Renewal,
    Room,
    Session,
    Settlement,
    Subscription,
    Vitals,
)

from .base import BrokenSession, BrokenTransport


class _AnnouncesWithItsHeartbeat(BrokenSession):
    late: frozenset[Subscription] | None = None

    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        self.late = subscriptions
        return await super().subscribe(frozenset())

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        if self.late is not None:
            await self.inner.subscribe(self.late)
            self.late = None
        return await super().renew(vitals)


class AnnouncesLate(
    BrokenTransport,
    meant=["test_what_others_emit_after_ready_reaches_a_new_subscription"],
):
    """`subscribe` returns before others see the subscriptions."""

    session = _AnnouncesWithItsHeartbeat


class JoinsWithoutSubscriptions(
    BrokenTransport,
    meant=["test_what_is_emitted_after_init_reaches_its_subscriptions"],
):
    """`join` returns before the member's subscriptions are live."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        bare = msgspec.structs.replace(member, subscriptions=frozenset())
        joined = await self.inner.join(bare, replace)
        if isinstance(joined, Holder):
            return joined
        session = _AnnouncesWithItsHeartbeat(self, member, joined)
        session.late = member.subscriptions
        return session


class _StartsAtTheOldest(BrokenSession):
    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        await super().subscribe(subscriptions)
        return 0


class SubscribesToThePast(
    BrokenTransport,
    meant=["test_a_later_subscription_sees_no_broadcast_from_before_ready"],
):
    """A subscription made later gets every broadcast that is in the buffer."""

    session = _StartsAtTheOldest


class _StartsAfterTheNext(BrokenSession):
    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        return 1 + await super().subscribe(subscriptions)


class SubscribesTooFarAhead(
    BrokenTransport,
    meant=[
        "test_what_others_emit_after_ready_reaches_a_new_subscription",
        "test_a_handler_subscribes_another_one",
    ],
):
    """The position that `subscribe` returns is the one of the next broadcast: it is missed."""

    session = _StartsAfterTheNext


class _DropsWhatComesBack(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await asyncio.sleep(0)
        for settlement in settlements:
            if settlement.outcome is Outcome.RELEASED:
                settlement.outcome = Outcome.DONE
        await super().settle(settlements)


class LosesWhatIsHandedBack(
    BrokenTransport,
    meant=[
        "test_off_starts_nothing_more_and_hands_unstarted_work_to_the_group",
    ],
):
    """Work that an instance cannot start is acknowledged instead of given to others."""

    session = _DropsWhatComesBack


class _Prefetches(_DropsWhatComesBack):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        more = {
            channel: Room(100, 100) if channel.kind is ChannelKind.WORK else given
            for channel, given in room.items()
        }
        return await super().fetch(more, wait)


class PrefetchesAndDrops(
    BrokenTransport,
    meant=["test_once_starts_one_of_fifty", "test_once_on_two_instances_takes_one_each"],
):
    """Work is taken beyond the room there is for it, and what is handed back is acknowledged."""

    session = _Prefetches
