"""Broadcasts: read from a cursor, without a consumer group. Beside them the control stream, whose
entries tell which channel has something to take over."""

import asyncio
from collections import OrderedDict, deque
from typing import Any, Final

from eventbus_core.transport import BROADCASTS, Delivery

from . import stream_ids
from .blocking import blocking_read
from .commands import Entry, read
from .faults import mapped
from .state import State, Token

_REMEMBERED: Final = 4096
"""Ids of broadcasts seen last: how far back a new connection may read again without repeats."""
_CONTROL_ONLY: Final = 64


class Broadcasts:
    """The place of one session in the broadcast stream."""

    def __init__(
        self,
        state: State,
        cursor: str,
        expected: int,
        attempts: dict[bytes, bytes],
        settled: set[bytes],
        server_ms: int,
    ) -> None:
        self._state = state
        self.blocking: Final = blocking_read(state)
        entry_id, _, number = cursor.partition(" ")
        self._start = self.position = entry_id.encode()
        """Everything up to here was read."""
        self._handled = Token(self.position, "", int(number))
        self._expected = expected
        """Number of the next broadcast; a higher one says how many were trimmed unread. 0: not
        known, any number will do."""
        self._control = b"%d-0" % max(0, server_ms - 1)
        self._settled = settled
        """Settled by the session before, beyond its cursor."""
        self._attempts = attempts
        """Recorded starts from the life before, for a fixed id."""
        self.noted: set[bytes] = set(attempts)
        """Entries with something in the hash of attempts."""
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._outstanding: deque[Token] = deque()
        self.fresh: deque[Delivery] = deque()
        self._covers = False
        self._rewind = False

    @property
    def consumes(self) -> bool:
        return self._state.member.consumes

    def cursor(self) -> str:
        """Everything up to it is handled, with its number; '' for an instance without."""
        if not self.consumes:
            return ""
        outstanding = self._outstanding
        while outstanding and outstanding[0].settled:
            self._handled = outstanding.popleft()
        return f"{self._handled.id.decode()} {self._handled.number}"

    def settled_ahead(self) -> set[bytes]:
        """What is settled beyond the cursor."""
        ahead = {token.id for token in self._outstanding if token.settled}
        return ahead | self._settled

    def over(self) -> list[bytes]:
        """Entries whose attempts are not needed any more, as the cursor has passed them."""
        if not self.noted:
            return []
        passed = stream_ids.position(self._handled.id)
        return [each for each in self.noted if stream_ids.position(each) <= passed]

    async def pump(self, limit: int | None) -> None:
        """Keep a read on its way that brings at most `limit` broadcasts (None: no room at all)."""
        room = 0 if limit is None else limit - len(self.fresh)
        wants = room > 0 and self.consumes
        if self.blocking.reading is not None:
            if wants != self._covers:
                self.blocking.unblock()
            return
        if not wants and not self._state.channels:
            return
        positions = [(self._state.keys.control, self._control)]
        if wants:
            if self._rewind:
                self._go_back()
            positions.append((self._state.keys.broadcast, self.position))
        count = room if wants else _CONTROL_ONLY
        reading = await self.blocking.send(*read(count, positions, self.blocking.block_ms))
        self._covers = wants
        reading.add_done_callback(self._arrived)

    def is_behind(self, sent_at: bytes, newest: bytes) -> bool:
        """Whether the stream seems to end before the place read up to at `sent_at`."""
        return self.consumes and stream_ids.position(newest) < stream_ids.position(sent_at)

    def restart_if_behind(self, sent_at: bytes, newest: bytes) -> bool:
        """The stream ends before the place read up to at `sent_at`: it is another one. Then read
        it from its start, or from its end when that was seen. Returns whether it was so."""
        if not self.is_behind(sent_at, newest):
            return False
        self.position = newest if newest in self._seen else stream_ids.ZERO
        self._start = self.position
        self._handled, self._expected = Token(self.position), 0
        self._outstanding.clear()
        self.blocking.unblock()
        return True

    def _go_back(self) -> None:
        """After a new connection, read one lease again: a failover may have lost the end of the
        stream, and what is stored since may have lower ids. What was seen is not given again."""
        self._rewind = False
        if not self._seen:
            return
        earlier = stream_ids.minus_ms(self.position, self._state.lease_ms)
        oldest_seen = next(iter(self._seen))
        self.position = max(earlier, oldest_seen, self._start, key=stream_ids.position)

    def _arrived(self, done: "asyncio.Future[Any]") -> None:
        if done.cancelled():
            return
        fault = done.exception()
        if fault is not None:
            self._rewind = True
            self._state.failed(mapped(fault, self._state.commands.where))
            return
        control = self._state.keys.control.encode()
        for stream, entries in done.result() or ():
            if stream == control:
                self._look(entries)
            else:
                self._take_in(entries)
        self._state.notify()

    def _look(self, entries: list[Entry]) -> None:
        now = self._state.loop.time()
        for entry_id, fields in entries:
            self._control = entry_id
            if len(fields) > 1 and fields[0] == b"c":
                after_ms = fields[3] if len(fields) > 3 and fields[3].isdigit() else b"0"
                self._state.look_at(fields[1].decode(), now + int(after_ms) / 1000)

    def _take_in(self, entries: list[Entry]) -> None:
        seen = self._seen
        for entry_id, fields in entries:
            self.position = entry_id
            if entry_id in seen:
                continue
            seen[entry_id] = None
            if len(seen) > _REMEMBERED:
                seen.popitem(last=False)
            data, event, number = _parts(fields)
            if 0 < self._expected < number:
                self._state.lose("broadcasts trimmed", number - self._expected)
            if number >= self._expected:
                self._expected = number + 1
            token = Token(entry_id, event, number)
            self._outstanding.append(token)
            recorded = self._attempts.pop(entry_id, b"0")
            if recorded == b"dead" or entry_id in self._settled:
                token.settled = True
                continue
            delivery = Delivery(
                BROADCASTS,
                data,
                token,
                int(recorded),
                position=stream_ids.position(entry_id),
            )
            self.fresh.append(delivery)


def _parts(fields: list[bytes]) -> tuple[bytes, str, int]:
    """Envelope, event and running number of a broadcast."""
    if len(fields) == 6 and fields[0] == b"d" and fields[4] == b"n":  # as publish.lua writes it
        data, event, number = fields[1], fields[3], fields[5]
    else:
        named = dict(zip(fields[::2], fields[1::2], strict=False))
        data, event, number = (named.get(name, b"") for name in (b"d", b"e", b"n"))
    # Another program may have written anything; one bad entry must not drop the others.
    return data, event.decode("utf-8", "replace"), int(number) if number.isdigit() else 0
