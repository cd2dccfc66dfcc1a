"""The blocking read of one consumer group: one connection, all work streams of the group at once.

It covers the channels that have room. To cover another one, or to stop covering one, it is
unblocked and sent again.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from .blocking import blocking_read
from .commands import read_group
from .faults import is_group_gone, mapped
from .scripts import script
from .state import ChannelState, State


class GroupReader:
    """The blocking read of one group's channels."""

    def __init__(self, state: State, group: str) -> None:
        self._state = state
        self.group = group
        self.blocking: Final = blocking_read(state)
        self.covered: dict[ChannelState, int] = {}
        """The channels that the read on its way covers, with the most it may bring of each."""

    async def cover(self, wanted: Mapping[ChannelState, int], kept: set[ChannelState]) -> None:
        """Make the read cover `wanted` and, of what it covers now, only `kept`."""
        if self.blocking.reading is None:
            if wanted:
                await self._send(wanted)
        elif not kept.issuperset(self.covered) or any(channel.probed for channel in wanted):
            self.blocking.unblock()

    async def _send(self, wanted: Mapping[ChannelState, int]) -> None:
        count = min(wanted.values())
        covered = dict.fromkeys(wanted, count)
        streams = [channel.keys.stream for channel in covered]
        state = self._state
        reading = await self.blocking.send(
            *read_group(self.group, state.me, count, streams, self.blocking.block_ms)
        )
        self.covered = covered
        for channel in covered:
            channel.probed = False
        reading.add_done_callback(self._arrived)

    def _arrived(self, done: "asyncio.Future[Any]") -> None:
        covered, self.covered = self.covered, {}
        if done.cancelled():
            return
        fault = done.exception()
        if fault is not None:
            gone = is_group_gone(fault)
            for channel in covered:
                channel.recover = True
                channel.rebuild = channel.rebuild or gone
            if not gone:
                self._state.failed(mapped(fault, self._state.commands.where))
            self._state.notify()
            return
        by_stream = {channel.keys.stream.encode(): channel for channel in covered}
        for stream, entries in done.result() or ():
            channel = by_stream[stream]
            take_in(self._state, channel, entries)
            channel.plenty = len(entries) >= covered[channel]
        self._state.notify()


def take_in(
    state: State, channel: ChannelState, entries: "list[tuple[bytes, list[bytes] | None]]"
) -> None:
    """Admit entries that were read; settle at once those that only another group shall have."""
    foreign = [
        entry_id for entry_id, fields in entries if fields and not channel.admit(entry_id, fields)
    ]
    if foreign:
        settle_unseen(state, channel, foreign)


def settle_unseen(state: State, channel: ChannelState, ids: list[bytes]) -> None:
    """Settle entries that the core never sees. When that fails, recovery finds them again."""
    link = state.commands.line.link
    if link is None:
        channel.recover = True
        return
    keys = [state.keys.leases, state.keys.options, state.keys.totals, channel.keys.stream]
    done = script("ack")(
        link, [*keys, channel.keys.counts, channel.keys.notes], [state.me, channel.group, 0, *ids]
    )

    def answered(done: "asyncio.Future[Any]") -> None:
        if done.cancelled() or done.exception() is not None:
            channel.recover = True

    done.add_done_callback(answered)
