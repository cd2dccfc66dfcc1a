"""Looking at the buses of one Redis or Valkey server from outside."""

from collections.abc import Sequence

from eventbus_core.modes import EventMode
from eventbus_core.snapshots import BusSnapshot, DeliverySnapshot, StoredMessage
from eventbus_core.transport import Redriven, StoredDeadLetter, Subscription

from . import deliveries, records
from .announcements import Announcements
from .commands import Commands
from .config import RedisConfig
from .dead_letters import DeadLetters
from .draining import drain
from .faults import ReplyError, has_code, mapped
from .keys import BUSES, Keys, token
from .link import Line
from .looking import Streams
from .registries import registries
from .replies import text
from .sampling import MOST, Sampling
from .snapshot import Snapshots


class RedisMonitor:
    """A MonitorSource (see eventbus_core.monitor_source, where each method is described).

    One connection, opened by the first call, and again after it was lost. All but the three
    actions works for a user who may only read.
    """

    def __init__(self, config: RedisConfig, *, io_timeout: float) -> None:
        self._where = config.where
        self._commands = Commands(Line(config, io_timeout), config.where)
        self._letters: dict[str, DeadLetters] = {}
        self._looking: dict[str, tuple[Announcements, Streams, Snapshots]] = {}
        """By bus; only of those that are stored."""
        self._sampling: dict[str, Sampling] = {}

    def __repr__(self) -> str:
        return f"<RedisMonitor {self._where}>"

    async def buses(self) -> Sequence[str]:
        commands = self._commands
        names = sorted(map(text, await commands.ask("ZRANGE", BUSES, 0, -1)))
        link = await commands.link()
        replies = await commands.answers(
            [link.call("EXISTS", Keys(each).options) for each in names]
        )
        for reply in replies:
            # A user who may see some of the buses only is told of these.
            if isinstance(reply, ReplyError) and not has_code(reply, "NOPERM"):
                raise mapped(reply, self._where)
        return [name for name, reply in zip(names, replies, strict=True) if reply == 1]

    async def snapshot(self, bus: str) -> BusSnapshot:
        keys = Keys(bus)
        if (looking := self._looking.get(bus)) is None:
            streams = Streams(self._commands, keys)
            looking = (
                Announcements(self._commands, keys),
                streams,
                Snapshots(bus, self._where, streams.broadcast),
            )
        announcements, streams, snapshots = looking
        resting = streams.resting()
        known = await registries(self._commands, keys, resting.positions)
        if known.options:
            self._looking[bus] = looking
        else:
            self._looking.pop(bus, None)
        announced, looks = await self._commands.answers(
            [announcements.look(known), streams.look(known, resting)]
        )
        return snapshots.make(known, announced, looks)

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        if until_ms is not None or limit > MOST:
            return await deliveries.messages(self._commands, Keys(bus), limit, since_ms, until_ms)
        if bus not in self._sampling:
            self._sampling[bus] = Sampling(self._commands, Keys(bus))
        return await self._sampling[bus].newest(limit, since_ms)

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        return await deliveries.deliveries(self._commands, Keys(bus), message)

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        return await self._letters_of(bus).list(limit, after, event, group)

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        return await self._letters_of(bus).redrive(dead_letter_id)

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        return await self._letters_of(bus).discard(dead_letter_id)

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        keys, channel = Keys(bus), token(event, group)
        place = keys.work(event, group)
        given_up = await self._commands.run(
            "drop",
            [
                keys.leases,
                keys.incarnations,
                keys.instances,
                keys.groups,
                keys.abandoned,
                keys.options,
                place.stream,
                place.counts,
            ],
            [
                channel,
                group,
                records.begins(),
                records.mention(Subscription(EventMode.ANYCAST, event, group)),
            ],
        )
        if not given_up:
            return False
        # Cancelled or cut off on the way, the maintenance of any instance goes on with it.
        while await drain(self._commands, keys, f"dropped {channel}", group):
            pass
        return True

    async def close(self) -> None:
        await self._commands.line.close()

    def _letters_of(self, bus: str) -> DeadLetters:
        if bus not in self._letters:
            self._letters[bus] = DeadLetters(self._commands, Keys(bus))
        return self._letters[bus]
