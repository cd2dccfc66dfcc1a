"""What the living have announced, read again only when that has changed."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from .commands import Commands
from .faults import ReplyError, mapped
from .keys import Keys
from .registries import Registries
from .replies import fields

_TURNS: Final = 30


class Announced(NamedTuple):
    """What was written when instances joined and changed their subscriptions."""

    lines: Mapping[str, bytes]
    """Live incarnation -> its line (see records.py)."""
    records: Mapping[str, bytes]
    """Instance id -> its record."""
    left: frozenset[str]
    """Incarnations that ended after the registries had been read."""


class Announcements:
    """Reads them for one bus, look after look. What another program writes into them is seen at
    the next change, or at every thirtieth look."""

    def __init__(self, commands: Commands, keys: Keys) -> None:
        self._commands = commands
        self._keys = keys
        self._known = Announced({}, {}, frozenset())
        self._read_at: object = None
        self._turn = 0

    async def look(self, known: Registries) -> Announced:
        """Raises TransportUnavailableError."""
        self._turn += 1
        now = (known.epoch, known.announced, known.written)
        if known.announced and now == self._read_at and self._turn % _TURNS:
            return self._known
        link = await self._commands.link()
        keys = self._keys
        replies = await self._commands.answers(
            [link.call("HGETALL", keys.incarnations), link.call("HGETALL", keys.instances)]
        )
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise mapped(reply, self._commands.where)
        lines, records = map(fields, replies)
        missing = [each for each in known.leases if each not in lines and each in self._known.lines]
        scores = await self._commands.ask_all([("ZSCORE", keys.leases, each) for each in missing])
        left = [each for each, score in zip(missing, scores, strict=True) if score is None]
        self._known, self._read_at = Announced(lines, records, frozenset()), now
        return self._known._replace(left=frozenset(left))
