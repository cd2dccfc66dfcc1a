"""Dead letters: one stream, in order of death."""

from collections.abc import Sequence
from typing import Any, Final

from eventbus_core.transport import Redriven, StoredDeadLetter

from . import stream_ids
from .commands import Commands, Entry
from .keys import Keys

_PAGE: Final = 200
_ANSWERS: Final = {
    b"done": Redriven.DONE,
    b"unknown": Redriven.UNKNOWN,
    b"no owner": Redriven.NO_OWNER,
}


class DeadLetters:
    """See the methods of the same names of Session."""

    def __init__(self, commands: Commands, keys: Keys) -> None:
        self._commands = commands
        self._keys = keys
        self._in_doubt: set[bytes] = set()
        """Letters of calls whose reply was lost: made again, they are told what was done."""

    async def list(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        first: bytes | None = b"-"
        if after is not None:
            known = stream_ids.from_sortable(after)
            if known is None:
                return []
            first = stream_ids.after(known)
        found: list[StoredDeadLetter] = []
        while len(found) < limit and first is not None:
            page = await self._commands.entries(self._keys.dead, first, b"+", _PAGE)
            for entry in page:
                letter = _letter(entry)
                if event in (None, letter.event) and group in (None, letter.group):
                    found.append(letter)
            first = stream_ids.after(page[-1][0]) if len(page) == _PAGE else None
        return found[:limit]

    async def redrive(self, dead_letter_id: str) -> Redriven:
        entry_id = stream_ids.from_sortable(dead_letter_id)
        if entry_id is None:
            return Redriven.UNKNOWN
        keys = self._keys
        entries = await self._commands.entries(keys.dead, entry_id, entry_id, 1)
        if entries:
            letter = _letter(entries[0])
            owner = letter.group or letter.instance
            place = keys.work(letter.event, letter.group) if letter.group else keys.inbox(owner)
            kind = "w" if letter.group else "i"
        else:
            # Asked all the same: a call before this one may have done it and lost its reply.
            owner, place, kind = "", keys.inbox(""), "i"
        reply = await self._run(
            "redrive",
            entry_id,
            [
                keys.options,
                keys.totals,
                keys.journal,
                keys.dead,
                keys.answered,
                keys.targets,
                place.stream,
                place.counts,
            ],
            [kind, owner],
        )
        return _ANSWERS[reply]

    async def discard(self, dead_letter_id: str) -> bool:
        entry_id = stream_ids.from_sortable(dead_letter_id)
        if entry_id is None:
            return False
        keys = self._keys
        named = [keys.options, keys.totals, keys.dead, keys.answered]
        return bool(await self._run("discard", entry_id, named, []))

    async def _run(
        self, name: str, entry_id: bytes, keys: Sequence[str], args: Sequence[str]
    ) -> Any:
        doubt = int(entry_id in self._in_doubt)
        try:
            reply = await self._commands.run(name, keys, [entry_id, *args, doubt])
        except BaseException:
            self._in_doubt.add(entry_id)
            raise
        self._in_doubt.discard(entry_id)
        return reply


def _letter(entry: Entry) -> StoredDeadLetter:
    entry_id, fields = entry
    named = dict(zip(fields[::2], fields[1::2], strict=False))

    def text(name: bytes) -> str:
        return named.get(name, b"").decode("utf-8", "replace")

    return StoredDeadLetter(
        id=stream_ids.sortable(entry_id),
        data=named.get(b"data", b""),
        event=text(b"event"),
        instance=text(b"instance"),
        group=text(b"group") or None,
        reason=text(b"reason"),
        error=text(b"error"),
        traceback=text(b"traceback"),
        attempts=int(named.get(b"attempts", b"0")),
        died_ms=int(entry_id.partition(b"-")[0]),
    )
