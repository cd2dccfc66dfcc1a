"""A large bus under load, in a process of its own; benchmarks/monitor_load.py starts it.

    loaded_bus.py URL BUS MESSAGES_A_SECOND

200 events, each with two groups; 500 instances that have joined through the real transport, each
with an inbox and working for two or three of the groups; in a quarter of these work stays in every
state: in hand, set aside, never handed out, dead. Prints a line
when all is there. Then for each line that it reads:

- ``turn``: one second's worth of load as fast as it goes, then a line.
- ``run``: the load goes on by itself from now on.

The load: every instance renews its lease with new vitals every two seconds, and messages of all
three modes are stored, handled and trimmed. It ends when its input does.
"""

import asyncio
import itertools
import random
import sys
from collections import defaultdict

from eventbus_core import EventMode
from eventbus_core.clock import SystemClock
from eventbus_core.envelope import FORMAT, Envelope, pack
from eventbus_core.ids import MessageIds, new_incarnation
from eventbus_core.options import SharedOptions
from eventbus_core.transport import (
    INBOX,
    Channel,
    Death,
    Member,
    Outcome,
    Outgoing,
    Room,
    Settlement,
    Subscription,
    Vitals,
    work,
)
from eventbus_redis.config import RedisConfig
from eventbus_redis.session import RedisSession
from eventbus_redis.transport import RedisTransport

EVENTS = [f"shop.order-{number}" for number in range(200)]
GROUPS = ("billing", "mailing")
INSTANCES = 500
BUSY_EVENTS = EVENTS[:20]
LEASE = 3600.0
TICK = 0.1
BODY = b'{"id":12345,"name":"Ada Lovelace","tags":["a","b"],"total":12.5}' * 3
IDS = MessageIds(SystemClock())


class LoadedBus:
    """The sessions of all instances, and what they do."""

    def __init__(self, url: str, bus: str, rate: int) -> None:
        self._url, self._bus, self._rate = url, bus, rate
        self._sessions: list[RedisSession] = []
        self._at_work: defaultdict[Channel, list[RedisSession]] = defaultdict(list)
        self._batches = itertools.count(1)
        self._random = random.Random(4)
        self._handled = self._ticks = 0

    async def populate(self) -> None:
        """Instances, groups, and some work that stays."""
        channels = [work(event, group) for event in EVENTS for group in GROUPS]
        for number in range(INSTANCES):
            mine = {channels[number % len(channels)], channels[(number * 7 + 3) % len(channels)]}
            session = await self._join(number, mine)
            self._sessions.append(session)
            for channel in mine:
                self._at_work[channel].append(session)
        await asyncio.gather(*map(self._some_work, EVENTS[::4]))
        for _ in range(10):  # each comes to a hundred groups
            await self._sessions[0].maintain()

    async def _join(self, number: int, channels: set[Channel]) -> RedisSession:
        transport = RedisTransport(RedisConfig.from_url(self._url), bus=self._bus, io_timeout=30.0)
        wanted = {Subscription(EventMode.ANYCAST, c.event, c.group) for c in channels}
        wanted |= {Subscription(EventMode.BROADCAST, f"shop.news-{n}", "") for n in range(3)}
        name = f"shop-{number:03d}"
        session = await transport.join(
            Member(
                instance_id=name,
                incarnation=new_incarnation(),
                fixed=False,
                role="both",
                group="billing",
                lease=LEASE,
                only_new=False,
                subscriptions=frozenset(wanted),
                options=SharedOptions(max_message_count=1_000),
                host=f"host-{number % 40}.example.org",
                pid=1000 + number,
                version="1.4.2",
                started_ms=1_767_225_600_000,
            )
        )
        assert isinstance(session, RedisSession)
        return session

    async def _some_work(self, event: str) -> None:
        await self.publish([outgoing(event) for _ in range(8)])
        for group in GROUPS:
            channel = work(event, group)
            for session in self._at_work[channel]:
                held = list(await session.fetch({channel: Room(2, 2)}, 0.2))
                some = [Settlement(each, Outcome.DONE) for each in held[:1]]
                if self._random.random() < 0.1:
                    death = Death(reason="failed", error="ValueError: no", attempts=5)
                    some = [Settlement(each, Outcome.DEAD, death=death) for each in held[:1]]
                elif self._random.random() < 0.1:
                    some = [Settlement(each, Outcome.FAILED, delay=600.0) for each in held[:1]]
                await session.settle(some)

    async def publish(self, messages: list[Outgoing]) -> None:
        await self._sessions[0].publish(next(self._batches), messages)

    async def turn(self) -> None:
        """One second's worth of load, and all of it handled."""
        for _ in range(round(1 / TICK)):
            await self._tick()
        await asyncio.sleep(0.1)

    async def load(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            await self._tick()
            at = max(at + TICK, loop.time() - 1.0)
            await asyncio.sleep(at - loop.time())

    async def handle_all(self) -> None:
        """Handle what comes, until cancelled."""
        busy: defaultdict[RedisSession, set[Channel]] = defaultdict(set)
        for channel in (work(event, group) for event in BUSY_EVENTS for group in GROUPS):
            busy[self._at_work[channel][0]].add(channel)
        async with asyncio.TaskGroup() as tasks:
            for session, channels in busy.items():
                tasks.create_task(self._handle(session, channels))

    async def _tick(self) -> None:
        """What happens in a tenth of a second: each twentieth instance tells of itself, and of ten
        messages eight are work for twenty events, one a broadcast, and one for an inbox."""
        self._ticks += 1
        for session in self._sessions[self._ticks % 20 :: 20]:
            await session.renew(Vitals(received=self._handled, handled=self._handled))
        messages = [self._message() for _ in range(round(self._rate * TICK))]
        for at in range(0, len(messages), 100):
            await self.publish(messages[at : at + 100])
        if self._ticks % 30 == 0:
            await self._sessions[0].maintain()

    def _message(self) -> Outgoing:
        choice = self._random.randrange(10)
        if choice == 0:
            return outgoing("shop.news-1", EventMode.BROADCAST)
        if choice == 1:
            busy = self._at_work[work(self._random.choice(BUSY_EVENTS), GROUPS[0])][0]
            target = busy._state.member.instance_id
            return outgoing("shop.mail", EventMode.UNICAST, target)
        return outgoing(self._random.choice(BUSY_EVENTS))

    async def _handle(self, session: RedisSession, channels: set[Channel]) -> None:
        room = {channel: Room(100, 100) for channel in (INBOX, *channels)}
        while True:
            held = await session.fetch(room, 1.0)
            await session.settle([Settlement(each, Outcome.DONE) for each in held])
            self._handled += len(held)


def outgoing(
    event: str, mode: EventMode = EventMode.ANYCAST, target: str | None = None
) -> Outgoing:
    """A message as `EventBus.emit` makes it."""
    message_id, now_ms = IDS.next()
    headers = {"trace": "4bf92f3577b34da6"}
    envelope = Envelope(
        FORMAT, message_id, event, mode, "shop-000", target, now_ms, "json", headers, BODY
    )
    return Outgoing(message_id, event, mode, target, pack(envelope))


async def run(url: str, bus: str, rate: int) -> None:
    loaded = LoadedBus(url, bus, rate)
    await loaded.populate()
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    running = [asyncio.ensure_future(loaded.handle_all())]
    print("loaded", flush=True)
    while order := await orders.readline():
        if order == b"turn\n":
            await loaded.turn()
            print("turned", flush=True)
        else:
            running.append(asyncio.ensure_future(loaded.load()))
    for each in running:
        assert not each.done(), "the load has stopped"
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
