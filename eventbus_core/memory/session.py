"""One incarnation of one instance on a memory store."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..transport import (
    BROADCASTS,
    Channel,
    ChannelKind,
    Death,
    Delivery,
    FencedError,
    Outcome,
    Outgoing,
    Published,
    Redriven,
    Renewal,
    Room,
    Settlement,
    StoredDeadLetter,
    Subscription,
    Suspect,
)
from . import lives, retention
from .answered import Answered
from .bus import StoredBus
from .presence import Bell, Presence
from .queue import EARLY, Entry, Hold
from .store import MemoryStore


class MemorySession:
    """See `Session` for what every method promises. Each is one step of the store."""

    def __init__(
        self,
        store: MemoryStore,
        bus_name: str,
        bus: StoredBus,
        presence: Presence,
        answered: Answered,
    ) -> None:
        assert presence.bell is not None
        self.replayed = presence.replayed
        self._store = store
        self._bus_name = bus_name
        self._bus = bus
        self._presence = presence
        self._answered = answered
        self._bell: Bell = presence.bell
        self._woken = False
        self._left = False

    @contextmanager
    def _step(self) -> Iterator[float]:
        """One atomic step of a live incarnation; gives the time on the store's clock."""
        with self._store.step() as now:
            alive = self._bus.presences.get(self._presence.member.incarnation) is self._presence
            if not alive or not self._store.keeps(self._bus_name, self._bus):
                raise FencedError(self._presence.member.incarnation)
            yield now

    # Publishing

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        await asyncio.sleep(0)  # one that publishes without a pause must not stop its loop
        with self._step() as now:
            answers = self._answered.to(batch, len(messages))
            if answers is None:
                answers = tuple(self._bus.store(message, now) for message in messages)
                self._answered.remember(batch, answers)
                self._bus.ring()
            return answers

    # Taking and settling

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        # There is no await between taking and returning, so that a cancelled fetch has taken
        # nothing. The one before lets others run while there is always something to take.
        await asyncio.sleep(0)
        clock = self._store.clock
        deadline = clock.monotonic() + wait
        while True:
            self._bell.reset()
            with self._step() as now:
                taken = [d for channel in room for d in self._take(channel, room[channel], now)]
                until = min([deadline, *self._due_times(room)])
            if taken or self._woken or now >= deadline - EARLY:
                self._woken = False
                return taken
            await self._bell.wait(clock, until - now)

    def wake(self) -> None:
        # Remembered when nobody waits yet: the fetch that comes next looks and returns.
        self._woken = True
        self._bell.ring()

    def _take(self, channel: Channel, room: Room, now: float) -> list[Delivery]:
        if channel.kind is ChannelKind.BROADCAST:
            return self._take_broadcasts(room.limit)
        queue = self._bus.queue(channel, self._presence.member.instance_id)
        if queue is None:
            return []
        holds = queue.take(self._presence, slots=room.slots, limit=room.limit, now=now)
        return [
            Delivery(
                channel=channel,
                data=hold.item.entry.data,
                token=hold,
                starts=hold.item.starts,
                again=hold.again,
                orphaned=hold.item.orphaned,
                note=hold.item.note,
            )
            for hold in holds
        ]

    def _take_broadcasts(self, limit: int) -> list[Delivery]:
        reader = self._presence.reader
        if reader is None:
            return []
        taken = []
        for entry in self._bus.log.after(reader.read, limit):
            reader.handed_out(entry.position)
            taken.append(
                Delivery(
                    channel=BROADCASTS,
                    data=entry.data,
                    token=entry,
                    starts=reader.starts.get(entry.position, 0),
                    position=entry.position,
                )
            )
        return taken

    def _due_times(self, room: Mapping[Channel, Room]) -> Iterator[float]:
        for channel in room:
            queue = self._bus.queue(channel, self._presence.member.instance_id)
            if queue is not None and queue.next_due is not None:
                yield queue.next_due

    async def begin(self, delivery: Delivery, starts: int) -> None:
        with self._step():
            if isinstance(delivery.token, Hold):
                delivery.token.item.starts = starts
            elif self._presence.reader is not None and self._presence.member.fixed:
                self._presence.reader.starts[delivery.position] = starts

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        with self._step() as now:
            for settlement in settlements:
                token = settlement.delivery.token
                if isinstance(token, Hold):
                    self._settle_held(token, settlement, now)
                else:
                    self._settle_broadcast(token, settlement, now)
            self._bus.ring()  # what came back is for anybody

    def _settle_held(self, hold: Hold, settlement: Settlement, now: float) -> None:
        if not hold.queue.drop(hold):
            return  # settled before, by a call whose answer was lost
        item = hold.item
        if settlement.outcome in (Outcome.RELEASED, Outcome.FAILED):
            item.starts, item.note, item.orphaned = settlement.starts, settlement.note, False
            if settlement.outcome is Outcome.FAILED and settlement.delay > 0:
                hold.queue.put_aside(item, now + settlement.delay)
            else:
                hold.queue.put_back(item)
            return
        if settlement.outcome is Outcome.DEAD:
            self._bury(item.entry, settlement, now)
        hold.queue.finished(item.entry)

    def _settle_broadcast(self, entry: Entry, settlement: Settlement, now: float) -> None:
        reader = self._presence.reader
        if reader is None or not reader.holds(entry.position):
            return
        if settlement.outcome is Outcome.FAILED:
            raise ValueError("a broadcast waits for its handler: it cannot be set aside")
        if settlement.outcome is Outcome.RELEASED:
            reader.starts[entry.position] = settlement.starts
            return
        if settlement.outcome is Outcome.DEAD:
            self._bury(entry, settlement, now)
        reader.settle(entry.position)

    def _bury(self, entry: Entry, settlement: Settlement, now: float) -> None:
        channel = settlement.delivery.channel
        self._bus.bury(
            entry,
            settlement.death or Death("unknown"),
            instance=self._presence.member.instance_id,
            group=channel.group if channel.kind is ChannelKind.WORK else None,
            now=now,
        )

    # Presence

    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        with self._step() as now:
            lives.touch_groups(self._bus, self._presence, now)
            self._presence.subscriptions = subscriptions
            self._bus.open_groups(self._presence, now)
            return self._bus.log.newest

    async def renew(self) -> Renewal:
        with self._step() as now:
            self._presence.renew(now)
            lost: dict[str, int] = {}
            reader = self._presence.reader
            if reader is not None and reader.lost:
                lost["broadcasts trimmed"], reader.lost = reader.lost, 0
            return Renewal(
                suspects=lives.suspects(self._bus, self._presence, now),
                options=self._bus.refresh_options(now),
                lost=lost,
            )

    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        with self._step() as now:
            dead = lives.declare_dead(self._bus, suspects, now)
            self._bus.ring()
            return dead

    async def maintain(self) -> None:
        with self._step() as now:
            retention.maintain(self._bus, now)
            self._store.sweep(now)

    async def leave(self) -> None:
        if self._left:
            return
        with self._step() as now:
            lives.leave(self._bus, self._presence, now)
            self._left = True
            self._bus.ring()

    async def close(self) -> None:
        # The presence stays until its lease runs out, as after a crash.
        if self._presence.bell is self._bell:
            self._presence.bell = None

    # Dead letters

    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        with self._step():
            return self._bus.dead.page(limit, after, event, group)

    async def redrive(self, dead_letter_id: str) -> Redriven:
        with self._step() as now:
            redriven = self._bus.redrive(dead_letter_id, now)
            self._bus.ring()
            return redriven

    async def discard(self, dead_letter_id: str) -> bool:
        with self._step():
            return self._bus.dead.remove(dead_letter_id)
