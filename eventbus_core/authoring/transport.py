"""The transport: joining, in one transaction."""

from collections.abc import Sequence

import msgspec

from ..capabilities import Capabilities
from ..clock import Clock, SystemClock
from ..transport import Holder, Member, Published
from .client import Client
from .place import Place
from .session import TransactionalSession
from .upkeep import maintain, maintain_unused


class TransactionalTransport:
    """`Transport` over the transactions of a client."""

    def __init__(
        self, client: Client, bus: str, capabilities: Capabilities, *, poll: float = 0.02
    ) -> None:
        self.capabilities = capabilities
        self.clock: Clock = SystemClock()
        self.client = client
        self.bus = bus
        self.poll = poll
        """Seconds between two looks of a `fetch` that waits."""
        # The rest is touched in the client's thread, after a commit: what was rolled back leaves
        # no trace, and what was stored is known however soon the caller stopped waiting.
        self.place = Place()
        """Where its latest session stands in the broadcasts."""
        self.batch = -1
        """The newest batch that was stored."""
        self.answers: Sequence[Published] = ()
        """What was answered to it."""

    async def connect(self) -> None:
        """See `Transport.connect`."""
        await self.client.connect()

    async def join(
        self, member: Member, replace: Holder | None = None
    ) -> TransactionalSession | Holder:
        """See `Transport.join`."""
        return await self.client.run(lambda: self._join(member, replace))

    async def close(self) -> None:
        """See `Transport.close`."""
        await self.client.close()

    def _join(self, member: Member, replace: Holder | None) -> TransactionalSession | Holder:
        with self.client.transaction(self.bus, write=True) as bus:
            maintain(bus)
            holder = bus.holder(member.instance_id)
            # It is the same incarnation when the answer to a first call was lost.
            if holder is not None and holder.incarnation != member.incarnation:
                if replace is None or holder != msgspec.structs.replace(replace, expired=True):
                    return holder
                bus.end(member.instance_id, died=True)
            announced = bus.announce(member, self.place)
        maintain_unused(self.client)
        place = self.place
        if place.value is None and member.only_new:
            place = Place(announced.newest)
        self.place = Place(place.value, place.ahead)
        return TransactionalSession(self, member, announced)
