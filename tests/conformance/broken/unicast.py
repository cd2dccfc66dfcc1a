"""Faults of inboxes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    BROADCASTS,
    INBOX,
    Channel,
    Delivery,
    Member,
    Outgoing,
    Published,
    Room,
)

from .base import BrokenSession, BrokenTransport


class _WritesToAll(BrokenSession):
    ids: ClassVar[dict[str, set[str]]] = defaultdict(set)

    def __init__(self, transport: BrokenTransport, member: Member, inner: object) -> None:
        super().__init__(transport, member, inner)
        self.ids[transport.bus].add(member.instance_id)

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        others = [
            message._replace(target=each)
            for message in messages
            if message.mode is EventMode.UNICAST
            for each in self.ids[self.transport.bus] - {message.target}
        ]
        answers = await super().publish(batch, [*messages, *others])
        return answers[: len(messages)]


class WritesToEveryInbox(BrokenTransport, meant=["test_only_the_target_gets_a_message"]):
    """A target is a hint."""

    session = _WritesToAll


class _GivesTheFirst(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries = await super().fetch(room, wait)
        mail = [delivery for delivery in deliveries if delivery.channel == INBOX]
        return [d for d in deliveries if d.channel != INBOX or d is mail[0]]


class GivesTheFirstOfEveryRead(BrokenTransport, meant=["test_every_message_of_a_burst_is_given"]):
    """It reads several messages of an inbox and forgets all but one."""

    session = _GivesTheFirst


class _ReadsAllAsMail(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        if INBOX in room:
            room = {BROADCASTS: room[INBOX], **room}
        deliveries = await super().fetch(room, wait)
        for delivery in deliveries:
            if delivery.channel not in room or INBOX in room:
                delivery.channel = INBOX
        return deliveries


class GivesBroadcastsAsMail(
    BrokenTransport, meant=["test_an_inbox_gives_neither_broadcasts_nor_work"]
):
    """Broadcasts come through the inbox."""

    session = _ReadsAllAsMail
