"""Broadcasts: one log that every instance reads with a place of its own."""

from collections.abc import Iterable, Mapping

from .queue import Entry


class Reader:
    """One incarnation's place in the log."""

    def __init__(self, cursor: int, starts: Mapping[int, int] | None = None) -> None:
        self.read = cursor
        """Position of the newest broadcast that was handed out, or passed over."""
        self.starts = dict(starts or {})
        """Recorded starts of handlers by position, for broadcasts that are not settled."""
        self.lost = 0
        """Broadcasts that were trimmed before they were handed out."""
        self._open: set[int] = set()

    @property
    def cursor(self) -> int:
        """Everything up to this position is settled."""
        return min(self._open) - 1 if self._open else self.read

    def handed_out(self, position: int) -> None:
        """The broadcast at `position`, the next one, is in the instance's hands."""
        self.read = position
        self._open.add(position)

    def holds(self, position: int) -> bool:
        """Whether it was handed out and is not settled."""
        return position in self._open

    def settle(self, position: int) -> None:
        """It is handled, or a dead letter."""
        self._open.discard(position)
        self.starts.pop(position, None)

    def lose_before(self, first: int) -> None:
        """Broadcasts before position `first` are gone."""
        self.lost += max(0, first - 1 - self.read)
        self.read = max(self.read, first - 1)


class BroadcastLog:
    """Kept broadcasts at consecutive positions, from 1 for the bus's first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._first = 1

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def oldest(self) -> int:
        """Position of the oldest one kept, or of the next one when there is none."""
        return self._first

    @property
    def newest(self) -> int:
        """Position of the newest one ever stored; 0 before the first."""
        return self._first + len(self._entries) - 1

    def add(self, event: str, data: bytes, now: float) -> None:
        """Append one."""
        self._entries.append(Entry(self.newest + 1, event, data, now))

    def after(self, position: int, limit: int) -> list[Entry]:
        """The kept ones after `position`, oldest first."""
        start = max(0, position + 1 - self._first)
        return self._entries[start : start + limit]

    def trim(
        self, readers: Iterable[Reader], *, older_than: float, most: int, max_unhandled: int
    ) -> None:
        """Remove what all `readers` have passed when it is older or beyond `most`, and the
        oldest unhandled ones beyond `max_unhandled`, which whoever has not read them loses."""
        readers = tuple(readers)
        passed = min((reader.cursor for reader in readers), default=self.newest)
        handled = max(0, min(passed - self._first + 1, len(self._entries)))
        remove = max(0, handled - most)
        while remove < handled and self._entries[remove].stored_at < older_than:
            remove += 1
        if len(self._entries) - handled > max_unhandled:
            remove = len(self._entries) - max_unhandled
        del self._entries[:remove]
        self._first += remove
        for reader in readers:
            reader.lose_before(self._first)

    def clear(self) -> None:
        """Remove all; positions go on."""
        self._first = self.newest + 1
        self._entries.clear()
