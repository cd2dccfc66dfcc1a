"""Dead letters of one bus, in order of death."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from ..transport import Death, StoredDeadLetter

INSTANCE_CLOSED: Final = "instance closed"
INSTANCE_DIED: Final = "instance died"
INSTANCE_FORGOTTEN: Final = "instance forgotten"
GROUP_REMOVED: Final = "group removed"
GROUP_DROPPED: Final = "group dropped by an operator"
"""Reasons of deaths that no handler caused."""


class DeadLetters:
    """Kept until they are redriven, discarded, too old or too many."""

    def __init__(self) -> None:
        self.bytes = 0
        """Size of the data of those kept."""
        self._letters: dict[str, tuple[float, StoredDeadLetter]] = {}
        self._last_ms = 0
        self._made = 0

    def __len__(self) -> int:
        return len(self._letters)

    def add(
        self,
        *,
        data: bytes,
        event: str,
        instance: str,
        group: str | None,
        death: Death,
        now: float,
        unix_time: float,
    ) -> None:
        """Keep one from `now` on."""
        # Ids sort by time of death, also when the wall clock steps back.
        self._last_ms = max(self._last_ms, int(unix_time * 1000))
        self._made += 1
        letter = StoredDeadLetter(
            id=f"{self._last_ms:012x}-{self._made:010x}",
            data=data,
            event=event,
            instance=instance,
            group=group,
            reason=death.reason,
            error=death.error,
            traceback=death.traceback,
            attempts=death.attempts,
            died_ms=self._last_ms,
        )
        self._letters[letter.id] = (now, letter)
        self.bytes += len(data)

    def page(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        """The first `limit` after id `after` that fit the filters."""
        fitting = (
            letter
            for _, letter in self._letters.values()
            if (after is None or letter.id > after)
            and (event is None or letter.event == event)
            and (group is None or letter.group == group)
        )
        return list(islice(fitting, limit))

    @property
    def died_ms(self) -> tuple[int, int] | None:
        """Unix milliseconds of the first and the last death that is kept."""
        if not self._letters:
            return None
        letters = self._letters.values()
        return next(iter(letters))[1].died_ms, next(reversed(letters))[1].died_ms

    def get(self, letter_id: str) -> StoredDeadLetter | None:
        """The one with this id, if it is kept."""
        kept = self._letters.get(letter_id)
        return kept[1] if kept else None

    def remove(self, letter_id: str) -> bool:
        """Forget one; False when there was none."""
        kept = self._letters.pop(letter_id, None)
        if kept is None:
            return False
        self.bytes -= len(kept[1].data)
        return True

    def trim(self, *, older_than: float, most: int) -> int:
        """Forget those that died before `older_than`, and the oldest beyond `most`; return how
        many of them had time left."""
        surplus, lost = len(self._letters) - most, 0
        gone: list[str] = []
        for letter_id, (died_at, _) in self._letters.items():
            if died_at >= older_than:
                if len(gone) >= surplus:
                    break
                lost += 1
            gone.append(letter_id)
        for letter_id in gone:
            self.remove(letter_id)
        return lost
