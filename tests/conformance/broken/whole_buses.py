"""Faults that only whole buses, or real messages, show."""

from collections.abc import Mapping, Sequence

import msgspec

from eventbus_core.memory.lives import kill
from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    Channel,
    ChannelKind,
    Delivery,
    Holder,
    Member,
    Outcome,
    Outgoing,
    Published,
    Room,
    Session,
    Settlement,
)

from .base import BrokenSession, BrokenTransport


class _SkipsItsOwn(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        own = vars(self).setdefault("own", set())
        own.update(message.data for message in messages)
        return await super().publish(batch, messages)

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        taken = await super().fetch(room, wait)
        own = vars(self).get("own", ())
        kept = [
            d for d in taken if d.channel.kind is not ChannelKind.BROADCAST or d.data not in own
        ]
        await self.inner.settle([Settlement(d, Outcome.DONE) for d in taken if d not in kept])
        return kept


class SenderHearsNothing(
    BrokenTransport, meant=["test_a_broadcast_is_handled_by_every_bus_and_the_sender"]
):
    """An instance does not get its own broadcasts."""

    session = _SkipsItsOwn


class _TellsAll(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(
            batch, [message._replace(mode=EventMode.BROADCAST) for message in messages]
        )


class UnicastReachesAll(BrokenTransport, meant=["test_a_unicast_is_handled_by_its_target_alone"]):
    """A message for one is stored among the broadcasts, for the receivers to sort out."""

    session = _TellsAll


class _CutsLongOnes(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(
            batch, [message._replace(data=message.data[:65_535]) for message in messages]
        )


class CutsAtSixtyFourKilobytes(BrokenTransport, meant=["test_a_message_arrives_as_it_was_sent"]):
    """The column for the envelope is too short, and nobody looks at the warning."""

    session = _CutsLongOnes


class _TakesAll(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        return await super().fetch({channel: Room(10_000, 10_000) for channel in room}, wait)


class TakesMoreThanThereIsRoomFor(
    BrokenTransport,
    meant=[
        "test_equal_buses_share_work_and_handle_each_once",
        "test_a_slow_handler_holds_one_message_more_than_it_runs",
    ],
):
    """Prefetches without a bound: whoever asks first has everything."""

    session = _TakesAll


_stored: dict[str, int] = {}
"""By bus: the newest batch stored, whoever sent it."""


class _KnowsBatchesByNumber(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        if batch <= _stored.get(self.transport.bus, 0):
            return [Published.STORED] * len(messages)
        _stored[self.transport.bus] = batch
        return await super().publish(batch, messages)


class MixesUpPublishers(
    BrokenTransport, meant=["test_what_two_buses_emit_at_once_is_handled_once_each"]
):
    """Takes the batch of one publisher for the repeated batch of another, and drops it."""

    session = _KnowsBatchesByNumber


class _NeverRefuses(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        await super().publish(batch, messages)
        return [Published.STORED] * len(messages)


class SaysStoredWhateverHappens(
    BrokenTransport,
    meant=[
        "test_a_unicast_to_nobody_is_refused",
        "test_work_beyond_the_backlog_is_refused_until_there_is_room",
    ],
):
    """The answer of the store is not looked at."""

    session = _NeverRefuses


class ForgetsFixedIds(BrokenTransport, meant=["test_a_fixed_id_goes_on_where_it_was"]):
    """Every id is treated as one that nobody will use again."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, fixed=False), replace)


class GivesAwayLiveIds(BrokenTransport, meant=["test_a_second_bus_under_a_live_id_is_refused"]):
    """Whoever joins last has the id; the other one is fenced."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await super().join(member, replace)
        if isinstance(joined, Holder):
            store = self.inner.store
            with store.step() as now:
                bus = store.bus(self.bus)
                kill(bus, bus.presences[joined.incarnation], now)
            joined = await super().join(member, replace)
        return joined
