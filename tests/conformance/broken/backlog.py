"""Faults that the group "backlog" must find."""

from collections.abc import Sequence

import msgspec

from eventbus_core.modes import EventMode
from eventbus_core.transport import Holder, Member, Outgoing, Published, Session

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, queues_of

FULL = Published.BACKLOG_FULL


class NeverFull(
    BrokenTransport,
    meant=[
        "test_a_backlog_is_full_at_its_bound",
        "test_work_without_a_group_is_full_at_its_bound",
        "test_the_slowest_group_counts",
        "test_settling_makes_room",
        "test_what_is_in_hand_or_comes_again_counts",
        "test_a_full_backlog_refuses_nothing_else",
    ],
):
    """The bound of the backlog is not looked at."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        options = msgspec.structs.replace(member.options, max_backlog=10**9)
        return await super().join(msgspec.structs.replace(member, options=options), replace)


class _CountsAllStored(BrokenSession):
    stored = 0

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        self.stored += len(messages)
        if self.stored > bus_of(self).options.max_backlog:
            return [FULL for _ in messages]
        return await super().publish(batch, messages)


class CountsWhatIsHandled(
    BrokenTransport,
    meant=[
        "test_settling_makes_room",
        "test_a_stuck_message_does_not_count_for_those_behind_it",
        "test_broadcasts_are_never_refused",
    ],
):
    """The length of a stream is taken for its backlog."""

    session = _CountsAllStored


class _CountsWaiting(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        bus = bus_of(self)
        bound = bus.options
        if all(len(queue._fresh) < bound.max_backlog for queue in queues_of(bus)):
            bus.options = msgspec.structs.replace(bound, max_backlog=10**9)
        answers = await super().publish(batch, messages)
        bus.options = bound
        return answers


class CountsWhatWaitsOnly(BrokenTransport, meant=["test_what_is_in_hand_or_comes_again_counts"]):
    """What was handed out once does not count any more."""

    session = _CountsWaiting


class _RefusesTheBatch(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        bus = bus_of(self)
        full = any(queue.backlog >= bus.options.max_backlog for queue in queues_of(bus))
        if full and any(message.mode is not EventMode.BROADCAST for message in messages):
            return [FULL for _ in messages]
        return await super().publish(batch, messages)


class RefusesAWholeBatch(BrokenTransport, meant=["test_a_full_backlog_refuses_nothing_else"]):
    """When one place is full, nothing is stored anywhere."""

    session = _RefusesTheBatch
