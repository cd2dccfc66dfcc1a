"""The newest dead letters of one bus, as a monitor knows them: read in pages, kept small."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from eventbus_core.monitoring import (
    DeadLetter,
    DeadLettersSnapshot,
    EventBusError,
    EventMode,
    Monitor,
)

KEPT: Final = 10_000
"""Letters."""
_PATIENCE: Final = 10
"""A reading is followed by a pause so many times as long."""
_AFTER_ERROR: Final = 2.0
_LONGEST: Final = 500
"""Characters of a reason or an error."""
_FIRST_PAGE, _SMALLEST_PAGE, _LARGEST_PAGE = 50, 5, 500
_SLOW, _FAST = 0.2, 0.05
"""Seconds for a page: payloads may be large, so pages shrink and grow."""
_ERROR_TYPE: Final = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is kept of a dead letter. Texts are as they were written."""

    id: str
    message_id: str
    """Empty when the message cannot be decoded."""
    event: str
    mode: EventMode | None
    group: str
    """Empty when it belongs to one instance."""
    instance: str
    reason: str
    error: str
    error_type: str
    """``TimeoutError``; the reason when there was no error."""
    attempts: int
    died_ms: int

    @property
    def owner(self) -> str:
        """The group, or the instance."""
        return self.group or self.instance


def letter_of(letter: DeadLetter) -> Letter:
    """The part of it that is kept."""
    message = letter.message
    found = _ERROR_TYPE.match(letter.error)
    return Letter(
        id=letter.id,
        message_id=message.id if message else "",
        event=message.event if message else "",
        mode=message.mode if message else None,
        group=letter.group or "",
        instance=letter.instance,
        reason=letter.reason[:_LONGEST],
        error=letter.error[:_LONGEST],
        error_type=found.group() if found else letter.reason[:80],
        attempts=letter.attempts,
        died_ms=round(letter.died_at.timestamp() * 1000),
    )


class _Pile:
    """Letters that were read one page after the other, oldest first."""

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}
        self.last: str | None = None
        self.older = 0

    @property
    def count(self) -> int:
        return len(self.letters) + self.older

    def add(self, page: Sequence[DeadLetter], kept: int) -> None:
        for each in page:
            self.letters[each.id] = letter_of(each)
            self.last = each.id
        surplus = len(self.letters) - kept
        if surplus > 0:
            for letter_id in list(islice(self.letters, surplus)):
                del self.letters[letter_id]
            self.older += surplus


class LetterBook:
    """Dead letters in order of death, at most `kept` of the newest.

    `refresh` reads what is new. That some are gone shows in the count only: then everything is read
    again, and what was known stays until that is done.
    """

    def __init__(self, kept: int = KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self.kept = kept
        self.error = ""
        """Why the newest reading failed; empty when it did not."""
        self.reading = False
        self.changes = 0
        """Grows whenever the letters change."""
        self._clock = clock
        self._bus = ""
        self._pile = _Pile()
        self._seen: DeadLettersSnapshot | None = None
        self._not_before = 0.0
        self._page = _FIRST_PAGE

    @property
    def letters(self) -> Sequence[Letter]:
        """Oldest first."""
        return tuple(self._pile.letters.values())

    @property
    def older(self) -> int:
        """Letters that are there but not kept here, as they are older."""
        return self._pile.older

    def get(self, letter_id: str) -> Letter | None:
        return self._pile.letters.get(letter_id)

    def forget(self, ids: Iterable[str]) -> None:
        """Some of these may be gone, as this monitor acted on them: look at once."""
        for each in ids:
            self._pile.letters.pop(each, None)
        self.changes += 1
        self._seen = None
        self._not_before = 0.0

    def wants(self, bus: str, now: DeadLettersSnapshot) -> bool:
        """Whether a look at the bus says that there is something to read."""
        if self.reading:
            return False
        if bus != self._bus:
            return True
        return self._seen != now and self._clock() >= self._not_before

    async def refresh(self, monitor: Monitor, bus: str, now: DeadLettersSnapshot) -> None:
        """Read what `now`, the newest look, says is new. Never raises for the store: see `error`.
        One at a time: see `wants`."""
        self.reading = True
        began = self._clock()
        try:
            if bus != self._bus:
                self._bus, self._pile = bus, _Pile()
                self.changes += 1
            before = self._pile.last
            await self._read(monitor, bus, self._pile)
            if _some_are_gone(self._pile, now, before):
                pile = _Pile()
                await self._read(monitor, bus, pile)
                self._pile = pile
                self.changes += 1
            self._seen, self.error = now, ""
        except EventBusError as exc:
            self.error = str(exc)
            self._not_before = self._clock() + _AFTER_ERROR
        finally:
            self.reading = False
            took = self._clock() - began
            self._not_before = max(self._not_before, self._clock() + _PATIENCE * took)

    async def fetch(self, monitor: Monitor, bus: str, letter_id: str) -> DeadLetter | None:
        """The whole of one letter, by the one that died before it; None when it is gone. Raises
        EventBusError."""
        before: str | None = None
        for each in self._pile.letters:
            if each == letter_id:
                break
            before = each
        page = await monitor.dead_letters(bus, limit=1, after=before)
        return next((each for each in page if each.id == letter_id), None)

    async def _read(self, monitor: Monitor, bus: str, pile: _Pile) -> None:
        while True:
            began, limit = self._clock(), self._page
            page = await monitor.dead_letters(bus, limit=limit, after=pile.last)
            pile.add(page, self.kept)
            if page and pile is self._pile:
                self.changes += 1
            if len(page) < limit:
                return
            took = self._clock() - began
            if took > _SLOW:
                self._page = max(_SMALLEST_PAGE, limit // 2)
            elif took < _FAST:
                self._page = min(_LARGEST_PAGE, limit * 2)
            await asyncio.sleep(min(took, 0.5))  # other work has its turn


def _some_are_gone(pile: _Pile, now: DeadLettersSnapshot, before: str | None) -> bool:
    """Whether there are fewer than were read, but for those that came after that look. `before` is
    the last one that was known before this reading."""
    if now.count is None or pile.count == now.count:
        return False
    surplus = pile.count - now.count
    if surplus < 0 or now.newest_ms is None:
        return True
    newer = 0
    for letter in reversed(pile.letters.values()):
        if letter.died_ms <= now.newest_ms or letter.id == before:
            break
        newer += 1
    return surplus > newer
