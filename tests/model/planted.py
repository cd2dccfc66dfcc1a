"""Bugs that somebody could make in a transport, planted around a good one."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import msgspec

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    BROADCASTS,
    Channel,
    ChannelKind,
    Delivery,
    FencedError,
    Holder,
    Member,
    Outcome,
    Outgoing,
    Published,
    Redriven,
    Room,
    Session,
    Settlement,
    Suspect,
    Transport,
)
from tests.conformance.broken.base import BrokenSession, BrokenTransport

_numbers = itertools.count(1)


class ChargingSession(BrokenSession):
    """What is handed back counts as started once more."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle([_charged(settlement) for settlement in settlements])


def _charged(settlement: Settlement) -> Settlement:
    if settlement.outcome is Outcome.RELEASED and settlement.delivery.channel != BROADCASTS:
        return msgspec.structs.replace(settlement, starts=settlement.starts + 1)
    return settlement


class UncountedSession(BrokenSession):
    """Starts are not recorded: a message that kills its process is tried for ever."""

    async def begin(self, delivery: Delivery, starts: int) -> None:
        pass


class ForgetfulSession(BrokenSession):
    """Base of those that lose messages: what is in `lost` is settled unseen."""

    _lost: ClassVar[defaultdict[str, set[tuple[str, bytes]]]] = defaultdict(set)

    @property
    def lost(self) -> set[tuple[str, bytes]]:
        """Group and data, for all sessions of one bus."""
        return self._lost[self.transport.bus]

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        got = await super().fetch(room, wait)
        lost = [d for d in got if (d.channel.group, d.data) in self.lost]
        await super().settle([Settlement(delivery, Outcome.DONE) for delivery in lost])
        return [delivery for delivery in got if delivery not in lost]


class DelayedDiesSession(ForgetfulSession):
    """What somebody set aside is lost when it is declared dead."""

    _aside: ClassVar[defaultdict[str, set[tuple[str, bytes]]]] = defaultdict(set)
    """By incarnation."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle(settlements)
        aside = self._aside[self.transport.bus + self.member.incarnation]
        for settlement in settlements:
            if settlement.outcome is Outcome.FAILED:
                aside.add((settlement.delivery.channel.group, settlement.delivery.data))

    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        dead = await super().declare_dead(suspects)
        for suspect in dead:
            self.lost.update(self._aside[self.transport.bus + suspect.incarnation])
        return dead


class TrimmingSession(ForgetfulSession):
    """Maintenance removes a message that one group has handled, whatever the others did."""

    _handled: ClassVar[defaultdict[str, set[bytes]]] = defaultdict(set)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle(settlements)
        for settlement in settlements:
            work = settlement.delivery.channel.kind is ChannelKind.WORK
            if work and settlement.outcome is Outcome.DONE:
                self._handled[self.transport.bus].add(settlement.delivery.data)

    async def maintain(self) -> None:
        await super().maintain()
        for data in self._handled[self.transport.bus]:
            self.lost.update({("g", data), ("h", data)})


class RedrivingSession(BrokenSession):
    """A dead letter that is given back is published again, to all groups."""

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(batch * 1000, messages)

    async def redrive(self, dead_letter_id: str) -> Redriven:
        letters = await self.dead_letters(1000, None, None, None)
        letter = next((each for each in letters if each.id == dead_letter_id), None)
        if letter is None or letter.group is None:
            return await super().redrive(dead_letter_id)
        await self.discard(dead_letter_id)
        again = Outgoing("again", letter.event, EventMode.ANYCAST, None, letter.data)
        await super().publish(999_000 + next(_numbers), [again])
        return Redriven.DONE


class RepeatingSession(BrokenSession):
    """A batch that is sent again is stored again."""

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(next(_numbers), messages)


class UnsafeSession(BrokenSession):
    """A fetch that is cancelled loses what it has taken."""

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        got = await super().fetch(room, wait)
        await asyncio.sleep(0)
        return got


class UnfencedSession(BrokenSession):
    """One that was declared dead is not told."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        try:
            await super().settle(settlements)
        except FencedError:
            return


class NewestFirstSession(BrokenSession):
    """What came back is given in the wrong order."""

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        got = await super().fetch(room, wait)
        back = [delivery for delivery in got if delivery.again]
        return back[::-1] + [delivery for delivery in got if not delivery.again]


class LateRevivalSession(BrokenSession):
    """Starts at the newest broadcast."""

    newest = 0

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        got = await super().fetch(room, wait)
        old = [d for d in got if d.channel == BROADCASTS and d.position <= self.newest]
        await super().settle([Settlement(delivery, Outcome.DONE) for delivery in old])
        return [delivery for delivery in got if delivery not in old]


class LateRevival(BrokenTransport):
    """A fixed id that comes back misses what was stored in between."""

    session = LateRevivalSession

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await super().join(member, replace)
        if isinstance(joined, LateRevivalSession) and member.fixed and not joined.replayed:
            joined.newest = await joined.subscribe(member.subscriptions)
        return joined


def _with(made: type[BrokenSession]) -> Callable[[Transport, str], Transport]:
    class Broken(BrokenTransport):
        session = made

    return Broken


PLANTED: dict[str, Callable[[Transport, str], Transport]] = {
    "a released message is charged": _with(ChargingSession),
    "starts are not recorded": _with(UncountedSession),
    "a delayed message of a dead incarnation is lost": _with(DelayedDiesSession),
    "trimming forgets that a group has not settled": _with(TrimmingSession),
    "redrive gives to all groups": _with(RedrivingSession),
    "a repeated batch is stored twice": _with(RepeatingSession),
    "a cancelled fetch loses messages": _with(UnsafeSession),
    "the dead may settle": _with(UnfencedSession),
    "what came back is out of order": _with(NewestFirstSession),
    "a revived fixed id starts at the newest broadcast": LateRevival,
}
