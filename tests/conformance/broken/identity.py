"""Faults that the group "identity" must find."""

import asyncio

import msgspec

from eventbus_core.memory import lives
from eventbus_core.transport import Delivery, Holder, Member, Session

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, now


def _end(transport: BrokenTransport, instance_id: str) -> None:
    """Declare whoever holds an id dead."""
    bus = bus_of(transport)
    if (holder := bus.holders.get(instance_id)) is not None:
        lives.kill(bus, holder, now(transport))
        bus.ring()


class GivesAnIdToTheNext(
    BrokenTransport,
    meant=[
        "test_an_id_in_use_is_told_with_its_holder",
        "test_who_finds_an_id_in_use_changes_nothing",
        "test_a_live_holder_is_not_replaced",
    ],
):
    """Two processes under one id: the later one has it, whoever is alive."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        if isinstance(await super().join(member, replace), Holder):
            _end(self, member.instance_id)
        return await super().join(member, replace)


class AnnouncesBeforeItLooks(
    BrokenTransport, meant=["test_who_finds_an_id_in_use_changes_nothing"]
):
    """Groups are opened before the id is found to be in use."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        bus = bus_of(self)
        for event, group in {(s.event, s.group) for s in member.subscriptions if s.group}:
            if event in bus.streams:
                stream = bus.streams[event]
                stream.open_group(group, only_new=member.only_new, now=now(self))
        return await super().join(member, replace)


class ReplacesWhoeverHasExpired(
    BrokenTransport,
    meant=[
        "test_a_holder_that_has_renewed_is_not_replaced",
        "test_a_later_holder_is_not_replaced_for_an_earlier_one",
    ],
):
    """Whether the expired holder is the one that was watched is not compared."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await super().join(member, replace)
        if isinstance(joined, Holder) and joined.expired and replace is not None:
            return await super().join(member, joined)
        return joined


class ReplacesOnlyWhatWasSeenExpired(
    BrokenTransport,
    meant=["test_an_expired_holder_is_replaced_and_fenced"],
):
    """What counts is whether the lease had run out when its holder was watched."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        seen = replace is not None and replace.expired
        return await super().join(member, replace if seen else None)


class ReplacesInTwoSteps(BrokenTransport, meant=["test_one_of_many_replaces_a_holder"]):
    """The holder is compared in one step and ended in another."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await super().join(member)
        if not isinstance(joined, Holder) or replace is None or not joined.expired:
            return joined
        await asyncio.sleep(0.01)
        _end(self, member.instance_id)
        return await super().join(member)


class TellsNoRenewals(BrokenTransport, meant=["test_a_holders_renewals_change_with_each_renewal"]):
    """The mark of a holder is made once, when it joins."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await super().join(member, replace)
        if isinstance(joined, Holder):
            return msgspec.structs.replace(joined, renewals="1")
        return joined


class TakesItselfForAnother(
    BrokenTransport,
    meant=[
        "test_joining_again_as_the_same_incarnation_loses_nothing",
        "test_joining_again_after_a_cancellation_is_one_life",
    ],
):
    """A join that is repeated because its answer was lost finds its own first one in the way."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        if member.incarnation in bus_of(self).presences:
            # The same look as anybody else's.
            other = msgspec.structs.replace(member, incarnation=f"{member.incarnation}-again")
            return await super().join(other, replace)
        return await super().join(member, replace)


class StartsOverWhenItJoinsAgain(
    BrokenTransport, meant=["test_joining_again_as_the_same_incarnation_loses_nothing"]
):
    """The place in the broadcasts is decided again by a repeated join."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await super().join(member, replace)
        bus = bus_of(self)
        if member.only_new and (present := bus.presences.get(member.incarnation)):
            present.reader.read = bus.log.newest
        return joined


class ForgetsWhoLeft(
    BrokenTransport,
    meant=[
        "test_a_fixed_id_resumes_its_broadcasts",
        "test_a_fixed_id_keeps_its_inbox",
        "test_a_fixed_id_keeps_recorded_starts_of_broadcasts",
        "test_a_fixed_id_that_died_is_remembered",
    ],
):
    """A fixed id is like any other."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, fixed=False), replace)


class RemembersEveryId(
    BrokenTransport,
    meant=[
        "test_an_id_that_is_not_fixed_is_forgotten",
        "test_who_left_is_not_found",
        "test_the_inbox_of_who_left_becomes_dead_letters",
        "test_an_id_that_is_not_fixed_dies_with_its_inbox",
    ],
):
    """Any id is like a fixed one: its inbox fills up for nobody."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, fixed=True), replace)


class _KeepsStartsInMemory(BrokenSession):
    async def begin(self, delivery: Delivery, starts: int) -> None:
        if delivery.position == 0:
            await super().begin(delivery, starts)


class KeepsStartsInMemory(
    BrokenTransport, meant=["test_a_fixed_id_keeps_recorded_starts_of_broadcasts"]
):
    """Starts of broadcasts are counted in the process, and gone with it."""

    session = _KeepsStartsInMemory
