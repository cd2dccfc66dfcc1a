"""A transport and the model, side by side: every call is made on both and compared."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    BROADCASTS,
    INBOX,
    Channel,
    ChannelKind,
    Delivery,
    Holder,
    Member,
    Outcome,
    Outgoing,
    Redriven,
    Renewal,
    Room,
    Session,
    Settlement,
    StoredDeadLetter,
    Subscription,
)
from tests.model.actors import Actor, Held, Link, interrupted, refused
from tests.model.model import Letter, Life, Model
from tests.model.queues import State, Work
from tests.model.stores import Store

PATIENCE: Final = 10.0
"""Seconds to wait for what must come."""
_WAIT: Final = 0.003
"""Seconds that a fetch waits on a store that reads ahead."""


class Comparison:
    """One bus, twice."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.model = Model(
            store.options,
            takes_at_once=store.takes_at_once,
            trims_at_once=store.trims_at_once,
        )
        self.actors: list[Actor] = []
        self.links: list[Link] = []
        self._numbers = itertools.count(1)
        self._positions: dict[int, int] = {}
        """Number of a broadcast -> the position it was delivered with."""
        self._newest_at: list[tuple[int, int]] = []
        """Number of the newest broadcast, and what `subscribe` said its position is."""

    @property
    def here(self) -> list[Actor]:
        """Those that can act."""
        return [actor for actor in self.actors if actor.here]

    # Beginning

    def name(self) -> str:
        """An instance id that was never used."""
        return f"i{next(self._numbers)}"

    async def join(
        self,
        name: str,
        *,
        fixed: bool = False,
        role: str = "both",
        only_new: bool = False,
        channels: frozenset[Channel] = frozenset(),
        link: Link | None = None,
        replace: bool = False,
    ) -> Actor | None:
        """Join, over a transport of its own or the given one. None when the id is in use, which
        is right or wrong as the model says."""
        if link is None:
            link = Link(self.store.transport(), name)
            self.links.append(link)
            await link.transport.connect()
        life = Life(
            name,
            f"{name}.{next(self._numbers)}",
            fixed,
            role != "publisher",
            only_new,
            channels,
        )
        member = self._member(life, role)
        before = self.store.now()
        answer = await link.transport.join(member)
        if (holder := self.model.holder(name)) is not None:
            answer = await self._replace(link, member, answer, holder, replace)
            if isinstance(answer, Holder):
                return None
        assert not isinstance(answer, Holder), f"the id is free: {answer}"
        least, most = self.model.start(life, link.place)
        assert least <= answer.replayed <= most, f"{answer.replayed} replayed: {least} to {most}"
        self._prolong(life, before)
        actor = Actor(link, life, answer)
        self.actors.append(actor)
        return actor

    async def _replace(
        self, link: Link, member: Member, answer: Session | Holder, holder: Life, replace: bool
    ) -> Session | Holder:
        """The id is held: it stays so, unless its holder has expired and may be replaced."""
        self._check_holder(answer, holder)
        assert isinstance(answer, Holder)
        if not replace:
            return answer
        if not self.store.exact_time:
            await self.store.reach(holder.expires[1])
            ends = self.store.now() + PATIENCE
            while not answer.expired:
                assert self.store.now() < ends, f"it should expire: {answer}"
                answer = await link.transport.join(member)
                self._check_holder(answer, holder)
                assert isinstance(answer, Holder)
        joined = await link.transport.join(member, answer)
        if not answer.expired:
            self._check_holder(joined, holder)
        else:
            self._end(holder, died=True)
        return joined

    def _check_holder(self, answer: object, holder: Life) -> None:
        assert isinstance(answer, Holder), f"the id is in use by {holder.incarnation}"
        assert answer.incarnation == holder.incarnation
        if self.store.exact_time:
            assert answer.expired is (holder.expires[1] <= self.store.now())

    def _member(self, life: Life, role: str) -> Member:
        return Member(
            instance_id=life.name,
            incarnation=life.incarnation,
            fixed=life.fixed,
            role=role,
            group="g",
            lease=self.store.lease,
            only_new=life.only_new,
            subscriptions=_subscriptions(life.channels),
            options=self.store.options,
        )

    async def subscribe(self, actor: Actor, channels: frozenset[Channel]) -> None:
        """Announce other subscriptions."""
        position = await actor.session.subscribe(_subscriptions(channels))
        self.model.subscribe(actor.life, channels)
        if not self.store.exact_time:
            # A store may take it for a sign of life.
            actor.life.expires = (actor.life.expires[0], self.store.now() + self.store.lease)
        self._newest_at.append((self.model.newest, position))
        for number, known in self._positions.items():
            self._check_position(number, known, self._newest_at[-1])

    # Publishing

    async def publish(
        self,
        actor: Actor,
        messages: Sequence[tuple[EventMode, str, str | None]],
        *,
        turns: int | None = None,
    ) -> None:
        """Publish a batch of (mode, event, target); with `turns`, the first call is cancelled
        after so many turns of the loop, and made again."""
        link = actor.link
        link.batch += 1
        link.sent = [self._outgoing(*message) for message in messages]
        if turns is not None:
            await interrupted(lambda: actor.session.publish(link.batch, link.sent), turns)
        link.answers = list(await actor.session.publish(link.batch, link.sent))
        assert len(link.answers) == len(link.sent)
        for message, answer in zip(link.sent, link.answers, strict=True):
            may = self.model.may_answer(message)
            assert answer in may, f"{answer}, not {may}, for {message}"
            if answer.name == "STORED":
                self.model.store(message, self.store.now())

    async def publish_again(self, actor: Actor) -> None:
        """The newest batch of a transport once more stores nothing."""
        link = actor.link
        if link.batch:
            answers = await actor.session.publish(link.batch, link.sent)
            assert list(answers) == list(link.answers), "a repeated batch is answered differently"

    def _outgoing(self, mode: EventMode, event: str, target: str | None) -> Outgoing:
        payload = f"m{next(self._numbers)}"
        return Outgoing(f"id-{payload}", event, mode, target, payload.encode())

    # Taking

    def channels(self, actor: Actor) -> list[Channel]:
        """All that it may fetch from."""
        own = [BROADCASTS, INBOX] if actor.life.consumes else []
        return own + sorted(actor.life.channels)

    async def fetch(
        self, actor: Actor, room: Mapping[Channel, Room], *, turns: int | None = None
    ) -> None:
        """Fetch and compare; `turns` as in `publish`, but it is not made again."""
        await self._reach_due(actor, room)
        must = not self.store.takes_at_once and turns is None and self._must_come(actor, room)
        wait = 0.0 if self.store.takes_at_once else _WAIT
        ends = self.store.now() + PATIENCE
        while True:
            if turns is not None:
                got = await interrupted(lambda: actor.session.fetch(room, 1.0), turns)
                if got is None:
                    return
            else:
                got = await actor.session.fetch(room, wait)
            self.take(actor, room, got)
            if got or not must:
                return
            assert self.store.now() < ends, f"nothing came for {room}"
            # A frozen earlier life may have taken it; maintenance finds that.
            await self.renew(actor)
            await self.maintain(actor)

    async def _reach_due(self, actor: Actor, room: Mapping[Channel, Room]) -> None:
        """On a store with a clock of its own: nothing is about to become due."""
        if self.store.exact_time or not self.store.takes_at_once:
            return
        for channel in room:
            if channel != BROADCASTS:
                works = self.model.queue(channel, actor.life.name).works
                due = [work.due for work in works if work.state is State.ASIDE]
                await self.store.reach(max(due, default=0.0))

    def _must_come(self, actor: Actor, room: Mapping[Channel, Room]) -> bool:
        now = self.store.now()
        return any(
            self.model.queue(channel, actor.life.name).must_come(actor.life.incarnation, now)
            for channel, (slots, _) in room.items()
            if channel != BROADCASTS and slots
        )

    def take(self, actor: Actor, room: Mapping[Channel, Room], got: Sequence[Delivery]) -> None:
        """Compare what a fetch gave."""
        now, who = self.store.now(), actor.life.incarnation
        by_channel: dict[Channel, list[Delivery]] = {channel: [] for channel in room}
        for delivery in got:
            by_channel[delivery.channel].append(delivery)
        for channel, deliveries in by_channel.items():
            if channel == BROADCASTS:
                self._take_broadcasts(actor, room[channel], deliveries)
                continue
            queue = self.model.queue(channel, actor.life.name)
            if self.store.takes_at_once:
                works = queue.take_at_once(
                    who, deliveries, room[channel], now, self.store.redriven_first
                )
            else:
                works = queue.take_some(who, deliveries, room[channel], now)
            actor.held += map(Held, deliveries, works)

    def _take_broadcasts(self, actor: Actor, room: Room, got: Sequence[Delivery]) -> None:
        assert actor.life.reader is not None
        messages = actor.life.reader.take(got, room, at_once=self.store.takes_at_once)
        for delivery, message in zip(got, messages, strict=True):
            known = self._positions.setdefault(message.number, delivery.position)
            assert known == delivery.position, f"another position: {delivery}"
            for newest in self._newest_at:
                self._check_position(message.number, known, newest)
            actor.held.append(Held(delivery, message))

    def _check_position(self, number: int, position: int, newest: tuple[int, int]) -> None:
        number_then, position_then = newest
        # What `subscribe` said tells what was stored before from what came later.
        right = (position > position_then) is (number > number_then)
        assert right, f"broadcast {number} at {position}, and {number_then} at {position_then}"

    # Settling

    async def begin(self, actor: Actor, held: Held) -> None:
        """One more start of a handler is recorded."""
        if isinstance(held.what, Work):
            held.what.starts += 1
            await actor.session.begin(held.delivery, held.what.starts)
        elif actor.life.reader is not None:
            starts = held.delivery.starts + 1
            actor.life.reader.begin(held.what.number, starts)
            await actor.session.begin(held.delivery, starts)

    async def settle(
        self, actor: Actor, settled: Sequence[tuple[Held, Settlement]], *, turns: int | None = None
    ) -> None:
        """Settle what is in hand; `turns` as in `publish`."""
        settlements = [settlement for _, settlement in settled]
        before = self.store.now()
        if turns is not None:
            await interrupted(lambda: actor.session.settle(settlements), turns)
        await actor.session.settle(settlements)
        self.model.step += 1
        for held, settlement in settled:
            actor.held.remove(held)
            actor.settled.append(settlement)
            if isinstance(held.what, Work):
                self.model.settle_work(actor.life, held.what, settlement, before)
            else:
                self.model.settle_broadcast(actor.life, held.what, settlement)

    async def settle_again(self, actor: Actor, settlement: Settlement) -> None:
        """What was settled long ago is settled once more, which changes nothing."""
        await actor.session.settle([settlement])

    # Living

    async def renew(self, actor: Actor) -> Renewal:
        """One heartbeat: suspects and losses are compared."""
        before = self.store.now()
        renewal = await actor.session.renew()
        self._prolong(actor.life, before)
        if actor.life.reader is not None:
            actor.life.reader.report(sum(renewal.lost.values()))
        assert renewal.options in (None, self.store.options)
        found = {suspect.incarnation for suspect in renewal.suspects}
        assert len(found) == len(renewal.suspects)
        others = [life for life in self.model.lives if life is not actor.life]
        slack = 0.0 if self.store.exact_time else 0.005
        now = self.store.now()
        must = {life.incarnation for life in others if life.expires[1] + slack <= before}
        may = {life.incarnation for life in others if life.expires[0] - slack <= now}
        assert must <= found <= may, f"{found} are suspects, not {must} to {may}"
        return renewal

    async def declare_dead(self, actor: Actor, life: Life) -> None:
        """Wait until a lease has run out, and declare its owner dead."""
        if not self.store.exact_time:
            await self.store.reach(life.expires[1] + 0.005)
        suspects = (await self.renew(actor)).suspects
        suspected = [s for s in suspects if s.incarnation == life.incarnation]
        dead = await actor.session.declare_dead(suspected)
        assert [each.incarnation for each in dead] == [s.incarnation for s in suspected]
        if suspected:
            assert suspected[0].instance_id == life.name
            self._end(life, died=True)
            assert await actor.session.declare_dead(suspected) == [], "it died twice"

    async def is_refused(self, actor: Actor) -> None:
        """One that was declared dead can do nothing any more."""
        late = [h.delivery for h in actor.held if isinstance(h.what, Work)]
        done = [Settlement(delivery, Outcome.DONE) for delivery in late]
        if done:
            await refused(actor.session.settle(done), "settle")
        batch = [self._outgoing(EventMode.ANYCAST, "job", None)]
        await refused(actor.session.publish(actor.link.batch + 1, batch), "publish")
        await refused(actor.session.subscribe(frozenset()), "subscribe")
        await refused(actor.session.renew(), "renew")

    async def leave(self, actor: Actor) -> None:
        """Withdraw in an orderly way."""
        await actor.session.leave()
        self._end(actor.life, died=False)
        await self.close(actor)

    async def close(self, actor: Actor, *, with_transport: bool = False) -> None:
        """Free what the process holds, without a word to the store."""
        if not actor.closed:
            actor.closed = True
            await actor.session.close()
        if with_transport and actor.link.usable:
            actor.link.usable = False
            await actor.link.transport.close()

    async def end(self) -> None:
        """Free everything, whatever became of the run."""
        for actor in self.actors:
            await self.close(actor)
        for link in self.links:
            if link.usable:
                await link.transport.close()

    def _end(self, life: Life, *, died: bool) -> None:
        self.model.step += 1
        self.model.end(life, died=died)
        for actor in self.actors:
            if actor.life is life and life.reader is not None:
                actor.link.place = life.reader.place()

    def _prolong(self, life: Life, before: float) -> None:
        life.expires = (before + self.store.lease, self.store.now() + self.store.lease)

    # Upkeep

    async def maintain(self, actor: Actor) -> None:
        """Trim."""
        await actor.session.maintain()
        self.model.maintain(self.store.now())

    async def letters(self, actor: Actor) -> list[tuple[StoredDeadLetter, Letter]]:
        """All dead letters, compared."""
        stored = await actor.session.dead_letters(1000, None, None, None)
        ids = [letter.id for letter in stored]
        assert ids == sorted(set(ids)), f"ids out of order: {ids}"
        found: list[tuple[StoredDeadLetter, Letter]] = []
        for _, some in itertools.groupby(self.model.letters, key=lambda letter: letter.step):
            known = sorted(some, key=_letter_key)
            those = sorted(stored[len(found) :][: len(known)], key=_stored_key)
            found += zip(those, known, strict=False)
        have, want = [_stored_key(s) for s in stored], [_letter_key(x) for x in self.model.letters]
        assert sorted(have) == sorted(want), f"dead letters {have}, not {want}"
        mixed = [each for each, letter in found if _stored_key(each) != _letter_key(letter)]
        assert mixed == [], f"dead letters {have} out of order: {want}"
        for each, letter in found:
            assert each.reason == letter.reason or (each.reason and not letter.reason), each
        return found

    async def redrive(self, actor: Actor, stored: StoredDeadLetter, letter: Letter) -> None:
        """Give a dead letter back."""
        answer = await actor.session.redrive(stored.id)
        expected = self.model.redrive(letter, self.store.now())
        assert answer is expected, f"{answer}, not {expected}, for {letter}"
        if answer is Redriven.DONE:
            again = await actor.session.redrive(stored.id)
            assert again is Redriven.UNKNOWN, f"redriven twice: {letter}"

    async def discard(self, actor: Actor, stored: StoredDeadLetter, letter: Letter) -> None:
        """Delete a dead letter."""
        assert await actor.session.discard(stored.id)
        self.model.letters.remove(letter)
        assert not await actor.session.discard(stored.id)


def _subscriptions(channels: frozenset[Channel]) -> frozenset[Subscription]:
    work = {
        Subscription(EventMode.ANYCAST, channel.event, channel.group)
        for channel in channels
        if channel.kind is ChannelKind.WORK
    }
    return frozenset({*work, Subscription(EventMode.BROADCAST, "note")})


def _letter_key(letter: Letter) -> tuple[object, ...]:
    return (letter.payload, letter.event, letter.instance, letter.group or "", letter.attempts)


def _stored_key(letter: StoredDeadLetter) -> tuple[object, ...]:
    payload = letter.data.decode()
    return (payload, letter.event, letter.instance, letter.group or "", letter.attempts)
