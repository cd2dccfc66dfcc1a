"""Faults that the group "retention" must find."""

from typing import Any

import msgspec

from eventbus_core.options import FOREVER
from eventbus_core.transport import Holder, Member, Renewal, Session, Vitals

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, groups_of, now


class _NeverMaintains(BrokenSession):
    async def maintain(self) -> None:
        await self.inner.renew()


class KeepsEverything(
    BrokenTransport,
    meant=[
        "test_handled_messages_go_when_they_are_old",
        "test_handled_messages_go_when_they_are_too_many",
        "test_a_new_group_gets_what_is_retained",
        "test_broadcasts_stay_until_every_live_instance_has_passed",
        "test_who_has_left_holds_no_broadcasts",
        "test_the_dead_hold_no_broadcasts",
        "test_a_group_without_members_is_removed_with_its_work",
        "test_a_fixed_id_is_forgotten_with_its_inbox",
    ],
):
    """Maintenance is left to the store, which does none."""

    session = _NeverMaintains


class _TrimsBlindly(BrokenSession):
    async def maintain(self) -> None:
        bus, options = bus_of(self), self.member.options
        for group in groups_of(bus):
            while len(group._fresh) > options.max_message_count:
                group.finished(group._fresh.popleft())
        bus.log.trim(
            [],
            older_than=now(self) - options.message_retention,
            most=options.max_message_count,
            max_unhandled=options.max_backlog,
        )
        await super().maintain()


class TrimsBlindly(
    BrokenTransport,
    meant=[
        "test_what_is_not_handled_is_never_removed",
        "test_broadcasts_stay_until_every_live_instance_has_passed",
        "test_many_maintainers_at_once_do_no_harm",
    ],
):
    """Streams are cut by length and age, whatever has been handled."""

    session = _TrimsBlindly


class _LosesInSilence(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        return msgspec.structs.replace(await super().renew(vitals), lost={})


class LosesInSilence(BrokenTransport, meant=["test_broadcasts_lost_to_the_slow_are_counted_once"]):
    """That a slow reader has lost broadcasts is told to nobody."""

    session = _LosesInSilence


class _LosesAgain(BrokenSession):
    lost: dict[str, int] | None = None

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        renewal = await super().renew(vitals)
        self.lost = dict(renewal.lost) or self.lost
        return msgspec.structs.replace(renewal, lost=self.lost or {})


class TellsALossAtEachHeartbeat(
    BrokenTransport, meant=["test_broadcasts_lost_to_the_slow_are_counted_once"]
):
    """A loss is told again and again, and so counted for many."""

    session = _LosesAgain


class _Announces(BrokenTransport):
    """Its members announce other options than they have."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        options = msgspec.structs.replace(member.options, **self.options_of(member))
        return await super().join(msgspec.structs.replace(member, options=options), replace)

    def options_of(self, member: Member) -> dict[str, Any]:
        raise NotImplementedError


class KeepsWhatNobodyUses(
    _Announces,
    meant=[
        "test_an_unused_bus_goes_after_its_ttl",
        "test_a_group_without_members_is_removed_with_its_work",
        "test_a_fixed_id_is_forgotten_with_its_inbox",
    ],
):
    """Nothing that was left behind ever expires."""

    def options_of(self, member: Member) -> dict[str, Any]:
        return {"stream_ttl": FOREVER, "backlog_ttl": FOREVER}


class DropsWhatIsNotHandled(_Announces, meant=["test_what_is_not_handled_outlives_an_unused_bus"]):
    """An unused bus goes after its ttl with everything, handled or not."""

    def options_of(self, member: Member) -> dict[str, Any]:
        return {"backlog_ttl": member.options.stream_ttl}


class ExpiresIdleStreams(BrokenTransport, meant=["test_a_bus_with_an_idle_instance_stays"]):
    """What nobody publishes to expires, though an instance is there and listens."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        bus = bus_of(self)
        if now(self) - bus.used_at > bus.options.stream_ttl:
            bus.log.clear()
            bus.streams.clear()
        return await super().join(member, replace)
