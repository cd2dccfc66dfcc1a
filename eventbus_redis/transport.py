"""One connection to one bus on Redis or Valkey."""

import secrets
from typing import Any

from eventbus_core.clock import Clock, SystemClock
from eventbus_core.errors import UnsupportedError
from eventbus_core.transport import INBOX, Holder, Member

from . import records
from .broadcasts import Broadcasts
from .capabilities import CAPABILITIES
from .commands import Commands
from .config import RedisConfig
from .faults import LinkLostError, ReplyError, mapped
from .intake import Intake
from .keys import Keys
from .link import Line
from .presence import Presence, end
from .session import RedisSession
from .settling import Settling
from .state import State


class RedisTransport:
    """A Transport (see eventbus_core.transport, where each method is described)."""

    capabilities = CAPABILITIES

    def __init__(
        self,
        config: RedisConfig,
        *,
        bus: str,
        io_timeout: float,
        clock: Clock | None = None,
        poll: float | None = None,
    ) -> None:
        """`poll`: seconds between reads that do not block, for imitations of a server whose
        blocking reads lose messages; None: reads block."""
        self.clock: Clock = clock or SystemClock()
        self._config = config
        self._bus = bus
        self._io_timeout = io_timeout
        self._poll = poll
        self._keys = Keys(bus)
        # Outlives sessions, so that a batch in doubt is recognised after a new join.
        self._publisher = secrets.token_hex(8)
        self._commands: Commands | None = None
        self._place: tuple[str, bytes, Broadcasts] | None = None
        """Instance id, epoch and broadcasts of the last session: the next one goes on there."""
        self._sessions: set[RedisSession] = set()

    def __repr__(self) -> str:
        return f"<RedisTransport {self._config.where} bus={self._bus!r}>"

    async def connect(self) -> None:
        line = Line(self._config, self._io_timeout)
        try:
            link = await line.open()
            await link.call("XLEN", self._keys.broadcast)
        except BaseException as exc:
            await line.close()
            if isinstance(exc, ReplyError) and "unknown command" in exc.text:
                raise UnsupportedError(
                    f"the server at {self._config.where} has no streams: "
                    "use Redis 5.0 or later, or Valkey"
                ) from None
            if isinstance(exc, (LinkLostError, ReplyError)):
                raise mapped(exc, self._config.where) from None
            raise
        previous, self._commands = self._commands, Commands(line, self._config.where)
        if previous is not None:
            await previous.line.close()

    async def join(self, member: Member, replace: Holder | None = None) -> RedisSession | Holder:
        if self._commands is None:
            await self.connect()
        commands, keys = self._commands, self._keys
        assert commands is not None
        if replace is not None:
            # Whether it has expired by now is judged there, not by an earlier look at it.
            await end(
                commands,
                keys,
                incarnation=replace.incarnation,
                instance_id=member.instance_id,
                renewals=replace.renewals,
            )
        channels = records.work_channels(member.subscriptions)
        work = {token: keys.work(c.event, c.group) for token, c in channels.items()}
        inbox = keys.inbox(member.instance_id)
        reply: Any = await commands.run(
            "join",
            [
                keys.leases,
                keys.options,
                keys.totals,
                keys.renewals,
                keys.incarnations,
                keys.holders,
                keys.instances,
                keys.targets,
                keys.remembered,
                keys.epoch,
                keys.groups,
                keys.abandoned,
                keys.broadcast,
                keys.broadcast_counts,
                keys.cursors,
                keys.attempts(member.instance_id),
                keys.channels(member.incarnation),
                keys.events,
                inbox.stream,
                inbox.counts,
                *(key for each in work.values() for key in (each.stream, each.counts)),
            ],
            [
                member.incarnation,
                member.instance_id,
                records.line(member),
                records.record(member, member.subscriptions),
                records.lease_ms(member),
                int(member.only_new),
                int(member.consumes),
                secrets.token_hex(8),
                member.group,
                *self._place_of(member),
                *work,
            ],
        )
        if reply[0] == 0:
            _, incarnation, lease_ms, renewals, expired = reply
            return Holder(
                incarnation=incarnation.decode(),
                lease=int(lease_ms) / 1000,
                renewals=renewals.decode(),
                expired=bool(expired),
            )
        state = State(commands, keys, self._config, self._io_timeout, member, self._poll)
        for token, channel in channels.items():
            state.open_channel(channel, work[token], channel.group)
        session, self._place = self._session(state, reply)
        return session

    async def close(self) -> None:
        for session in tuple(self._sessions):
            await session.close()
        self._sessions.clear()
        if self._commands is not None:
            await self._commands.line.close()
            self._commands = None

    def _place_of(self, member: Member) -> tuple[bytes, str]:
        """Epoch and cursor where the session before, if it had the same id, stood."""
        if self._place is None or self._place[0] != member.instance_id:
            return b"", ""
        _, epoch, broadcasts = self._place
        return epoch, broadcasts.cursor()

    def _session(
        self, state: State, reply: list[Any]
    ) -> tuple[RedisSession, tuple[str, bytes, Broadcasts]]:
        _, epoch, inbox_group, cursor, replayed, newest, options, attempts, server_ms, retained = (
            reply
        )
        if state.member.consumes:
            inbox = self._keys.inbox(state.member.instance_id)
            state.open_channel(INBOX, inbox, inbox_group.decode())
        broadcasts = Broadcasts(
            state,
            cursor.decode(),
            _expected(cursor, newest, retained),
            dict(zip(attempts[::2], attempts[1::2], strict=True)),
            self._settled_before(state.member, epoch),
            server_ms,
        )
        presence = Presence(state, broadcasts, epoch)
        presence.options = records.options_in_force(options)
        intake = Intake(state, broadcasts)
        settling = Settling(state, broadcasts)
        session = RedisSession(
            state, self._publisher, replayed, broadcasts, presence, intake, settling
        )
        session.closed = self._sessions.discard
        self._sessions.add(session)
        return session, (state.member.instance_id, epoch, broadcasts)

    def _settled_before(self, member: Member, epoch: bytes) -> set[bytes]:
        """What the session before settled beyond its cursor, out of order."""
        if self._place is None or self._place[:2] != (member.instance_id, epoch):
            return set()
        return self._place[2].settled_ahead()


def _expected(cursor: bytes, newest: bytes, retained: int) -> int:
    """Number of the first broadcast that a session should see. What retention removed while
    nobody was there under its id is not a loss."""
    handled, added = (int(each.partition(b" ")[2]) for each in (cursor, newest))
    return max(handled, added - retained) + 1
