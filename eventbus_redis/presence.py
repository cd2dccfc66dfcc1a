"""Leases: renewing, declaring others dead, leaving."""

from collections.abc import Sequence
from typing import Any, Final

from eventbus_core.options import SharedOptions
from eventbus_core.transport import FencedError, Renewal, Suspect

from . import records
from .broadcasts import Broadcasts
from .commands import Commands
from .faults import LinkLostError, ReplyError, mapped
from .keys import Keys, split_token
from .settling import release_call
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

    async def renew(self) -> Renewal:
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
            ],
            [state.lease_ms, self._epoch, state.member.instance_id, broadcasts.cursor()],
        )
        server_ms, options, expired, lines, claimable, newest = reply
        for channel, due in zip(claimable[::2], claimable[1::2], strict=True):
            state.look_at(channel.decode(), sent_at + (float(due) - server_ms) / 1000)
        if broadcasts.restart_if_behind(read_to, newest):
            state.lose("broadcast stream lost", 1)
        self.options = records.options_in_force(options) or self.options
        suspects = [
            found
            for incarnation, line in zip(expired, lines, strict=True)
            if incarnation.decode() != state.me
            and (found := records.suspect(incarnation, line)) is not None
        ]
        await self._compare_pending()
        lost, state.lost = state.lost, {}
        return Renewal(suspects=suspects, options=self.options, lost=lost)

    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        """See Session.declare_dead."""
        self._state.check()
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
                await self.release_unfetched(channel)
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

    async def release_unfetched(self, channel: ChannelState) -> None:
        """What was taken from a channel but never given to the core goes back uncharged."""
        counts = {d.token.id: d.starts - 1 for d in channel.claimed}
        counts |= {d.token.id: d.starts for d in channel.fresh}
        channel.claimed.clear()
        channel.fresh.clear()
        if counts:
            name, keys, args = release_call(self._state, channel, counts)
            await self._state.run(name, keys, args)
        for entry_id in counts:
            channel.held.pop(entry_id, None)

    async def _compare_pending(self) -> None:
        """Notice replies that got lost unseen: the store says more is in hand than is held, at
        two heartbeats running."""
        state = self._state
        channels = [c for c in state.named() if not (c.recover or c.rebuild)][:_COMPARED]
        link = await state.commands.link()
        asked = [link.call("XPENDING", c.keys.stream, c.group) for c in channels]
        for channel, answer in zip(channels, asked, strict=True):
            try:
                _, _, _, consumers = await answer
            except ReplyError:
                continue  # the group is gone: its next read says so, and mends it
            except LinkLostError as exc:
                raise mapped(exc, state.commands.where) from None
            mine = next((int(n) for name, n in consumers or () if name == state.me.encode()), 0)
            before, channel.surplus = channel.surplus, max(0, mine - len(channel.held))
            if before and channel.surplus:
                channel.recover = True
                state.notify()


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
