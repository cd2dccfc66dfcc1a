"""Faults of sharing work, and of how `fetch` waits for it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    BROADCASTS,
    INBOX,
    Channel,
    ChannelKind,
    Delivery,
    Member,
    Outgoing,
    Published,
    Room,
    Subscription,
    work,
)

from .base import BrokenSession, BrokenTransport
from .publishing import at_once


class _ReadsBesideOthers(BrokenSession):
    taken: ClassVar[dict[str, list[tuple[BrokenSession, Delivery]]]] = defaultdict(list)
    given = 0

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries = [*await super().fetch(room, wait)]
        taken = self.taken[self.transport.bus]
        if taken and taken[-1][0] is not self and taken[-1][1].channel in room and deliveries:
            deliveries[-1] = msgspec.structs.replace(taken.pop()[1])
        self.given += len(deliveries)
        if deliveries and self.given % 5 == 0:
            taken.append((self, deliveries[-1]))
        return deliveries


class GivesWorkToTwoMembers(
    BrokenTransport, meant=["test_members_share_all_of_it_and_nothing_twice"]
):
    """Two members that look at the same time take the same message."""

    session = _ReadsBesideOthers


class _JoinsIn(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        wanted = {
            Subscription(EventMode.ANYCAST, channel.event, channel.group)
            for channel in room
            if channel.kind is ChannelKind.WORK
        }
        if wanted - self.member.subscriptions:
            await self.inner.subscribe(self.member.subscriptions | wanted)
        return await super().fetch(room, wait)


class GivesWorkToWhoeverAsks(
    BrokenTransport,
    meant=[
        "test_only_those_subscribed_are_given_work",
        "test_work_waits_for_its_first_group",
    ],
):
    """Instances without a handler swallow work."""

    session = _JoinsIn


class _DropsTheUnwanted(BrokenSession):
    wanted: ClassVar[dict[str, set[str]]] = defaultdict(set)

    def __init__(self, transport: BrokenTransport, member: Member, inner: object) -> None:
        super().__init__(transport, member, inner)
        self._note(member.subscriptions)

    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        self._note(subscriptions)
        return await super().subscribe(subscriptions)

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        wanted = self.wanted[self.transport.bus]
        await super().publish(
            batch, [m for m in messages if m.mode is not EventMode.ANYCAST or m.event in wanted]
        )
        return [Published.STORED] * len(messages)

    def _note(self, subscriptions: frozenset[Subscription]) -> None:
        self.wanted[self.transport.bus].update(
            each.event for each in subscriptions if each.mode is EventMode.ANYCAST
        )


class DropsWorkThatNobodyWaitsFor(
    BrokenTransport,
    meant=[
        "test_work_waits_for_its_first_group",
        "test_subscribing_later_opens_a_channel",
    ],
):
    """Work without a group is confirmed and lost."""

    session = _DropsTheUnwanted


class _KeepsOneStream(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(
            batch,
            [m._replace(event="job") if m.mode is EventMode.ANYCAST else m for m in messages],
        )


class MixesTheWorkOfAllEvents(BrokenTransport, meant=["test_two_events_do_not_mix"]):
    """There is one stream for the work of all events."""

    session = _KeepsOneStream


class _TakesFromTheFirst(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return await super().fetch(dict([*room.items()][:1]), wait)


class TakesFromTheFirstChannelOnly(
    BrokenTransport,
    meant=[
        "test_one_fetch_takes_from_several_channels",
        "test_full_channels_hold_up_no_other",
    ],
):
    """A fetch looks at one channel and never gets to the others."""

    session = _TakesFromTheFirst


class _TakesPages(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        pages = {channel: Room(slots, max(limit, 4)) for channel, (slots, limit) in room.items()}
        return await super().fetch(pages, wait)


class GivesMoreThanThereIsRoomFor(
    BrokenTransport, meant=["test_no_more_comes_than_there_is_room_for"]
):
    """It gives whole pages."""

    session = _TakesPages


class _Buffers(BrokenSession):
    def __init__(self, transport: BrokenTransport, member: Member, inner: object) -> None:
        super().__init__(transport, member, inner)
        self.buffer: list[Delivery] = []

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        if not self.buffer:
            every = [work(s.event, s.group) for s in self.member.subscriptions if s.group]
            ahead = {channel: Room(9, 99) for channel in (*every, INBOX, BROADCASTS)}
            self.buffer += await super().fetch(ahead, wait)
        given: list[Delivery] = []
        while self.buffer:
            channel = self.buffer[0].channel
            if sum(d.channel == channel for d in given) >= room.get(channel, Room(0, 0)).limit:
                break
            given.append(self.buffer.pop(0))
        if not given:
            await super().fetch({}, wait)
        return given


class KeepsOneBufferForAllChannels(BrokenTransport, meant=["test_full_channels_hold_up_no_other"]):
    """A message whose channel is full holds up those behind it."""

    session = _Buffers


class _Polls(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        if found := await super().fetch(room, 0.0):
            return found
        await super().fetch({}, wait)
        return await super().fetch(room, 0.0)


class LooksOnceInAWhile(
    BrokenTransport,
    meant=[
        "test_a_fetch_that_waits_is_ended_by_a_message",
        "test_released_work_goes_to_another_member_at_once",
        "test_what_becomes_due_ends_a_fetch_that_waits",
    ],
):
    """A fetch looks, sleeps as long as it may, and looks again."""

    session = _Polls


class _NeverWaits(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return await super().fetch(room, 0.0)


class NeverWaits(
    BrokenTransport, meant=["test_a_fetch_with_nothing_to_give_lasts_as_long_as_it_may"]
):
    """A fetch returns at once, so that its caller never rests."""

    session = _NeverWaits


class _Sleeps(BrokenSession):
    def wake(self) -> None:
        pass


class CannotBeWoken(
    BrokenTransport,
    meant=[
        "test_waking_ends_a_fetch_that_waits",
        "test_a_wake_that_comes_first_is_remembered",
    ],
):
    """`wake` does nothing."""

    session = _Sleeps


class _WakesThoseWhoWait(BrokenSession):
    waiting = False

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        self.waiting = True
        try:
            return await super().fetch(room, wait)
        finally:
            self.waiting = False

    def wake(self) -> None:
        if self.waiting:
            super().wake()


class ForgetsAnEarlyWake(BrokenTransport, meant=["test_a_wake_that_comes_first_is_remembered"]):
    """A wake that comes just before the fetch is lost."""

    session = _WakesThoseWhoWait


class _NeverPauses(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        if wait > 0:
            return await super().fetch(room, wait)
        deliveries: Any = at_once(self.inner.fetch(room, wait))
        return list(deliveries)


class FetchesWithoutAPause(BrokenTransport, meant=["test_fetching_gives_way_to_the_loop"]):
    """One that always finds something stops its event loop."""

    session = _NeverPauses


class _HearsOfNewMessagesOnly(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        taken = await super().fetch(room, 0.0)
        if taken or wait <= 0:
            return taken
        self.heard = asyncio.Event()
        _WAITING.add(self)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.heard.wait(), wait)
        _WAITING.discard(self)
        return await super().fetch(room, 0.0)

    def wake(self) -> None:
        super().wake()
        self._ring()

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        answers = await super().publish(batch, messages)
        self._ring()
        return answers

    def _ring(self) -> None:
        for session in tuple(_WAITING):
            session.heard.set()


_WAITING: set[_HearsOfNewMessagesOnly] = set()


class NoticesWhatIsDueLater(
    BrokenTransport, meant=["test_a_fetch_that_waits_is_ended_by_work_that_becomes_due"]
):
    """Who waits hears of new messages, and not of those that have become due again."""

    session = _HearsOfNewMessagesOnly


class _ReadsForFreeHandlersOnly(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return await super().fetch({c: r for c, r in room.items() if r.slots}, wait)


class NeverReadsAhead(BrokenTransport, meant=["test_reading_ahead_needs_no_free_handler"]):
    """A channel without a free handler is not read, though there is room to read ahead."""

    session = _ReadsForFreeHandlersOnly
