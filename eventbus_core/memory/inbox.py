"""The inbox of one instance."""

from collections.abc import Iterator
from heapq import merge

from .queue import Entry, Queue


class Inbox(Queue):
    """A queue that is all there is of its messages: what is settled is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.added = 0
        """How many messages were ever stored."""
        self.bytes = 0
        """Size of the data of those that are not settled."""

    def __len__(self) -> int:
        return self.backlog

    def __reversed__(self) -> Iterator[Entry]:
        """Newest first."""
        seen = sorted((item.entry for item in self._items.values()), key=_number, reverse=True)
        return merge(reversed(self._fresh), seen, key=_number, reverse=True)

    @property
    def settled(self) -> int:
        """How many were ever handled, or became dead letters."""
        return self.added - self.backlog

    @property
    def ends(self) -> tuple[Entry, Entry] | None:
        """The oldest and the newest message."""
        if not self.backlog:
            return None
        oldest = self.oldest_seen or self._fresh[0]
        return oldest, next(reversed(self))

    def add(self, entry: Entry) -> None:
        self._fresh.append(entry)
        self.added += 1
        self.bytes += len(entry.data)

    def redrive(self, entry: Entry) -> None:
        super().redrive(entry)
        self.added += 1
        self.bytes += len(entry.data)

    def finished(self, entry: Entry) -> None:
        self._items.pop(entry.number, None)
        self.bytes -= len(entry.data)


def _number(entry: Entry) -> int:
    return entry.number
