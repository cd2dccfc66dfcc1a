"""Faults that the group "failover" must find."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from eventbus_core.transport import (
    Channel,
    Delivery,
    FencedError,
    Holder,
    Member,
    Outgoing,
    Published,
    Renewal,
    Room,
    Session,
    Settlement,
    StoredDeadLetter,
    Suspect,
    Vitals,
)

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, now, queues_of

IDLE = 0.05
"""Seconds."""
_taken: dict[bytes, float] = {}
"""When a message was last handed out, to anybody."""
_orphaned: set[bytes] = set()
"""Messages of the dead."""


class _TakesByIdleTime(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        for presence in bus_of(self).presences.values():
            for hold in tuple(presence.held):
                if now(self) - _taken[hold.item.entry.data] > IDLE:
                    hold.queue.drop(hold)
                    hold.queue.put_back(hold.item)
        deliveries = await super().fetch(room, wait)
        for delivery in deliveries:
            _taken[delivery.data] = now(self)
        return deliveries


class TakesByIdleTime(
    BrokenTransport, meant=["test_nothing_is_taken_from_who_is_not_declared_dead"]
):
    """What somebody has had in hand for long goes to the next one who asks."""

    session = _TakesByIdleTime


class _JudgesByItsOwnLease(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        renewal, bus = await super().renew(vitals), bus_of(self)
        suspects = [
            Suspect(p.member.incarnation, p.member.instance_id, self.member.lease)
            for p in bus.presences.values()
            if p.expires_at - p.member.lease + self.member.lease <= now(self)
        ]
        return Renewal(suspects=suspects, options=renewal.options, lost=renewal.lost)


class JudgesOthersByItsOwnLease(
    BrokenTransport, meant=["test_suspects_are_those_whose_own_lease_ran_out"]
):
    """Leases are taken to be equally long everywhere."""

    session = _JudgesByItsOwnLease


class _Believes(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        for suspect in suspects:
            if (presence := bus_of(self).presences.get(suspect.incarnation)) is not None:
                presence.expires_at = 0.0
        return await super().declare_dead(suspects)


class BelievesWhoeverSuspects(
    BrokenTransport,
    meant=[
        "test_a_live_instance_is_not_declared_dead",
        "test_a_suspect_that_renews_is_not_declared_dead",
    ],
):
    """Whether the lease is still expired is not looked at again."""

    session = _Believes


class _DeclaresInTwoSteps(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        expired = [s for s in suspects if s.incarnation in bus_of(self).presences]
        await asyncio.sleep(0.01)
        await super().declare_dead(expired)
        return expired


class DeclaresInTwoSteps(BrokenTransport, meant=["test_one_of_many_declares_the_dead"]):
    """Each of those who looked at the same time believes that it was the one."""

    session = _DeclaresInTwoSteps


class _ShowsToAnybody(BrokenSession):
    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        letters: Sequence[StoredDeadLetter] = bus_of(self).dead.page(limit, after, event, group)
        return letters


class ServesTheDead(
    BrokenTransport,
    meant=["test_every_call_of_the_dead_is_refused", "test_every_call_after_leaving_is_refused"],
):
    """Whether the one who asks is alive is looked at only where it changes something."""

    session = _ShowsToAnybody


class _StoresFromAnybody(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        try:
            return await super().publish(batch, messages)
        except FencedError:
            for message in messages:
                bus_of(self).store(message, now(self))
            raise


class StoresFromTheDead(BrokenTransport, meant=["test_what_the_dead_publish_is_not_stored"]):
    """Messages are stored in one step, and whether the sender lives is seen in the next."""

    session = _StoresFromAnybody


class _SettlesByMessage(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        try:
            await super().settle(settlements)
        except FencedError:
            for settlement in settlements:
                _handled(bus_of(self), settlement.delivery.data)
            raise


def _handled(bus: Any, data: bytes) -> None:
    """Take a message away, in whose hands it ever is."""
    for queue in queues_of(bus):
        for item in tuple(queue._items.values()):
            if item.entry.data == data and item.hold is not None:
                queue.drop(item.hold)
                queue.finished(item.entry)


class SettlesForTheDead(BrokenTransport, meant=["test_what_the_dead_settle_changes_nothing"]):
    """A late settlement takes the message out of the hands of who took it over."""

    session = _SettlesByMessage


class _PutsOrphansLast(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        dead = await super().declare_dead(suspects)
        for queue in queues_of(bus_of(self)):
            while queue._returned:
                _, item = queue._returned.pop()
                queue._items.pop(item.entry.number)
                queue.add(item.entry)
        return dead


class PutsOrphansLast(
    BrokenTransport,
    meant=[
        "test_work_of_the_dead_comes_first_and_oldest_first",
        "test_work_of_several_dead_comes_in_the_order_of_storing",
        "test_orphaned_is_told_once_for_each_death",
    ],
):
    """Work of the dead is stored again, as if it was new."""

    session = _PutsOrphansLast


class _OrphansOnce(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        dead = await super().declare_dead(suspects)
        for queue in queues_of(bus_of(self)):
            for _, item in queue._returned:
                item.orphaned = item.entry.data not in _orphaned
                _orphaned.add(item.entry.data)
        return dead


class OrphansAMessageOnce(BrokenTransport, meant=["test_orphaned_is_told_once_for_each_death"]):
    """That its next holder died too is not told: it goes on killing one after the other."""

    session = _OrphansOnce


class _DeathMakesDue(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        for queue in queues_of(bus_of(self)):
            while queue._delayed:
                queue.put_back(queue._delayed.pop()[2])
        return await super().declare_dead(suspects)


class DeathMakesDue(BrokenTransport, meant=["test_what_the_dead_set_aside_stays_due"]):
    """What the dead one had set aside is offered at once."""

    session = _DeathMakesDue


class _WakesNobody(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        presences = tuple(bus_of(self).presences.values())
        bells = [presence.bell for presence in presences]
        for presence in presences:
            presence.bell = None
        dead = await super().declare_dead(suspects)
        for presence, bell in zip(presences, bells, strict=True):
            presence.bell = bell
        return dead


class WakesNobodyAtADeath(
    BrokenTransport, meant=["test_a_fetch_that_waits_is_woken_by_work_of_the_dead"]
):
    """Work of the dead waits until somebody happens to look."""

    session = _WakesNobody


class ReplaysToWhoWasFenced(
    BrokenTransport, meant=["test_who_was_fenced_goes_on_over_the_same_transport"]
):
    """A later session starts like a newcomer: it sees everything again."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        self.inner._last = None
        return await super().join(member, replace)


class _DropsInboxes(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        for suspect in suspects:
            self._empty(suspect.instance_id)
        return await super().declare_dead(suspects)

    async def leave(self) -> None:
        with suppress(KeyError):
            self._empty(self.member.instance_id)
        await super().leave()

    def _empty(self, name: str) -> None:
        bus_of(self).inboxes[name].empty()


class DropsInboxesSilently(
    BrokenTransport,
    meant=[
        "test_an_id_that_is_not_fixed_dies_with_its_inbox",
        "test_the_inbox_of_who_left_becomes_dead_letters",
    ],
):
    """What was not handled in an inbox is gone with its instance, and nobody is told."""

    session = _DropsInboxes
