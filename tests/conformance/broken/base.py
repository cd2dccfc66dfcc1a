"""What every broken transport starts from: a good one, passed through call by call.

A fault is a class that overrides what it breaks. `FAULTS` has them all by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from eventbus_core.capabilities import Capabilities
from eventbus_core.clock import Clock
from eventbus_core.transport import (
    Channel,
    Delivery,
    Holder,
    Member,
    Outgoing,
    Published,
    Redriven,
    Renewal,
    Room,
    Session,
    Settlement,
    StoredDeadLetter,
    Subscription,
    Suspect,
    Transport,
    Vitals,
)

FAULTS: dict[str, type[BrokenTransport]] = {}


class BrokenSession:
    """A session that passes every call on. `inner` is the good one."""

    def __init__(self, transport: BrokenTransport, member: Member, inner: Any) -> None:
        self.transport = transport
        self.member = member
        self.inner: Any = inner
        self.replayed: int = inner.replayed

    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        position: int = await self.inner.subscribe(subscriptions)
        return position

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        answers: Sequence[Published] = await self.inner.publish(batch, messages)
        return answers

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries: Sequence[Delivery] = await self.inner.fetch(room, wait)
        return deliveries

    async def stop(self) -> None:
        await self.inner.stop()

    def wake(self) -> None:
        self.inner.wake()

    async def begin(self, delivery: Delivery, starts: int) -> None:
        await self.inner.begin(delivery, starts)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await self.inner.settle(settlements)

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        renewal: Renewal = await self.inner.renew(vitals)
        return renewal

    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        dead: Sequence[Suspect] = await self.inner.declare_dead(suspects)
        return dead

    async def maintain(self) -> None:
        await self.inner.maintain()

    async def leave(self) -> None:
        await self.inner.leave()

    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        letters: Sequence[StoredDeadLetter] = await self.inner.dead_letters(
            limit, after, event, group
        )
        return letters

    async def redrive(self, dead_letter_id: str) -> Redriven:
        redriven: Redriven = await self.inner.redrive(dead_letter_id)
        return redriven

    async def discard(self, dead_letter_id: str) -> bool:
        discarded: bool = await self.inner.discard(dead_letter_id)
        return discarded

    async def close(self) -> None:
        await self.inner.close()


class BrokenTransport:
    """A transport that passes every call on. Its subclasses are the faults.

    ``class LosesSomething(BrokenTransport, meant=[...])`` registers a fault under its name in
    kebab case; `meant` are the names of the kit's tests that must fail on it. The docstring says
    what is wrong. `session` is the class of its sessions.
    """

    meant: ClassVar[Sequence[str]] = ()
    base: ClassVar[str] = "memory"
    """``memory``, or ``sqlite`` for a fault that takes several processes to show."""
    session: ClassVar[type[BrokenSession]] = BrokenSession
    monitor: ClassVar[Callable[[Any], Any] | None] = None
    """Wraps the good MonitorSource."""

    def __init_subclass__(cls, *, meant: Sequence[str] = (), base: str = "memory") -> None:
        super().__init_subclass__()
        cls.meant, cls.base = tuple(meant), base
        name = "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__)[1:]
        if meant:
            FAULTS[name] = cls

    def __init__(self, inner: Transport, bus: str) -> None:
        self.inner: Any = inner
        self.bus = bus
        self.capabilities: Capabilities = inner.capabilities
        self.clock: Clock = inner.clock

    async def connect(self) -> None:
        await self.inner.connect()

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await self.inner.join(member, replace)
        return joined if isinstance(joined, Holder) else self.session(self, member, joined)

    async def close(self) -> None:
        await self.inner.close()
