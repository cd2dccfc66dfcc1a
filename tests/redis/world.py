"""One bus on a real server, seen from several processes' places, and what is in its keys."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from eventbus_core.modes import EventMode
from eventbus_core.options import SharedOptions
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
from eventbus_redis.config import RedisConfig
from eventbus_redis.keys import Keys
from eventbus_redis.link import Link
from eventbus_redis.session import RedisSession
from eventbus_redis.transport import RedisTransport

WORK = work("job", "g")
JOB = Subscription(EventMode.ANYCAST, "job", "g")
ALL = {BROADCASTS: Room(10, 100), INBOX: Room(10, 100), WORK: Room(10, 100)}
_numbers = itertools.count(1)


def member(instance_id: str = "a", *subscriptions: Subscription, **given: Any) -> Member:
    """A member of group g that works for event ``job`` unless subscriptions are given."""
    options = {k: given.pop(k) for k in SharedOptions.__struct_fields__ if k in given}
    known: dict[str, Any] = {
        "instance_id": instance_id,
        "incarnation": f"{instance_id}.{next(_numbers)}.{uuid4().hex[:6]}",
        "fixed": False,
        "role": "both",
        "group": "g",
        "lease": 10.0,
        "only_new": False,
        "subscriptions": frozenset(subscriptions or (JOB,)),
        "options": SharedOptions(**options),
    }
    return Member(**(known | given))


def anycast(*texts: str, event: str = "job") -> list[Outgoing]:
    return [Outgoing(text, event, EventMode.ANYCAST, None, text.encode()) for text in texts]


def broadcast(*texts: str, event: str = "news") -> list[Outgoing]:
    return [Outgoing(text, event, EventMode.BROADCAST, None, text.encode()) for text in texts]


def unicast(target: str, *texts: str, event: str = "note") -> list[Outgoing]:
    return [Outgoing(text, event, EventMode.UNICAST, target, text.encode()) for text in texts]


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.data.decode() for delivery in deliveries]


async def until(condition: Callable[[], Awaitable[Any]], what: str, seconds: float = 10.0) -> Any:
    """Ask until the answer is true, and return it."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (answer := await condition()):
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)
    return answer


async def take(
    session: RedisSession,
    number: int,
    room: dict[Channel, Room] | None = None,
    seconds: float = 5.0,
) -> list[Delivery]:
    """Fetch until so many deliveries have come."""
    taken: list[Delivery] = []
    deadline = asyncio.get_running_loop().time() + seconds
    while len(taken) < number:
        left = deadline - asyncio.get_running_loop().time()
        assert left > 0, f"only {texts(taken)} came"
        taken += await session.fetch(room or ALL, min(left, 1.0))
    return taken


async def settle(
    session: RedisSession,
    deliveries: Sequence[Delivery],
    outcome: Outcome = Outcome.DONE,
    **how: Any,
) -> None:
    if outcome is Outcome.DEAD:
        how.setdefault("death", Death(reason="because", attempts=1))
    await session.settle([Settlement(each, outcome, **how) for each in deliveries])


class World:
    """Opens transports, and closes them all at the end."""

    def __init__(self, url: str, bus: str) -> None:
        self.url, self.bus = url, bus
        self.keys = Keys(bus)
        self._transports: list[RedisTransport] = []
        self._batches = itertools.count(1)
        self._admin: Link | None = None

    async def __aenter__(self) -> Self:
        self._admin = await Link.open(RedisConfig.from_url(self.url), 5.0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for transport in self._transports:
            await transport.close()
        if self._admin is not None:
            self._admin.close()
            await self._admin.closed

    def transport(self, io_timeout: float = 5.0) -> RedisTransport:
        """Another process's place."""
        config = RedisConfig.from_url(self.url)
        made = RedisTransport(config, bus=self.bus, io_timeout=io_timeout)
        self._transports.append(made)
        return made

    async def join(
        self, instance_id: str = "a", *subscriptions: Subscription, **given: Any
    ) -> RedisSession:
        return await self.joined(self.transport(), member(instance_id, *subscriptions, **given))

    async def joined(
        self, transport: RedisTransport, who: Member, replace: Holder | None = None
    ) -> RedisSession:
        session = await transport.join(who, replace)
        assert isinstance(session, RedisSession), session
        return session

    async def publish(
        self, session: RedisSession, messages: Sequence[Outgoing]
    ) -> Sequence[Published]:
        return await session.publish(next(self._batches), messages)

    async def redis(self, *command: str | bytes | int) -> Any:
        """Send any command, as an operator would. Connects again where need be."""
        if self._admin is None or self._admin.lost:
            self._admin = await Link.open(RedisConfig.from_url(self.url), 5.0)
        return await self._admin.call(*command)

    async def all_keys(self) -> list[str]:
        found: list[bytes] = await self.redis("KEYS", "eventbus:*")
        return sorted(
            key
            for key in (each.decode() for each in found)
            if key.startswith(self.keys.prefix) or key == "eventbus:buses"
        )

    async def keys_without_expiry(self) -> list[str]:
        return [key for key in await self.all_keys() if await self.redis("PTTL", key) == -1]

    async def pending(self, channel: Channel = WORK) -> dict[str, tuple[str, int]]:
        """Id -> consumer and count of deliveries."""
        stream = self.keys.work_stream(channel.event)
        rows = await self.redis("XPENDING", stream, channel.group, "-", "+", 10_000)
        return {entry.decode(): (who.decode(), count) for entry, who, _, count in rows}

    async def length(self, channel: Channel = WORK) -> int:
        number: int = await self.redis("XLEN", self.keys.work_stream(channel.event))
        return number

    async def expire(self, session: RedisSession) -> None:
        """End a lease, as if its time had run out."""
        await self.redis("ZADD", self.keys.leases, 1, session._state.me)

    async def die(self, session: RedisSession) -> None:
        """End a session's process without a word to the store, its lease run out."""
        await session.close()
        await self.expire(session)
