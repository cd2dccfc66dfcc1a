"""`fetch`: keeps reads on their way for what the core has room for, and hands out what arrived.

It has no task of its own. Replies of reads are taken in by callbacks as they arrive, so that a
cancelled fetch loses nothing: what it did not return is there for the next one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import BROADCASTS, Channel, Delivery, FencedError, Room

from .broadcasts import Broadcasts
from .claims import start_claim
from .commands import read_group
from .faults import is_group_gone, mapped
from .group_reader import GroupReader, take_in
from .recovery import rebuild, recover
from .settling import release_unfetched
from .state import NEVER, ChannelState, State

_STOP_SECONDS: Final = 0.5


class Intake:
    """Everything that comes in for one session."""

    def __init__(self, state: State, broadcasts: Broadcasts) -> None:
        self._state = state
        self._broadcasts = broadcasts
        self._groups: dict[str, GroupReader] = {}
        self._failure: BaseException | None = None
        self._woken = False
        self._changed = False
        self._stopping = False
        self._waiters: set[asyncio.Future[None]] = set()
        state.notify = self._notify
        state.failed = self._failed

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        """See Session.fetch."""
        loop = self._state.loop
        ends = loop.time() + wait
        await asyncio.sleep(0)  # one that fetches without a pause must not stop its loop
        while True:
            self._state.check()
            if (failure := self._failure) is not None:
                self._failure = None
                raise failure
            if taken := self._take(room):
                return taken  # with no await since they were taken: nothing can get lost
            if self._woken:
                self._woken = False
                return ()
            self._changed = False
            if not self._stopping:
                await self._pump(room)
            if self._changed:
                continue
            if (now := loop.time()) >= ends:
                return ()
            claims = (c.claim_at for c in self._state.channels.values() if c.claim_at > now)
            await self._sleep(min(ends, min(claims, default=NEVER)))

    def wake(self) -> None:
        """See Session.wake."""
        self._woken = True
        self._notify()

    def _failed(self, fault: BaseException) -> None:
        """A read failed: the fetch that runs, or the next one, says so once."""
        self._state.fence_if(fault)
        if isinstance(fault, (TransportUnavailableError, FencedError)):
            self._failure = fault
        self._notify()

    async def close(self) -> None:
        """End all reads; what they still bring is dropped, and pending for recovery by others."""
        self._state.closed = True
        self._notify()
        await self._broadcasts.blocking.close()
        for group in self._groups.values():
            await group.blocking.close()

    async def stop(self) -> None:
        """Let all reads come to an end before the session leaves, for at most half a second."""
        self._stopping = self._state.leaving = True
        blocking = [self._broadcasts.blocking, *(g.blocking for g in self._groups.values())]
        for each in blocking:
            each.unblock()
        ends = self._state.loop.time() + _STOP_SECONDS
        while self._state.loop.time() < ends and (
            any(each.reading is not None for each in blocking)
            or any(c.reading or c.claiming for c in self._state.channels.values())
        ):
            await self._sleep(ends)

    def _notify(self) -> None:
        self._changed = True
        for waiter in self._waiters:
            _release(waiter)

    async def _sleep(self, until: float) -> None:
        loop = self._state.loop
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.add(waiter)
        timer = loop.call_at(until, _release, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)

    def _take(self, room: Mapping[Channel, Room]) -> list[Delivery]:
        taken: list[Delivery] = []
        for channel, (slots, limit) in room.items():
            if channel == BROADCASTS:
                fresh = self._broadcasts.fresh
                while fresh and limit > 0:
                    taken.append(fresh.popleft())
                    limit -= 1
                continue
            state = self._state.channels.get(channel)
            if state is None or not (state.claimed or state.fresh):
                continue
            while state.claimed and slots > 0 and limit > 0:
                taken.append(state.claimed.popleft())
                slots -= 1
                limit -= 1
            # What was taken over is older: nothing newer goes before it.
            if not state.claimed:
                while state.fresh and limit > 0:
                    taken.append(state.fresh.popleft())
                    limit -= 1
        return taken

    async def _pump(self, room: Mapping[Channel, Room]) -> None:
        """Send the reads that are missing for this room."""
        await self._state.commands.link()
        for closed in tuple(self._state.closing):
            await self._hand_back(closed)
        broadcasts = room.get(BROADCASTS)
        await self._broadcasts.pump(None if broadcasts is None else broadcasts.limit)
        wanted: dict[str, dict[ChannelState, int]] = {group: {} for group in self._groups}
        kept: set[ChannelState] = set()
        for name, (slots, limit) in room.items():
            channel = self._state.channels.get(name)
            if channel is None or not channel.open:
                continue
            reader = self._reader(channel.group)
            covered = channel in reader.covered
            if await self._mend(channel, covered):
                continue
            free = limit - channel.arrived
            if channel.claim_at <= self._state.loop.time():
                most = min(slots, free)
                if not channel.claiming and (most > 0 or not channel.waits):
                    start_claim(self._state, channel, max(0, most))
                # Until that is over nothing newer is read.
                continue
            if channel.claiming or channel.reading or free <= 0:
                continue
            if covered:
                kept.add(channel)
                continue
            blocked = reader.blocking.reading is not None
            if channel.plenty or (blocked and not channel.probed):
                await self._read_now(channel, free)
                continue
            wanted.setdefault(channel.group, {})[channel] = free
        for group, channels in wanted.items():
            await self._groups[group].cover(channels, kept)

    async def _hand_back(self, channel: ChannelState) -> None:
        """A channel without a subscription: what reads on their way still brought goes back."""
        reader = self._groups.get(channel.group)
        busy = channel.reading or channel.claiming or (reader and channel in reader.covered)
        if channel.recover and not busy:
            await recover(self._state, channel)
        await release_unfetched(self._state, channel)
        if not busy:
            self._state.closing.discard(channel)

    async def _mend(self, channel: ChannelState, covered: bool) -> bool:
        """Do what a lost reply or group needs first; True while the channel must wait for it."""
        if not (channel.rebuild or channel.recover):
            return False
        if covered or channel.reading or channel.claiming:
            return True  # not kept: the read that covers it is ended
        if channel.rebuild:
            await rebuild(self._state, channel)
        if channel.recover:
            await recover(self._state, channel)
        return False

    def _reader(self, group: str) -> GroupReader:
        reader = self._groups.get(group)
        if reader is None:
            reader = self._groups[group] = GroupReader(self._state, group)
        return reader

    async def _read_now(self, channel: ChannelState, count: int) -> None:
        """Read without blocking, on the link for commands."""
        link = await self._state.commands.link()
        self._state.check_reads()
        reading = link.call(
            *read_group(channel.group, self._state.me, count, [channel.keys.stream], None)
        )
        channel.reading = True

        def arrived(done: "asyncio.Future[Any]") -> None:
            channel.reading = False
            if done.cancelled():
                return
            if (fault := done.exception()) is not None:
                gone = is_group_gone(fault)
                channel.recover, channel.rebuild = True, channel.rebuild or gone
                if not gone:
                    self._failed(mapped(fault, self._state.commands.where))
            else:
                entries = done.result()[0][1] if done.result() else []
                take_in(self._state, channel, entries)
                channel.plenty = len(entries) >= count
                channel.probed = not channel.plenty
            self._notify()

        reading.add_done_callback(arrived)


def _release(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
