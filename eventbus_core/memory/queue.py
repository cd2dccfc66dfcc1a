"""Messages that wait for, or are in the hands of, those who share them.

An inbox is a queue with one reader; the work of one group is a queue with several.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .presence import Presence

EARLY: Final = 1e-6
"""Seconds that something may come before it is due: sums of floats are not exact, and a clock
that is moved by hand may stop a hair before the sum."""


@dataclass(slots=True, eq=False)
class Entry:
    """One stored message; several groups may share it."""

    position: int
    """Its place in the order of storing; unique on its bus."""
    event: str
    data: bytes
    stored_at: float
    unsettled: int = 0
    """Work streams: how many groups have not settled it yet."""


@dataclass(slots=True, eq=False)
class Item:
    """One queue's view of an entry, from its first hand-out on."""

    entry: Entry
    starts: int = 0
    orphaned: bool = False
    note: str = ""


@dataclass(slots=True, eq=False)
class Hold:
    """An item in one incarnation's hands: the token of a delivery.

    Each hand-out makes a new one, so that a settlement that comes twice, or late, finds that its
    hold is over and does nothing.
    """

    queue: Queue
    item: Item
    holder: Presence
    again: bool
    """It came back, and was not taken for the first time."""


class Queue:
    """In order: what came back (released, orphaned, due again), then what was never handed out."""

    def __init__(self) -> None:
        self._fresh: deque[Entry] = deque()
        self._returned: list[tuple[int, Item]] = []  # a heap by position
        self._delayed: list[tuple[float, int, Item]] = []  # a heap by due time, then position
        self._held: set[Hold] = set()

    @property
    def backlog(self) -> int:
        """How many messages are not settled."""
        return len(self._fresh) + len(self._returned) + len(self._delayed) + len(self._held)

    @property
    def next_due(self) -> float | None:
        """When the next delayed message is due, on the store's clock."""
        return self._delayed[0][0] if self._delayed else None

    def add(self, entry: Entry) -> None:
        """Append a message that nobody has seen."""
        self._fresh.append(entry)

    def put_back(self, item: Item) -> None:
        """Offer it again, before newer messages."""
        heapq.heappush(self._returned, (item.entry.position, item))

    def put_aside(self, item: Item, due: float) -> None:
        """Offer it again from `due` on."""
        heapq.heappush(self._delayed, (due, item.entry.position, item))

    def take(self, holder: Presence, *, slots: int, limit: int, now: float) -> list[Hold]:
        """Hand out at most `limit` messages, at most `slots` of them such as came back.

        What is newer stays until all that came back is taken: it would be started first otherwise.
        """
        while self._delayed and self._delayed[0][0] <= now + EARLY:
            self.put_back(heapq.heappop(self._delayed)[2])
        taken: list[Hold] = []
        while self._returned and len(taken) < min(slots, limit):
            item = heapq.heappop(self._returned)[1]
            taken.append(Hold(self, item, holder, again=True))
        if not self._returned:
            fresh = min(limit - len(taken), len(self._fresh))
            taken += [
                Hold(self, Item(self._fresh.popleft()), holder, again=False) for _ in range(fresh)
            ]
        self._held.update(taken)
        holder.held.update(taken)
        return taken

    def drop(self, hold: Hold) -> bool:
        """End a hold; False when it was over already."""
        if hold not in self._held:
            return False
        self._held.remove(hold)
        hold.holder.held.discard(hold)
        return True

    def finished(self, entry: Entry) -> None:
        """The queue is done with a message: handled, or a dead letter."""

    def empty(self) -> list[Item]:
        """Take out everything, in order of storing; holds end."""
        items = [Item(entry) for entry in self._fresh]
        items += [item for _, item in self._returned]
        items += [item for _, _, item in self._delayed]
        for hold in tuple(self._held):
            self.drop(hold)
            items.append(hold.item)
        self._fresh.clear()
        self._returned.clear()
        self._delayed.clear()
        return sorted(items, key=lambda item: item.entry.position)
