"""The newest messages of all streams, again and again: what a live view asks for."""

from collections.abc import Sequence
from typing import Any, Final

from eventbus_core.snapshots import StoredMessage

from . import stream_ids
from .commands import Commands, Entry
from .keys import Keys
from .registries import Place, message_places
from .replies import fields

MOST: Final = 500
"""Most messages of a sample."""
_FIRST_MS: Final = 1_000.0
_LEAST_MS: Final = 50.0
_SPARE: Final = 1.5
_WIDER: Final = 4
_TRIES: Final = 3


class Sampling:
    """Samples one bus. One command asks all streams for what is new since a moment, and those
    without any cost next to nothing. How far back the newest messages reach is guessed from the
    sample before, so that not many more are read than are wanted."""

    def __init__(self, commands: Commands, keys: Keys) -> None:
        self._commands = commands
        self._keys = keys
        self._window_ms = _FIRST_MS
        self._told: object = None
        self._places: dict[bytes, Place] = {}

    async def newest(self, limit: int, since_ms: int) -> list[StoredMessage]:
        """The newest `limit` of all streams since then, oldest first. See MonitorSource.messages;
        `limit` is at most MOST."""
        now_ms = await self._look_round()
        window, tries = self._window_ms, 0
        while True:
            tries += 1
            start = since_ms if tries == _TRIES else max(since_ms, round(now_ms - window))
            found = await self._since(max(0, start), limit)
            if len(found) >= limit or start <= since_ms:
                break
            missing = limit / len(found) if found else _WIDER
            window *= max(_WIDER, missing * _SPARE)
        messages = found[-limit:]
        if len(found) >= limit:
            window = (now_ms - messages[0].stored_ms) * _SPARE
        self._window_ms = max(_LEAST_MS, window)
        return messages

    async def _look_round(self) -> int:
        """Learn which streams there are; return the server's time."""
        events, targets, abandoned, (seconds, micros) = await self._commands.ask_all(
            [
                ("SMEMBERS", self._keys.events),
                ("HGETALL", self._keys.targets),
                ("HGETALL", self._keys.abandoned),
                ("TIME",),
            ]
        )
        told = [events, targets, abandoned]
        if told != self._told:
            self._told = told
            places = message_places(self._keys, events, targets, abandoned)
            self._places = {place.stream.encode(): place for place in places}
        return int(seconds) * 1000 + int(micros) // 1000

    async def _since(self, start_ms: int, limit: int) -> list[StoredMessage]:
        """All that is stored since then, of each stream the newest `limit`; oldest first."""
        before = stream_ids.from_position(max(0, (start_ms << 64) - 1))
        names = list(self._places)
        places = self._places
        reply: list[tuple[bytes, list[Entry]]] | None = await self._commands.ask(
            "XREAD", "COUNT", limit, "STREAMS", *names, *[before] * len(names)
        )
        entries: dict[bytes, list[Entry]] = dict(reply or ())
        # These were the oldest; of a stream with more the newest are wanted.
        full = [name for name, some in entries.items() if len(some) == limit]
        newest: list[Any] = await self._commands.ask_all(
            [("XREVRANGE", name, "+", start_ms, "COUNT", limit) for name in full]
        )
        entries.update(zip(full, newest, strict=True))
        return in_order([(places[name], some) for name, some in entries.items()])


def in_order(found: Sequence[tuple[Place, Sequence[Entry]]]) -> list[StoredMessage]:
    """Entries of some streams as messages, oldest first."""
    rows = [
        (stream_ids.position(entry_id), place, entry_id, flat)
        for place, entries in found
        for entry_id, flat in entries
    ]
    rows.sort(key=lambda row: row[:2])
    return [
        StoredMessage(
            kind=place.kind,
            name=place.name,
            position=entry_id.decode(),
            stored_ms=int(entry_id.partition(b"-")[0]),
            data=fields(flat).get("d", b""),
        )
        for _, place, entry_id, flat in rows
    ]
