"""Leases: renewing, declaring others dead, leaving."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from eventbus_core.options import SharedOptions
from eventbus_core.transport import INBOX, FencedError, Renewal, Suspect, Vitals

from . import records, stream_ids
from .broadcasts import Broadcasts
from .commands import Commands
from .faults import ReplyError
from .keys import DELAYED, Keys, split_token
from .settling import release_unfetched
from .state import ChannelState, State

_COMPARED: Final = 100
"""Most channels whose pending counts one heartbeat compares."""


class Presence:
    """The life of one incarnation in the store."""

    def __init__(self, state: State, broadcasts: Broadcasts, epoch: bytes) -> None:
        self._state = state
        self._broadcasts = broadcasts
        self._epoch = epoch
        self.options: SharedOptions | None = None
        self._leaving = False
        self._compared = 0

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        """See Session.renew."""
        state, keys, broadcasts = self._state, self._state.keys, self._broadcasts
        read_to, sent_at = broadcasts.position, state.loop.time()
        reply: Any = await state.run(
            "renew",
            [
                keys.renewals,
                keys.claimable,
                keys.epoch,
                keys.cursors,
                keys.incarnations,
                keys.broadcast_counts,
                keys.vitals,
            ],
            [
                state.lease_ms,
                self._epoch,
                state.member.instance_id,
                broadcasts.cursor(),
                b"" if vitals is None else msgspec.json.encode(vitals),
            ],
        )
        state.confirmed()
        server_ms, options, expired, lines, claimable, newest = reply
        for channel, due in zip(claimable[::2], claimable[1::2], strict=True):
            state.look_at(channel.decode(), sent_at + (float(due) - server_ms) / 1000)
        if broadcasts.is_behind(read_to, newest):
            # The counter knows our own entries only; the stream itself decides.
            newest = max(newest, await self._last_generated(), key=stream_ids.position)
        if broadcasts.restart_if_behind(read_to, newest):
            state.lose("broadcast stream lost", 1)
        self.options = records.options_in_force(options) or self.options
        suspects = [
            records.suspect(incarnation, line, state.member.lease)
            for incarnation, line in zip(expired, lines, strict=True)
            if incarnation.decode() != state.me
        ]
        await self._compare_pending()
        lost, state.lost = state.lost, {}
        return Renewal(suspects=suspects, options=self.options, lost=lost)

    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        """See Session.declare_dead."""
        await self._state.confirm()
        commands, keys = self._state.commands, self._state.keys
        return [
            suspect
            for suspect in suspects
            if await end(
                commands, keys, incarnation=suspect.incarnation, instance_id=suspect.instance_id
            )
        ]

    async def leave(self) -> int:
        """End this incarnation; return how many others are alive."""
        state = self._state
        again, self._leaving = self._leaving, True
        state.fenced = False if again else state.fenced
        state.check()
        try:
            for channel in state.named():
                await release_unfetched(state, channel)
            alive = await end(
                state.commands,
                state.keys,
                incarnation=state.me,
                instance_id=state.member.instance_id,
                cursor=self._broadcasts.cursor(),
            )
        except FencedError as exc:
            state.fence_if(exc)
            if again:
                return 1  # the call before this one got through, its reply did not
            raise
        return alive - 1

    async def _last_generated(self) -> bytes:
        """Id of the newest entry the broadcast stream ever had; 0-0 without a stream."""
        link = await self._state.commands.link()
        try:
            flat: Any = await link.call("XINFO", "STREAM", self._state.keys.broadcast)
        except ReplyError:
            return stream_ids.ZERO
        named = dict(zip(flat[::2], flat[1::2], strict=False))
        newest: bytes = named.get(b"last-generated-id", stream_ids.ZERO)
        return newest

    async def _compare_pending(self) -> None:
        """Notice replies that got lost unseen: the store says more is in hand than is held, at
        two heartbeats running."""
        state = self._state
        known = [c for c in state.named() if not (c.recover or c.rebuild)]
        if len(known) > _COMPARED:
            start = self._compared % len(known)
            self._compared = start + _COMPARED
            known = [*known, *known][start : start + _COMPARED]
        link = await state.commands.link()
        asked = [link.call("XPENDING", c.keys.stream, c.group) for c in known]
        for channel, answer in zip(known, asked, strict=True):
            # In a callback: what is held must be counted when the reply comes, not later.
            answer.add_done_callback(partial(self._compare, channel))
        if asked:
            await asyncio.wait(asked)

    def _compare(self, channel: ChannelState, done: "asyncio.Future[Any]") -> None:
        if done.cancelled() or done.exception() is not None:
            return  # a group that is gone: its next read says so, and mends it
        me = self._state.me.encode()
        mine = next((int(number) for name, number in done.result()[3] or () if name == me), 0)
        before, channel.surplus = channel.surplus, max(0, mine - len(channel.held))
        if before and channel.surplus:
            channel.recover = True
            if not channel.open:
                self._state.closing.add(channel)
            self._state.notify()
        if channel.channel == INBOX and any(
            name not in (me, DELAYED.encode()) for name, _ in done.result()[3] or ()
        ):
            # A read that an earlier life of this id had on its way took something after its end.
            channel.claim_at = min(channel.claim_at, self._state.loop.time())
            self._state.notify()


async def end(
    commands: Commands,
    keys: Keys,
    *,
    incarnation: str,
    instance_id: str,
    renewals: str = "",
    cursor: str | None = None,
) -> int:
    """End an incarnation: with a cursor orderly, else only if its lease has expired and, where
    `renewals` is given, it has not renewed since. Returns the number of incarnations that were
    alive until then, or 0 when there was nothing to end."""
    inbox = keys.inbox(instance_id)
    while True:
        channels = await commands.members(keys.channels(incarnation))
        named = [
            keys.leases,
            keys.options,
            keys.totals,
            keys.renewals,
            keys.incarnations,
            keys.holders,
            keys.instances,
            keys.targets,
            keys.remembered,
            keys.cursors,
            keys.attempts(instance_id),
            keys.channels(incarnation),
            keys.claimable,
            keys.control,
            keys.abandoned,
            keys.journal,
            inbox.stream,
            inbox.counts,
            inbox.strays,
            keys.vitals,
        ]
        for channel in channels:
            work = keys.work(*split_token(channel))
            named += (work.stream, work.strays)
        kind = "death" if cursor is None else "leave"
        reply = await commands.run(
            "depart", named, [incarnation, kind, renewals, cursor or "", *channels]
        )
        if reply[0] == 1:
            return int(reply[1]) + 1
        if reply[0] == 0:
            return 0
