"""The session: each call of the boundary as steps of one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import msgspec

from ..transport import (
    Channel,
    Delivery,
    FencedError,
    Member,
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
from .books import channels_of
from .bus import Announced, BusTransaction
from .rows import Held
from .upkeep import maintain, maintain_unused

if TYPE_CHECKING:
    from .transport import TransactionalTransport

P = ParamSpec("P")
R = TypeVar("R")


def _in_thread(
    method: Callable[Concatenate[TransactionalSession, P], R],
) -> Callable[Concatenate[TransactionalSession, P], Coroutine[Any, Any, R]]:
    """Make a method that blocks a coroutine that runs it in the client's thread."""

    async def call(self: TransactionalSession, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.client.run(partial(method, self, *args, **kwargs))

    update_wrapper(call, method)
    return call


class TransactionalSession:
    """`Session` over the transactions of a client."""

    def __init__(
        self, transport: TransactionalTransport, member: Member, announced: Announced
    ) -> None:
        self.replayed = announced.replayed
        self.client = transport.client
        self._transport = transport
        self._member = member
        self._told = 0
        self._stopped = False
        self._left = False
        self._taken: list[Delivery] = []
        self._held: set[Held] = set()
        """What it took and has not settled."""
        self._woken = False
        self._news = asyncio.Event()
        """Set: look again at once."""

    @contextmanager
    def _step(self, *, write: bool = True) -> Iterator[BusTransaction]:
        with self.client.transaction(self._transport.bus, write=write) as bus:
            holder = bus.holder(self._member.instance_id)
            if holder is not None and holder.incarnation == self._member.incarnation:
                yield bus
                return
            if write:
                bus.count("refused: fenced")
        raise FencedError(self._member.incarnation)

    # Publishing

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        """See `Session.publish`."""
        answers = await self._publish(batch, messages)
        self._news.set()
        return answers

    @_in_thread
    def _publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        transport = self._transport
        with self._step() as bus:
            if batch == transport.batch:
                return transport.answers
            if batch < transport.batch:
                return [Published.STORED] * len(messages)  # long ago; nobody asks
            answers = [bus.store(message) for message in messages]
        transport.batch, transport.answers = batch, answers
        return answers

    # Taking and settling

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        """See `Session.fetch`. It looks again and again: a store tells nobody what is new."""
        clock, poll = self._transport.clock, self._transport.poll
        deadline = clock.monotonic() + wait
        while True:
            self._news.clear()
            await self.client.run(partial(self._take, room))
            left = deadline - clock.monotonic()
            if self._taken or left <= 0 or self._woken:
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, poll)):
                    await self._news.wait()
        self._woken = False
        taken, self._taken = self._taken, []
        return taken

    def _take(self, room: Mapping[Channel, Room]) -> None:
        channels = [channel for channel in channels_of(self._member) if channel in room]
        with self._step(write=False) as bus:
            # What a cancelled fetch has taken comes first.
            if self._taken or self._stopped or not bus.waiting(self._member, channels):
                return
        with self._step() as bus:
            taken = [
                delivery
                for channel in channels
                for delivery in bus.receive(self._member, channel, room[channel])
            ]
        self._transport.place.taken(taken)
        self._held.update(delivery.token for delivery in taken)
        self._taken = taken

    @_in_thread
    def stop(self) -> None:
        """See `Session.stop`."""
        self._stopped = True
        with self._step() as bus:
            for delivery in self._taken:
                bus.untake(delivery)
        self._held.difference_update(delivery.token for delivery in self._taken)
        self._taken = []

    def wake(self) -> None:
        """See `Session.wake`."""
        self._woken = True
        self._news.set()

    @_in_thread
    def begin(self, delivery: Delivery, starts: int) -> None:
        """See `Session.begin`."""
        with self._step() as bus:
            bus.begin(delivery.token, starts)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """See `Session.settle`. One transaction settles all or none."""
        await self._settle(settlements)
        self._news.set()

    @_in_thread
    def _settle(self, settlements: Sequence[Settlement]) -> None:
        with self._step() as bus:
            acted: set[Held] = set()
            for settlement in settlements:
                # What is not held was settled before, by a call whose answer was lost.
                held = settlement.delivery.token
                if held in self._held and held not in acted:
                    bus.settle(self._member, settlement)
                    acted.add(held)
        self._held -= acted
        self._transport.place.settled(settlements)

    # Presence

    @_in_thread
    def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        """See `Session.subscribe`."""
        member = msgspec.structs.replace(self._member, subscriptions=subscriptions)
        with self._step() as bus:
            announced = bus.announce(member, self._transport.place)
        self._member = member
        return announced.newest

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        """See `Session.renew`."""
        renewal, lost = await self._renew(vitals)
        self._told = lost
        return renewal

    @_in_thread
    def _renew(self, vitals: Vitals | None) -> tuple[Renewal, int]:
        with self._step() as bus:
            bus.limit_leases()
            announced = bus.announce(self._member, self._transport.place, vitals)
            suspects, options = bus.suspects(), bus.books.options
        fresh = announced.lost - self._told
        lost = {"broadcasts trimmed": fresh} if fresh else {}
        return Renewal(suspects=suspects, options=options, lost=lost), announced.lost

    @_in_thread
    def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        """See `Session.declare_dead`."""
        dead = []
        with self._step() as bus:
            for suspect in suspects:
                holder = bus.holder(suspect.instance_id)
                if holder and holder.expired and holder.incarnation == suspect.incarnation:
                    bus.end(suspect.instance_id, died=True)
                    dead.append(suspect)
        return dead

    @_in_thread
    def maintain(self) -> None:
        """See `Session.maintain`. A transaction that writes is alone, so one at a time works."""
        with self._step() as bus:
            if bus.takes_turn(self._member.incarnation):
                maintain(bus)
        maintain_unused(self.client)

    @_in_thread
    def leave(self) -> None:
        """See `Session.leave`."""
        if not self._left:
            with self._step() as bus:
                bus.end(self._member.instance_id, died=False)
            self._left = True

    async def close(self) -> None:
        """See `Session.close`: the lease runs out as after a crash."""

    # Dead letters

    @_in_thread
    def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        """See `Session.dead_letters`."""
        with self._step() as bus:
            return bus.dead_letters(limit, after, event, group)

    @_in_thread
    def redrive(self, dead_letter_id: str) -> Redriven:
        """See `Session.redrive`."""
        with self._step() as bus:
            return bus.redrive(dead_letter_id)

    @_in_thread
    def discard(self, dead_letter_id: str) -> bool:
        """See `Session.discard`."""
        with self._step() as bus:
            return bus.discard(dead_letter_id)
