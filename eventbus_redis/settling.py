"""Recording starts, and settling deliveries in batches."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from eventbus_core.transport import (
    BROADCASTS,
    Channel,
    Death,
    Delivery,
    Outcome,
    Settlement,
)

from .broadcasts import Broadcasts
from .faults import mapped
from .keys import DELAYED, RELEASED
from .link import Arg, Link
from .scripts import script
from .state import ChannelState, State

Call = tuple[str, list[str], list[Arg]]
"""A script of this incarnation: its name, its keys and arguments after the common ones."""


class Settling:
    """Everything that goes back to the store about deliveries."""

    def __init__(self, state: State, broadcasts: Broadcasts) -> None:
        self._state = state
        self._broadcasts = broadcasts
        self._starting: dict[Channel, dict[bytes, int]] = {}
        """Starts whose reply was lost."""

    async def begin(self, delivery: Delivery, starts: int) -> None:
        """See Session.begin. It is with the operating system when this returns."""
        state = self._state
        state.check()
        if delivery.channel == BROADCASTS and not state.member.fixed:
            return  # counted over the lives of a fixed id only
        link = state.commands.line.link
        if link is None:
            link = await state.commands.link()
        self._send_starts(link, delivery.channel, {delivery.token.id: starts})
        link.flush()

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """See Session.settle."""
        state = self._state
        state.check()
        by_kind: dict[tuple[Channel, Outcome], list[Settlement]] = {}
        for settlement in filter(self._is_open, settlements):
            place = (settlement.delivery.channel, settlement.outcome)
            by_kind.setdefault(place, []).append(settlement)
        link = await state.commands.link()
        self._resend(link)
        answers: list[asyncio.Future[Any]] = []
        for (channel, outcome), some in by_kind.items():
            for call, settled in self._calls(channel, outcome, some):
                name, keys, args = call
                answer = script(name)(
                    link,
                    [state.keys.leases, state.keys.options, state.keys.totals, *keys],
                    [state.me, *args],
                )
                # In a callback: the reply counts even when the caller is cancelled meanwhile.
                answer.add_done_callback(partial(self._settled, settled))
                answers.append(answer)
        link.flush()
        await self._all(answers)
        if any(channel == BROADCASTS for channel, _ in by_kind):
            await self._broadcasts_settled(by_kind)

    async def resend_starts(self) -> None:
        """Record starts whose first recording got lost with a link."""
        if self._starting:
            self._resend(await self._state.commands.link())

    def _is_open(self, settlement: Settlement) -> bool:
        """Whether it is not known to be settled. What was, and came back to this session, is
        another delivery: a settlement that comes again, or late, must not touch that one."""
        delivery = settlement.delivery
        if delivery.channel == BROADCASTS:
            return not delivery.token.settled
        held = self._state.channels[delivery.channel].held.get(delivery.token.id)
        return held is not None and held.token is delivery.token

    def _calls(
        self, name: Channel, outcome: Outcome, some: list[Settlement]
    ) -> list[tuple[Call, list[Settlement]]]:
        if name == BROADCASTS:
            if outcome is Outcome.DEAD:
                return [(self._bury(each, None), [each]) for each in some]
            if outcome is Outcome.RELEASED and self._state.member.fixed:
                return self._left_for_next_life(some)
            return []
        channel = self._state.channels[name]
        if outcome is Outcome.DONE:
            return [(self._ack(channel, some), some)]
        if outcome is Outcome.RELEASED:
            back = [(s.delivery.token.id, s.starts, s.note) for s in some]
            return [(release_call(self._state, channel, back), some)]
        if outcome is Outcome.FAILED:
            return [(self._set_aside(channel, some), some)]
        return [(self._bury(each, channel), [each]) for each in some]

    def _left_for_next_life(self, some: list[Settlement]) -> list[tuple[Call, list[Settlement]]]:
        noted, args = self._broadcasts.noted, list[Arg]()
        for each in some:
            if each.starts or each.delivery.token.id in noted:
                args += (each.delivery.token.id, each.starts)
        if not args:
            return []
        noted.update(each.delivery.token.id for each in some)
        attempts = self._state.keys.attempts(self._state.member.instance_id)
        return [(("begin_broadcast", [attempts], args), some)]

    def _ack(self, channel: ChannelState, some: list[Settlement]) -> Call:
        noted: list[Arg] = [s.delivery.token.id for s in some if s.delivery.note]
        keys = channel.keys
        ids = [s.delivery.token.id for s in some]
        return "ack", [keys.stream, keys.counts, keys.notes], [
            channel.group, len(noted), *noted, *ids,
        ]  # fmt: skip

    def _set_aside(self, channel: ChannelState, some: list[Settlement]) -> Call:
        keys, shared = channel.keys, self._state.keys
        args: list[Arg] = [channel.group, channel.token, DELAYED]
        for each in some:
            delay_ms = max(0, round(each.delay * 1000))
            args += (each.delivery.token.id, each.starts + 1, delay_ms, each.note)
        named = [keys.stream, keys.counts, shared.claimable, keys.due, keys.notes]
        return "set_aside", [*named, shared.journal, shared.control], args

    def _bury(self, each: Settlement, channel: ChannelState | None) -> Call:
        delivery, keys, member = each.delivery, self._state.keys, self._state.member
        death = each.death or Death(reason="unknown")
        named = [keys.journal, keys.dead]
        if channel is None:
            attempts = keys.attempts(member.instance_id)
            self._broadcasts.noted.add(delivery.token.id)
            named += (attempts, attempts, attempts)
            place: list[Arg] = ["b", "", delivery.token.id]
        else:
            named += (channel.keys.stream, channel.keys.counts, channel.keys.notes)
            place = ["p", channel.group, delivery.token.id]
        work = delivery.channel.event
        letter: list[Arg] = [
            delivery.data,
            work or delivery.token.event,
            member.instance_id,
            delivery.channel.group,
            death.reason,
            death.error,
            death.traceback,
            death.attempts,
        ]
        return "dead_letter", named, place + letter

    def _settled(self, settled: list[Settlement], done: "asyncio.Future[Any]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        now = self._state.loop.time()
        for each in settled:
            delivery = each.delivery
            channel = self._state.channels.get(delivery.channel)
            if channel is None:
                continue
            if self._is_open(each):
                del channel.held[delivery.token.id]
            if each.outcome is Outcome.FAILED:
                channel.claim_at = min(channel.claim_at, now + each.delay)
            elif each.outcome is Outcome.RELEASED:
                channel.claim_at = min(channel.claim_at, now)
        if settled and settled[0].outcome in (Outcome.FAILED, Outcome.RELEASED):
            self._state.notify()

    async def _broadcasts_settled(
        self, by_kind: dict[tuple[Channel, Outcome], list[Settlement]]
    ) -> None:
        for outcome in (Outcome.DONE, Outcome.DEAD):
            for each in by_kind.get((BROADCASTS, outcome), ()):
                each.delivery.token.settled = True
        if self._state.member.fixed:
            await self.save_cursor()

    async def save_cursor(self) -> None:
        """Store how far broadcasts are handled, and drop attempts that are over."""
        state, broadcasts = self._state, self._broadcasts
        cursor = broadcasts.cursor()
        over = broadcasts.over()
        await state.run(
            "save_cursor",
            [state.keys.cursors, state.keys.attempts(state.member.instance_id)],
            [state.member.instance_id, cursor, *over],
        )
        broadcasts.noted.difference_update(over)

    async def _all(self, answers: "list[asyncio.Future[Any]]") -> None:
        """Wait for all; raise what fencing or the link did to any of them."""
        fault: BaseException | None = None
        for done in await asyncio.gather(*answers, return_exceptions=True):
            if isinstance(done, BaseException):
                fault = fault or mapped(done, self._state.commands.where)
        if fault is not None:
            self._state.fence_if(fault)
            raise fault

    def _resend(self, link: Link) -> None:
        starting, self._starting = self._starting, {}
        for name, starts in starting.items():
            self._send_starts(link, name, starts)

    def _send_starts(self, link: Link, name: Channel, starts: dict[bytes, int]) -> None:
        state = self._state
        keys: list[Arg] = [state.keys.leases, state.keys.options, state.keys.totals]
        args: list[Arg] = [state.me]
        if name == BROADCASTS:
            self._broadcasts.noted.update(starts)
            keys.append(state.keys.attempts(state.member.instance_id))
            for entry_id, number in starts.items():
                args += (entry_id, number)
            kind = "begin_broadcast"
        else:
            channel = state.channels[name]
            keys.append(channel.keys.stream)
            args.append(channel.group)
            for entry_id, number in starts.items():
                args += (entry_id, number + 1)
            kind = "begin"

        def failed(fault: Exception) -> None:
            state.fence_if(mapped(fault, state.commands.where))
            # Sent again with the next settlement or renewal; a newer start counts more.
            self._starting[name] = {**starts, **self._starting.get(name, {})}

        script(kind).tell(link, failed, keys, args)


def release_call(
    state: State, channel: ChannelState, back: Iterable[tuple[bytes, int, str]]
) -> Call:
    """Hand entries back with these recorded starts and notes. An inbox has nobody else to wake."""
    keys = channel.keys
    args: list[Arg] = [channel.group, channel.token, RELEASED]
    for entry_id, starts, note in back:
        args += (entry_id, starts + 1, note)
    named = [keys.stream, keys.counts, state.keys.claimable, state.keys.control, keys.notes]
    return "release", named, args


async def release_unfetched(state: State, channel: ChannelState) -> None:
    """What was taken from a channel but never given to the core goes back as it was. When that
    fails it is kept, to be tried again."""
    back = {d.token.id: (d.starts, d.note) for d in (*channel.claimed, *channel.fresh)}
    if not back:
        return
    name, keys, args = release_call(
        state, channel, [(entry_id, starts, note) for entry_id, (starts, note) in back.items()]
    )
    await state.run(name, keys, args)
    for waiting in (channel.claimed, channel.fresh):
        # Something may have arrived meanwhile.
        kept = [d for d in waiting if d.token.id not in back]
        waiting.clear()
        waiting.extend(kept)
    for entry_id in back:
        channel.held.pop(entry_id, None)
    channel.surplus = 0
