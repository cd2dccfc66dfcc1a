"""A memory store on a manual clock, and short ways to use the boundary directly."""

import itertools
from collections.abc import Sequence
from typing import Any

from eventbus_core.memory import MemoryStore
from eventbus_core.memory.session import MemorySession
from eventbus_core.memory.transport import MemoryTransport
from eventbus_core.modes import EventMode
from eventbus_core.options import SharedOptions
from eventbus_core.testing import ManualClock
from eventbus_core.transport import (
    BROADCASTS,
    INBOX,
    Channel,
    Death,
    Delivery,
    Holder,
    Member,
    Outcome,
    Outgoing,
    Published,
    Room,
    Settlement,
    Subscription,
    work,
)

WORK = work("job", "g")
LEASE = 10.0
T0 = 1_767_225_600_000
"""Unix milliseconds at which the manual clock starts."""
_numbers = itertools.count(1)


def works(event: str = "job", group: str = "g") -> Subscription:
    return Subscription(EventMode.ANYCAST, event, group)


def member(
    instance_id: str = "a",
    *subscriptions: Subscription,
    fixed: bool = False,
    role: str = "both",
    only_new: bool = False,
    lease: float = LEASE,
    **options: Any,
) -> Member:
    return Member(
        instance_id=instance_id,
        incarnation=f"{instance_id}-{next(_numbers)}",
        fixed=fixed,
        role=role,
        group="g",
        lease=lease,
        only_new=only_new,
        subscriptions=frozenset(subscriptions),
        options=SharedOptions(**options),
    )


class World:
    """One store; every `join` comes through a transport of its own, as in another process."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.transport = self.connection()
        self._batches = itertools.count(1)

    def connection(self) -> MemoryTransport:
        return MemoryTransport(self.store, "bus")

    async def join(self, *args: Any, **options: Any) -> MemorySession:
        return await joined(self.connection(), member(*args, **options))

    async def held_by(self, instance_id: str) -> Holder:
        holder = await self.connection().join(member(instance_id))
        assert isinstance(holder, Holder)
        return holder

    async def broadcast(self, session: MemorySession, *payloads: str) -> Sequence[Published]:
        return await self._publish(session, EventMode.BROADCAST, None, "note", payloads)

    async def unicast(
        self, session: MemorySession, target: str, *payloads: str
    ) -> Sequence[Published]:
        return await self._publish(session, EventMode.UNICAST, target, "mail", payloads)

    async def anycast(
        self, session: MemorySession, *payloads: str, event: str = "job"
    ) -> Sequence[Published]:
        return await self._publish(session, EventMode.ANYCAST, None, event, payloads)

    async def _publish(
        self,
        session: MemorySession,
        mode: EventMode,
        target: str | None,
        event: str,
        payloads: Sequence[str],
    ) -> Sequence[Published]:
        return await session.publish(
            next(self._batches), [outgoing(p, mode, target, event) for p in payloads]
        )


async def joined(transport: MemoryTransport, member: Member) -> MemorySession:
    session = await transport.join(member)
    assert isinstance(session, MemorySession), session
    return session


def outgoing(
    payload: str,
    mode: EventMode = EventMode.ANYCAST,
    target: str | None = None,
    event: str = "job",
) -> Outgoing:
    return Outgoing(f"id-{payload}", event, mode, target, payload.encode())


async def take(
    session: MemorySession, channel: Channel = WORK, *, slots: int = 100, limit: int = 100
) -> list[Delivery]:
    """What is there now."""
    return list(await session.fetch({channel: Room(slots, limit)}, 0.0))


async def read(session: MemorySession) -> list[str]:
    """Broadcasts that are there now; they are settled."""
    deliveries = await take(session, BROADCASTS)
    await session.settle([done(delivery) for delivery in deliveries])
    return texts(deliveries)


async def mail(session: MemorySession) -> list[Delivery]:
    return await take(session, INBOX)


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.data.decode() for delivery in deliveries]


def done(delivery: Delivery) -> Settlement:
    return Settlement(delivery, Outcome.DONE)


def released(delivery: Delivery, starts: int = 0, note: str = "") -> Settlement:
    return Settlement(delivery, Outcome.RELEASED, starts=starts, note=note)


def failed(delivery: Delivery, delay: float, starts: int = 1, note: str = "") -> Settlement:
    return Settlement(delivery, Outcome.FAILED, delay=delay, starts=starts, note=note)


def dead(delivery: Delivery, reason: str = "failed", attempts: int = 5) -> Settlement:
    death = Death(reason, error="ValueError: x", traceback="...", attempts=attempts)
    return Settlement(delivery, Outcome.DEAD, death=death)
