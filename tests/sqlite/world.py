"""One SQLite file, and short ways to use the boundary on it."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventbus_core.modes import EventMode
from eventbus_core.monitoring import open_monitor
from eventbus_core.options import SharedOptions
from eventbus_core.plugins import open_transport
from eventbus_core.transport import (
    BROADCASTS,
    Channel,
    Delivery,
    Holder,
    Member,
    Outcome,
    Outgoing,
    Room,
    Session,
    Settlement,
    Subscription,
    Transport,
    work,
)

WORK = work("job", "g")
WORKS = Subscription(EventMode.ANYCAST, "job", "g")
_batches = itertools.count(1)
_lives = itertools.count(1)


class World:
    """Transports on one file; `close` ends them all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._transports: list[Transport] = []

    async def connect(self, *, bus: str = "bus", io_timeout: float = 5.0) -> Transport:
        transport = open_transport(self.url, bus=bus, io_timeout=io_timeout)
        self._transports.append(transport)
        await transport.connect()
        return transport

    async def join(
        self, instance_id: str, *subscriptions: Subscription, **announced: Any
    ) -> Session:
        """Join over a connection of its own, as another process would."""
        transport = announced.pop("transport", None) or await self.connect()
        session = await transport.join(member(instance_id, *subscriptions, **announced))
        assert not isinstance(session, Holder)
        return session

    async def buses(self) -> list[str]:
        """Names of the buses that are stored."""
        async with open_monitor(self.url) as monitor:
            return list(await monitor.buses())

    async def close(self) -> None:
        for transport in self._transports:
            await transport.close()


def member(
    instance_id: str,
    *subscriptions: Subscription,
    fixed: bool = False,
    lease: float = 60.0,
    only_new: bool = False,
    **options: Any,
) -> Member:
    return Member(
        instance_id=instance_id,
        incarnation=f"{instance_id}-{next(_lives)}",
        fixed=fixed,
        role="both",
        group="g",
        lease=lease,
        only_new=only_new,
        subscriptions=frozenset(subscriptions),
        options=SharedOptions(**options),
    )


def outgoing(payload: str, mode: EventMode = EventMode.ANYCAST) -> Outgoing:
    return Outgoing(f"id-{payload}", "job", mode, None, payload.encode())


async def send(
    session: Session, *payloads: str, mode: EventMode = EventMode.ANYCAST
) -> Sequence[object]:
    return await session.publish(next(_batches), [outgoing(p, mode) for p in payloads])


async def take(session: Session, channel: Channel = WORK, limit: int = 100) -> list[Delivery]:
    """What is there now."""
    return list(await session.fetch({channel: Room(limit, limit)}, 0.0))


async def hear(session: Session) -> list[str]:
    """Broadcasts that are there now; they are settled."""
    deliveries = await take(session, BROADCASTS)
    await done(session, *deliveries)
    return texts(deliveries)


async def done(session: Session, *deliveries: Delivery) -> None:
    await session.settle([Settlement(delivery, Outcome.DONE) for delivery in deliveries])


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.data.decode() for delivery in deliveries]
