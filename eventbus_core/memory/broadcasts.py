"""Broadcasts: one log that every instance reads with a place of its own."""

from collections.abc import Iterable, Iterator, Mapping

from .queue import Entry


class Reader:
    """One incarnation's place in the log."""

    def __init__(
        self, cursor: int, starts: Mapping[int, int] | None = None, ahead: Iterable[int] = ()
    ) -> None:
        self.read = cursor
        """Position of the newest broadcast that was handed out, or passed over."""
        self.starts = dict(starts or {})
        """Recorded starts of handlers by position, for broadcasts that are not settled."""
        self.lost = 0
        """Broadcasts that were trimmed before they were handed out."""
        self._open: set[int] = set()
        self._ahead = set(ahead)
        """Settled by the life before, beyond its cursor."""

    def next_life(self, oldest: int) -> "Reader":
        """Where the next life of this reader begins, when `oldest` is the first one kept."""
        settled = set(range(self.cursor + 1, self.read + 1)) - self._open
        return Reader(max(self.cursor, oldest - 1), self.starts, settled | self._ahead)

    @property
    def cursor(self) -> int:
        """Everything up to this position is settled."""
        return min(self._open) - 1 if self._open else self.read

    def take(self, log: "BroadcastLog", limit: int) -> list[Entry]:
        """Put the next ones, at most `limit`, into the instance's hands."""
        taken: list[Entry] = []
        while entries := log.after(self.read, limit - len(taken)):
            for entry in entries:
                self.read = entry.position
                if entry.position in self._ahead:
                    self._ahead.remove(entry.position)
                else:
                    self._open.add(entry.position)
                    taken.append(entry)
        return taken

    def holds(self, position: int) -> bool:
        """Whether it was handed out and is not settled."""
        return position in self._open

    def settle(self, position: int) -> None:
        """It is handled, or a dead letter."""
        self._open.discard(position)
        self.starts.pop(position, None)

    def lose_before(self, first: int) -> int:
        """Broadcasts before position `first` are gone; return how many of them are lost to it."""
        lost = max(0, first - 1 - self.read)
        self.lost += lost
        self.read += lost
        return lost


class BroadcastLog:
    """Kept broadcasts at consecutive positions, from 1 for the bus's first."""

    def __init__(self) -> None:
        self.bytes = 0
        """Size of the data of those kept."""
        self._entries: list[Entry] = []
        self._first = 1

    def __len__(self) -> int:
        return len(self._entries)

    def __reversed__(self) -> Iterator[Entry]:
        """The kept ones, newest first."""
        return reversed(self._entries)

    @property
    def ends(self) -> tuple[Entry, Entry] | None:
        """The oldest and the newest one kept."""
        return (self._entries[0], self._entries[-1]) if self._entries else None

    @property
    def added(self) -> int:
        """How many were ever stored."""
        return self.newest

    @property
    def oldest(self) -> int:
        """Position of the oldest one kept, or of the next one when there is none."""
        return self._first

    @property
    def newest(self) -> int:
        """Position of the newest one ever stored; 0 before the first."""
        return self._first + len(self._entries) - 1

    def add(self, entry: Entry) -> None:
        """Append one; it is told its position."""
        self._entries.append(entry)
        self.bytes += len(entry.data)
        entry.position = self._first + len(self._entries) - 1

    def after(self, position: int, limit: int) -> list[Entry]:
        """The kept ones after `position`, oldest first."""
        start = max(0, position + 1 - self._first)
        return self._entries[start : start + limit]

    def trim(
        self, readers: Iterable[Reader], *, older_than: float, most: int, max_unhandled: int
    ) -> int:
        """Remove what all `readers` have passed when it is older or beyond `most`, and the
        oldest unhandled ones beyond `max_unhandled`, which whoever has not read them loses.
        Returns how many were lost to anybody."""
        readers = tuple(readers)
        passed = min((reader.cursor for reader in readers), default=self.newest)
        handled = max(0, min(passed - self._first + 1, len(self._entries)))
        remove = max(0, handled - most)
        while remove < handled and self._entries[remove].stored_at < older_than:
            remove += 1
        if len(self._entries) - handled > max_unhandled:
            remove = len(self._entries) - max_unhandled
        self.bytes -= sum(len(entry.data) for entry in self._entries[:remove])
        del self._entries[:remove]
        self._first += remove
        return max((reader.lose_before(self._first) for reader in readers), default=0)

    def clear(self) -> None:
        """Remove all; positions go on."""
        self._first = self.newest + 1
        self.bytes = 0
        self._entries.clear()
