"""What the parts of one session share, and what it knows of each channel with a consumer group."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from eventbus_core.transport import INBOX, Channel, Delivery, FencedError, Member

from .commands import Commands
from .config import RedisConfig
from .keys import ChannelKeys, Keys, token
from .link import Arg
from .records import lease_ms


class Token(msgspec.Struct, gc=False, eq=False):
    """`Delivery.token`: which entry it is."""

    id: bytes
    event: str = ""
    """Not for WORK, where the channel has it."""
    number: int = 0
    """BROADCAST: its running number."""
    settled: bool = False
    """BROADCAST: no more in the way of the cursor."""


class ChannelState:
    """One consumer group of one stream, as this session sees it."""

    def __init__(self, channel: Channel, keys: ChannelKeys, group: str) -> None:
        self.channel = channel
        self.keys = keys
        self.group = group
        self.token = "" if channel == INBOX else token(channel.event, channel.group)
        self.held: dict[bytes, Delivery] = {}
        """Everything of it that was taken and is not settled, whether fetched yet or not."""
        self.claimed: deque[Delivery] = deque()
        """Taken over; goes before `fresh`."""
        self.fresh: deque[Delivery] = deque()
        self.claim_at = 0.0
        """Time of the loop from which there may be something to take over; first at once."""
        self.claiming = False
        self.waits = False
        """Something that can be taken over was seen, and no handler was free for it."""
        self.reading = False
        """A read that does not block is on its way."""
        self.plenty = False
        """The last read brought as many as it asked for."""
        self.probed = False
        """Found empty by a read that did not block, while the blocking one does not cover it."""
        self.recover = False
        """A reply may have been lost: look for what is pending but not held."""
        self.rebuild = False
        """The group or its stream is gone."""
        self.open = True
        self.surplus = 0
        """By how much the store's pending count exceeded `held` at the last heartbeat."""

    @property
    def arrived(self) -> int:
        return len(self.claimed) + len(self.fresh)

    def admit(
        self,
        entry_id: bytes,
        fields: list[bytes],
        *,
        starts: int = 0,
        again: bool = False,
        orphaned: bool = False,
        note: str = "",
    ) -> bool:
        """Take in an entry, once. False when it is for another group only."""
        if entry_id in self.held:
            return True
        event = ""
        data = fields[1]
        if len(fields) > 2 or fields[0] != b"d":
            named = dict(zip(fields[::2], fields[1::2], strict=False))
            only_for = named.get(b"g")
            if only_for is not None and only_for != self.group.encode():
                return False
            # Another program may have written anything; one bad entry must not drop the others.
            event = named.get(b"e", b"").decode("utf-8", "replace")
            # What another program wrote has no envelope; the core tells that from the bytes.
            data = named.get(b"d", b"")
        delivery = Delivery(self.channel, data, Token(entry_id, event))
        if starts or note or orphaned:
            delivery.starts, delivery.note, delivery.orphaned = starts, note, orphaned
        self.held[entry_id] = delivery
        if again:
            delivery.again = True
            self.claimed.append(delivery)
        else:
            self.fresh.append(delivery)
        return True


class State:
    """One session's common ground."""

    def __init__(
        self,
        commands: Commands,
        keys: Keys,
        config: RedisConfig,
        io_timeout: float,
        member: Member,
        poll: float | None = None,
    ) -> None:
        self.commands = commands
        self.keys = keys
        self.config = config
        self.io_timeout = io_timeout
        self.member = member
        self.poll = poll
        """Seconds between reads that do not block, in place of reads that do."""
        self.me = member.incarnation
        self.lease_ms = lease_ms(member)
        # Short enough that a read of a dead incarnation takes little after its death, long
        # enough that reads of idle instances cost nothing; servers before 7.0 leave readers of a
        # deleted stream blocked until then.
        self.block_ms = max(1, min(2000, self.lease_ms // 2, round(io_timeout * 1000)))
        self.loop = asyncio.get_running_loop()
        self.channels: dict[Channel, ChannelState] = {}
        self.by_token: dict[str, ChannelState] = {}
        self.closing: set[ChannelState] = set()
        """Channels without a subscription that a read may still bring something of."""
        self.lost: dict[str, int] = {}
        """Losses that the next renewal reports."""
        self.fenced = False
        self.leaving = False
        """No read is sent any more."""
        self.left = False
        self.closed = False
        self._confirmed_at = self.loop.time()
        self.notify: Callable[[], None] = lambda: None
        """Something arrived or became possible: a waiting fetch looks again."""
        self.failed: Callable[[BaseException], None] = lambda fault: None
        """A read failed: the fetch that runs, or the next one, says so."""

    def open_channel(self, channel: Channel, keys: ChannelKeys, group: str) -> None:
        state = self.channels.get(channel)
        if state is None:
            state = self.channels[channel] = ChannelState(channel, keys, group)
            if state.token:
                self.by_token[state.token] = state
        elif not state.open:
            state.claim_at = 0.0
        state.open = True
        self.closing.discard(state)

    def close_channel(self, channel: ChannelState) -> None:
        channel.open = False
        self.closing.add(channel)

    def look_at(self, channel_token: str, when: float) -> None:
        """There is something to take over in a channel from `when` on (time of the loop)."""
        state = self.by_token.get(channel_token)
        if state is not None and when < state.claim_at:
            state.claim_at = when
            self.notify()

    def lose(self, cause: str, number: int) -> None:
        self.lost[cause] = self.lost.get(cause, 0) + number

    def check(self) -> None:
        """Raise FencedError when this incarnation is known not to be alive any more."""
        if self.fenced or self.left:
            raise FencedError("this incarnation is not alive in the store any more")

    def check_reads(self) -> None:
        """Raise FencedError when nothing may be read any more: asked after every wait for a
        connection, as what is read after the leave would stay with a consumer that is gone."""
        if self.leaving:
            raise FencedError("this incarnation leaves")

    def confirmed(self) -> None:
        """The store has said that it is alive."""
        self._confirmed_at = self.loop.time()

    async def confirm(self, *, since: float = 0.0) -> None:
        """Ask the store whether this incarnation is alive, unless it said so within the last
        `since` seconds; for calls whose commands do not ask. Raises FencedError."""
        self.check()
        if self.loop.time() - self._confirmed_at < since:
            return
        if await self.commands.ask("ZSCORE", self.keys.leases, self.me) is None:
            fault = FencedError("this incarnation is not alive in the store any more")
            self.fence_if(fault)
            raise fault
        self.confirmed()

    def fence_if(self, fault: BaseException) -> None:
        if isinstance(fault, FencedError) and not self.fenced:
            self.fenced = True
            self.notify()

    async def run(self, name: str, keys: list[str], args: list[Arg]) -> object:
        """Run a script as this incarnation: leases, options and totals before its other keys."""
        self.check()
        try:
            return await self.commands.run(
                name, [self.keys.leases, self.keys.options, self.keys.totals, *keys],
                [self.me, *args],
            )  # fmt: skip
        except FencedError as exc:
            self.fence_if(exc)
            raise

    def named(self) -> Iterator[ChannelState]:
        return iter(tuple(self.channels.values()))


NEVER = math.inf
