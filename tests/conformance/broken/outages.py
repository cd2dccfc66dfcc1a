"""Faults that show when the store goes away, loses data, or its clock jumps."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import msgspec

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.memory.answered import Answered
from eventbus_core.memory.lives import kill
from eventbus_core.snapshots import BusSnapshot
from eventbus_core.transport import (
    Channel,
    ChannelKind,
    Delivery,
    FencedError,
    Outgoing,
    Published,
    Renewal,
    Room,
    Vitals,
)

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, now, presence_of, queues_of


class _ShowsTheCause(BrokenSession):
    async def maintain(self) -> None:
        try:
            await super().maintain()
        except TransportUnavailableError as exc:
            raise ConnectionResetError(104, "Connection reset by peer") from exc


class LeaksItsClientsErrors(
    BrokenTransport, meant=["test_while_the_store_is_away_every_call_says_so"]
):
    """One call lets the exception of its client library through."""

    session = _ShowsTheCause


class _TriesForEver(BrokenSession):
    async def dead_letters(self, *filters: Any) -> Any:
        while True:
            try:
                return await super().dead_letters(*filters)
            except TransportUnavailableError:
                await asyncio.sleep(0.05)


class WaitsForTheStore(BrokenTransport, meant=["test_while_the_store_is_away_every_call_says_so"]):
    """One call has a retry loop of its own, and no end."""

    session = _TriesForEver


class _ConnectsAnew(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        try:
            return await super().publish(batch, messages)
        except TransportUnavailableError:
            self.inner._answered = Answered()
            raise


class ForgetsBatchesWithTheConnection(
    BrokenTransport, meant=["test_a_batch_in_doubt_is_stored_once"]
):
    """After a failure it does not know any more which batch was stored last."""

    session = _ConnectsAnew


class _Silent(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        if vars(self).get("deaf"):
            await asyncio.sleep(wait)
            return ()
        try:
            return await super().fetch(room, wait)
        except TransportUnavailableError:
            vars(self)["deaf"] = True
            raise


class IsDeafAfterAnOutage(
    BrokenTransport,
    meant=[
        "test_buses_go_on_when_the_store_is_back",
        "test_while_the_store_is_away_every_call_says_so",
    ],
):
    """Reading ends with the connection, without a word; everything else goes on."""

    session = _Silent


class _Buffers(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        try:
            return await super().publish(batch, messages)
        except TransportUnavailableError:
            return [Published.STORED] * len(messages)


class ConfirmsWhatItCouldNotStore(
    BrokenTransport,
    meant=[
        "test_an_emit_that_is_not_confirmed_in_time_says_so",
        "test_buses_go_on_when_the_store_is_back",
    ],
):
    """Publishing is said to be done before the store has answered."""

    session = _Buffers


class _GivesUp(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        expired = not presence_of(self).lives(now(self))
        renewal = await super().renew(vitals)
        if expired:
            kill(bus_of(self), presence_of(self), now(self))
            raise FencedError(self.member.incarnation)
        return renewal


class FencesWhoComesBackLate(
    BrokenTransport, meant=["test_an_outage_longer_than_the_lease_kills_nobody"]
):
    """A lease that ran out cannot be renewed, though nobody has declared its holder dead."""

    session = _GivesUp


class _NoticesNothing(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        try:
            return await super().renew(vitals)
        except FencedError:
            return Renewal()

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        try:
            return await super().fetch(room, wait)
        except FencedError:
            await asyncio.sleep(min(wait, 0.1))
            return ()

    async def maintain(self) -> None:
        with suppress(FencedError):
            await super().maintain()


class NoticesNoLossOfData(
    BrokenTransport,
    meant=[
        "test_a_loss_of_all_data_fences_every_session",
        "test_buses_go_on_after_a_loss_of_all_data",
    ],
):
    """A session goes on as if the store still knew it."""

    session = _NoticesNothing


class _WaitsForTheNextNumber(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        taken = await super().fetch(room, wait)
        kept = []
        for delivery in taken:
            if delivery.channel.kind is ChannelKind.BROADCAST:
                expected = vars(self).setdefault("next", delivery.position)
                if delivery.position != expected:
                    continue
                vars(self)["next"] = expected + 1
            kept.append(delivery)
        return kept


class WaitsForWhatWasDeleted(
    BrokenTransport,
    meant=["test_broadcasts_deleted_behind_its_back_are_a_loss_and_no_more"],
):
    """A reader waits for the next broadcast in order, which nobody has any more."""

    session = _WaitsForTheNextNumber


class _SaysNothingOfLosses(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        return msgspec.structs.replace(await super().renew(vitals), lost={})


class _ShowsNoLosses:
    def __init__(self, source: Any) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def snapshot(self, bus: str) -> BusSnapshot:
        snapshot: BusSnapshot = await self._source.snapshot(bus)
        totals = {k: n for k, n in snapshot.totals.items() if not k.startswith("lost")}
        return dataclasses.replace(snapshot, totals=totals)


class LosesWithoutAWord(
    BrokenTransport,
    meant=[
        "test_broadcasts_deleted_behind_its_back_are_a_loss_and_no_more",
        "test_work_deleted_behind_its_back_is_a_loss_and_no_more",
    ],
):
    """What is gone is skipped, and counted nowhere."""

    session = _SaysNothingOfLosses
    monitor: ClassVar[Any] = _ShowsNoLosses


class _RemovesOld(BrokenSession):
    async def maintain(self) -> None:
        await super().maintain()
        too_old = now(self) - bus_of(self).options.message_retention
        for queue in queues_of(bus_of(self)):
            while queue._fresh and queue._fresh[0].stored_at < too_old:
                queue.finished(queue._fresh.popleft())


class RemovesWhatIsOldAndNotHandled(
    BrokenTransport, meant=["test_a_clock_that_jumps_loses_no_message"]
):
    """Retention looks at the age of a message alone."""

    session = _RemovesOld


class _NeedsAClockThatGrows(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        if now(self) < presence_of(self).expires_at - self.member.lease:
            kill(bus_of(self), presence_of(self), now(self))
        return await super().renew(vitals)


class FencesWhoRenewsInThePast(
    BrokenTransport, meant=["test_a_clock_that_steps_back_kills_nobody"]
):
    """A renewal with an earlier time than the last one counts as one of an earlier life."""

    session = _NeedsAClockThatGrows


UNBREAKABLE = {
    "test_what_was_confirmed_survives_a_restart_of_the_store": (
        "neither store behind the broken transports has a server that could be restarted"
    )
}
