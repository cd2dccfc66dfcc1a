"""Faults of order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from eventbus_core.transport import (
    BROADCASTS,
    Channel,
    Delivery,
    Outcome,
    Room,
    Settlement,
)

from .base import BrokenSession, BrokenTransport


class _TakesTheNewest(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return [*await super().fetch(room, wait)][::-1]


class GivesThePageBackwards(
    BrokenTransport, meant=["test_a_channel_gives_in_the_order_of_storing"]
):
    """What is taken together comes newest first."""

    session = _TakesTheNewest


class _ClaimsLast(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return sorted(await super().fetch(room, wait), key=lambda delivery: delivery.again)


class GivesWhatCameBackLast(
    BrokenTransport,
    meant=[
        "test_what_came_back_goes_oldest_first_before_newer",
        "test_an_inbox_gives_what_came_back_before_newer",
        "test_what_is_due_again_goes_before_newer",
        "test_orphaned_released_and_failed_go_oldest_first",
    ],
):
    """It reads what is new before it claims what came back."""

    session = _ClaimsLast


class _KeepsItsOwnQueue(BrokenSession):
    """What came back waits in a list of its own, in the order of coming back."""

    back: ClassVar[dict[tuple[str, Channel], list[Delivery]]] = defaultdict(list)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        passed = []
        for each in settlements:
            channel = each.delivery.channel
            if each.outcome is Outcome.RELEASED and channel != BROADCASTS:
                again = msgspec.structs.replace(each.delivery, again=True, starts=each.starts)
                self.back[self.transport.bus, channel].append(again)
            else:
                passed.append(each)
        await super().settle(passed)

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        given: list[Delivery] = []
        left = {}
        for channel, (slots, limit) in room.items():
            back = self.back[self.transport.bus, channel]
            given += back[:slots]
            left[channel] = Room(slots, limit - len(back[:slots]))
            del back[:slots]
        return [*given, *await super().fetch(left, 0.0 if given else wait)]


class FillsUpWithNewerMessages(
    BrokenTransport,
    meant=[
        "test_nothing_newer_goes_before_what_waits_for_a_slot",
        "test_what_came_back_goes_oldest_first_before_newer",
    ],
):
    """What came back and finds no free slot is overtaken by what is newer."""

    session = _KeepsItsOwnQueue


class _ClaimsInBulk(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return await super().fetch({c: Room(limit, limit) for c, (_, limit) in room.items()}, wait)


class ClaimsInBulk(BrokenTransport, meant=["test_nothing_newer_goes_before_what_waits_for_a_slot"]):
    """It takes over as many as there is room for, not as can be started."""

    session = _ClaimsInBulk
