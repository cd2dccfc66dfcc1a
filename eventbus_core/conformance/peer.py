"""One session in the hands of a test, with short ways to say what it does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ..errors import TransportUnavailableError
from ..modes import EventMode
from ..transport import (
    BROADCASTS,
    INBOX,
    Channel,
    Death,
    Delivery,
    FencedError,
    Member,
    Outcome,
    Outgoing,
    Published,
    Room,
    Session,
    Settlement,
    StoredDeadLetter,
    Subscription,
    Suspect,
    Transport,
    work,
)

if TYPE_CHECKING:
    from .kit import Kit

EVENT: Final = "job"
GROUP: Final = "crew"
WORK: Final = work(EVENT, GROUP)
CHANNELS: Final = {
    EventMode.BROADCAST: BROADCASTS,
    EventMode.UNICAST: INBOX,
    EventMode.ANYCAST: WORK,
}
"""Where the messages of `Peer.send` come from."""
MOMENT: Final = 0.03
"""Seconds in which a fetch gets as far as waiting. Nothing fails when that takes longer."""
QUIET: Final = 0.15
"""Seconds in which what must not come would have come."""
_batches = itertools.count(1)


def works(event: str = EVENT, group: str = GROUP) -> Subscription:
    """A subscription that opens a work channel."""
    return Subscription(EventMode.ANYCAST, event, group)


def listens(event: str = EVENT, mode: EventMode = EventMode.BROADCAST) -> Subscription:
    """A subscription that opens no channel."""
    return Subscription(mode, event)


def outgoing(
    payload: str, mode: EventMode = EventMode.ANYCAST, target: str | None = None, event: str = EVENT
) -> Outgoing:
    """A message whose bytes are its payload: envelopes are opaque to a transport."""
    return Outgoing(f"id-{payload}", event, mode, target, payload.encode())


def texts(found: Sequence[Delivery | StoredDeadLetter]) -> list[str]:
    """Their payloads."""
    return [bytes(each.data).decode() for each in found]


class Peer:
    """One session, its member and its transport."""

    def __init__(self, kit: Kit, transport: Transport, member: Member, session: Session) -> None:
        self.kit = kit
        self.transport = transport
        self.member = member
        self.session = session
        self._over = False

    @property
    def id(self) -> str:
        return self.member.instance_id

    # Publishing

    async def publish(self, *messages: Outgoing, batch: int | None = None) -> list[Published]:
        """Publish one batch; the answers. Numbers of batches rise over the whole process."""
        number = next(_batches) if batch is None else batch
        return list(await self.session.publish(number, messages))

    async def broadcast(self, *payloads: str, event: str = "note") -> list[Published]:
        return await self.publish(
            *(outgoing(p, EventMode.BROADCAST, event=event) for p in payloads)
        )

    async def unicast(self, target: str, *payloads: str) -> list[Published]:
        return await self.publish(
            *(outgoing(p, EventMode.UNICAST, target, event="mail") for p in payloads)
        )

    async def anycast(self, *payloads: str, event: str = EVENT) -> list[Published]:
        return await self.publish(*(outgoing(p, event=event) for p in payloads))

    async def send(self, mode: EventMode, *payloads: str) -> list[Published]:
        """Publish one batch in any mode; unicast to itself."""
        target = self.id if mode is EventMode.UNICAST else None
        return await self.publish(*(outgoing(p, mode, target) for p in payloads))

    # Taking

    async def fetch(
        self, channel: Channel = WORK, *, slots: int = 100, limit: int = 100, wait: float = 0.0
    ) -> list[Delivery]:
        """One fetch of one channel."""
        return list(await self.session.fetch({channel: Room(min(slots, limit), limit)}, wait))

    async def waiting(self, channel: Channel = WORK) -> asyncio.Future[list[Delivery]]:
        """A fetch that waits for the next message, under way by now."""
        fetch = asyncio.ensure_future(self.fetch(channel, wait=9 * self.kit.deadline))
        for _ in range(5):
            await asyncio.sleep(0)
        # What is asked after it has an answer: then it has reached the store too.
        await self.session.renew()
        return fetch

    async def take(self, count: int = 1, channel: Channel = WORK) -> list[Delivery]:
        """Exactly the next `count` deliveries of a channel. Raises AssertionError when they do not
        come by the deadline."""
        taken: list[Delivery] = []
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.kit.deadline
        while (left := count - len(taken)) > 0:
            assert loop.time() < ends, f"only {texts(taken)} of {count} came from {channel}"
            taken += await self.fetch(channel, slots=left, limit=left, wait=0.2)
        assert len(taken) == count, f"{texts(taken)} is more than there was room for: {count}"
        return taken

    async def collect(self, room: Mapping[Channel, Room], count: int) -> list[Delivery]:
        """The next deliveries of several channels, at least `count` together, each fetch with the
        same room. Raises AssertionError when they do not come by the deadline."""
        taken: list[Delivery] = []
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.kit.deadline
        while len(taken) < count:
            assert loop.time() < ends, f"only {texts(taken)} of {count} came from {[*room]}"
            taken += await self.session.fetch(room, 0.2)
        return taken

    async def texts(self, count: int, channel: Channel = WORK) -> list[str]:
        """The payloads of the next `count` deliveries, which are settled as done."""
        taken = await self.take(count, channel)
        await self.done(*taken)
        return texts(taken)

    async def hear(self, count: int) -> list[str]:
        """The payloads of the next broadcasts, which are settled."""
        return await self.texts(count, BROADCASTS)

    async def mail(self, count: int) -> list[Delivery]:
        """The next deliveries of its inbox."""
        return await self.take(count, INBOX)

    async def rest(self, channel: Channel = WORK) -> list[Delivery]:
        """What else comes of a channel before it is quiet."""
        found: list[Delivery] = []
        while more := await self.fetch(channel, wait=QUIET):
            found += more
        return found

    async def nothing(self, channel: Channel = WORK) -> None:
        """Nothing comes of a channel for a moment."""
        came = await self.fetch(channel, wait=QUIET)
        assert texts(came) == [], f"nothing should come from {channel}"

    # Settling

    async def settle(self, *settlements: Settlement) -> None:
        await self.session.settle(settlements)

    async def done(self, *deliveries: Delivery) -> None:
        await self.settle(*(Settlement(d, Outcome.DONE) for d in deliveries))

    async def release(self, *deliveries: Delivery, starts: int = 0, note: str = "") -> None:
        await self.settle(
            *(Settlement(d, Outcome.RELEASED, starts=starts, note=note) for d in deliveries)
        )

    async def fail(
        self, *deliveries: Delivery, delay: float = 0.0, starts: int = 1, note: str = ""
    ) -> None:
        await self.settle(
            *(
                Settlement(d, Outcome.FAILED, delay=delay, starts=starts, note=note)
                for d in deliveries
            )
        )

    async def bury(self, *deliveries: Delivery, reason: str = "failed", attempts: int = 5) -> None:
        death = Death(reason, error="ValueError: x", traceback="a trace", attempts=attempts)
        await self.settle(*(Settlement(d, Outcome.DEAD, death=death) for d in deliveries))

    # Living and dying

    async def subscribe(self, *subscriptions: Subscription) -> int:
        return await self.session.subscribe(frozenset(subscriptions))

    async def suspects(self) -> list[Suspect]:
        """Whom it finds expired when it renews."""
        return list((await self.session.renew()).suspects)

    async def until_suspected(self, other: Peer) -> Suspect:
        """Renew until the lease of `other` has run out."""

        def found(suspects: list[Suspect]) -> Any:
            return [s for s in suspects if s.incarnation == other.member.incarnation]

        known = await self.kit.eventually(self.suspects, found, f"the expiry of {other.id}")
        suspect: Suspect = found(known)[0]
        return suspect

    async def bury_dead(self, other: Peer) -> None:
        """Wait until the lease of `other` has run out, then declare it dead."""
        suspect = await self.until_suspected(other)
        dead = await self.session.declare_dead([suspect])
        assert [each.incarnation for each in dead] == [other.member.incarnation]

    async def maintain(self) -> None:
        """One heartbeat: renew, then do the maintenance."""
        await self.session.renew()
        await self.session.maintain()

    async def leave(self) -> None:
        """Withdraw in an orderly way, and close."""
        await self.session.leave()
        await self.crash()

    async def withdraw(self) -> None:
        """Withdraw in an orderly way; its transport goes on, for a later session."""
        self._over = True
        await self.session.leave()
        await self.session.close()

    async def crash(self) -> None:
        """End like a killed process: nothing is said to the store."""
        self._over = True
        await self.session.close()
        await self.transport.close()

    async def end(self) -> None:
        """Whatever it is: end it."""
        if self._over:
            return
        self._over = True
        with suppress(FencedError, TransportUnavailableError):
            await self.session.leave()
        await self.session.close()

    async def fenced(self) -> None:
        """Every further call of its session is refused."""
        with suppress(FencedError):
            renewal = await self.session.renew()
            raise AssertionError(f"it was not refused: {renewal}")
