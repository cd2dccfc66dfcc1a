"""One incarnation of one instance on a memory store."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from operator import attrgetter

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
    Vitals,
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
            stored = self._store.find(self._bus_name)
            if not alive or stored is not self._bus:
                if stored is not None:
                    stored.accounts.refused_fenced()
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

    async def stop(self) -> None:
        """Nothing is taken but by `fetch`, which returns what it took."""

    def wake(self) -> None:
        # Remembered when nobody waits yet: the fetch that comes next looks and returns.
        self._woken = True
        self._bell.ring()

    def _take(self, channel: Channel, room: Room, now: float) -> list[Delivery]:
        if channel.kind is ChannelKind.BROADCAST:
            return self._take_broadcasts(room.limit)
        if channel.kind is ChannelKind.WORK and channel[1:] not in self._presence.work():
            return []
        queue = self._bus.queue(channel, self._presence.member.instance_id)
        if queue is None:
            return []
        holds = queue.take(self._presence, slots=room.slots, limit=room.limit, now=now)
        back = takewhile(attrgetter("again"), holds)  # they come first
        orphaned = [hold for hold in back if hold.item.orphaned]
        self._bus.accounts.taken_over(channel, orphaned, by=self._presence.member.incarnation)
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
        return [
            Delivery(
                channel=BROADCASTS,
                data=entry.data,
                token=entry,
                starts=reader.starts.get(entry.position, 0),
                position=entry.position,
            )
            for entry in reader.take(self._bus.log, limit)
        ]

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
            retries: defaultdict[Channel, list[Hold]] = defaultdict(list)
            for settlement in settlements:
                token, outcome = settlement.delivery.token, settlement.outcome
                if not isinstance(token, Hold):
                    self._settle_broadcast(token, settlement, now)
                elif not token.queue.drop(token):
                    pass  # settled before, by a call whose answer was lost
                elif outcome is Outcome.DONE:
                    token.queue.finished(token.item.entry)
                elif outcome is Outcome.DEAD:
                    self._bury(token.item.entry, settlement, now)
                    token.queue.finished(token.item.entry)
                else:
                    self._give_back(token, settlement, now)
                    if outcome is Outcome.FAILED:
                        retries[settlement.delivery.channel].append(token)
            for channel, holds in retries.items():
                self._bus.accounts.retried(channel, holds, by=self._presence.member.incarnation)
            self._bus.ring()  # what came back is for anybody

    def _give_back(self, hold: Hold, settlement: Settlement, now: float) -> None:
        item = hold.item
        item.starts, item.note, item.orphaned = settlement.starts, settlement.note, False
        if settlement.outcome is Outcome.FAILED and settlement.delay > 0:
            hold.queue.put_aside(item, now + settlement.delay)
        else:
            hold.queue.put_back(item)

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
            self._presence.subscribe(subscriptions)
            self._bus.open_groups(self._presence, now)
            return self._bus.log.newest

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        with self._step() as now:
            self._presence.renew(now)
            self._presence.vitals = vitals or self._presence.vitals
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
            return self._bus.redrive(dead_letter_id, now)

    async def discard(self, dead_letter_id: str) -> bool:
        with self._step():
            return self._bus.discard(dead_letter_id)
