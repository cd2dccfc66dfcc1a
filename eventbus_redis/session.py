"""One incarnation of one instance: the parts of it, behind the boundary's methods."""

from collections.abc import Callable, Mapping, Sequence

from eventbus_core.transport import (
    Channel,
    Delivery,
    Outgoing,
    Published,
    Redriven,
    Renewal,
    Room,
    Settlement,
    StoredDeadLetter,
    Subscription,
    Suspect,
    Vitals,
)

from . import records, stream_ids
from .broadcasts import Broadcasts
from .dead_letters import DeadLetters
from .intake import Intake
from .maintenance import Maintenance
from .presence import Presence
from .publishing import publish
from .settling import Settling, release_unfetched
from .state import State


class RedisSession:
    """A Session (see eventbus_core.transport, where each method is described)."""

    def __init__(
        self,
        state: State,
        publisher: str,
        replayed: int,
        broadcasts: Broadcasts,
        presence: Presence,
        intake: Intake,
        settling: Settling,
    ) -> None:
        self.replayed = replayed
        self.closed: Callable[[RedisSession], None] = lambda session: None
        """Told when it was closed."""
        self._state = state
        self._publisher = publisher
        self._broadcasts = broadcasts
        self._presence = presence
        self._intake = intake
        self._settling = settling
        self._maintenance = Maintenance(state, presence)
        self._letters = DeadLetters(state.commands, state.keys)

    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        state, keys, member = self._state, self._state.keys, self._state.member
        channels = records.work_channels(subscriptions)
        work = {token: keys.work(c.event, c.group) for token, c in channels.items()}
        streams = [key for each in work.values() for key in (each.stream, each.counts)]
        newest = await state.run(
            "subscribe",
            [
                keys.instances,
                keys.groups,
                keys.abandoned,
                keys.broadcast_counts,
                keys.channels(state.me),
                keys.events,
                *streams,
            ],
            [
                member.instance_id,
                records.record(member, subscriptions),
                int(member.only_new),
                *work,
            ],
        )
        for token, channel in channels.items():
            state.open_channel(channel, work[token], channel.group)
        for known in state.named():
            if known.token and known.token not in channels:
                state.close_channel(known)
                await release_unfetched(state, known)
        state.notify()
        assert isinstance(newest, bytes)
        return stream_ids.position(newest)

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await publish(self._state, self._publisher, batch, messages)

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        # Reads do not ask whether this incarnation is alive; after a lease without a renewal it
        # may have been declared dead.
        await self._state.confirm(since=self._state.member.lease)
        return await self._intake.fetch(room, wait)

    async def stop(self) -> None:
        await self._intake.stop()
        for channel in self._state.named():
            await release_unfetched(self._state, channel)

    def wake(self) -> None:
        self._intake.wake()

    async def begin(self, delivery: Delivery, starts: int) -> None:
        await self._settling.begin(delivery, starts)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await self._settling.settle(settlements)

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        renewal = await self._presence.renew(vitals)
        await self._settling.resend_starts()
        if self._broadcasts.over():
            await self._settling.save_cursor()
        return renewal

    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        declared = await self._presence.declare_dead(suspects)
        if declared:
            await self._maintenance.drain()
        return declared

    async def maintain(self) -> None:
        await self._maintenance.run()

    async def leave(self) -> None:
        if self._state.left:
            return
        await self._intake.stop()
        others = await self._presence.leave()
        await self._maintenance.left(others)
        self._state.left = True

    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        await self._state.confirm()
        return await self._letters.list(limit, after, event, group)

    async def redrive(self, dead_letter_id: str) -> Redriven:
        await self._state.confirm()
        return await self._letters.redrive(dead_letter_id)

    async def discard(self, dead_letter_id: str) -> bool:
        await self._state.confirm()
        return await self._letters.discard(dead_letter_id)

    async def close(self) -> None:
        await self._intake.close()
        self.closed(self)
