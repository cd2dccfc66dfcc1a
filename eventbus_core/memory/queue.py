"""Messages that wait for, or are in the hands of, those who share them.

An inbox is a queue with one reader; the work of one group is a queue with several.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
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

    number: int
    """Its place in the order of storing on its bus."""
    event: str
    data: bytes
    stored_at: float
    position: int = 0
    """Broadcasts: its place in the log, where no number is left out."""
    unsettled: int = 0
    """Work streams: how many groups have not settled it yet."""
    only_for: Queue | None = None
    """The one queue that it was given back to as a dead letter; None: it is for everybody."""


@dataclass(slots=True, eq=False)
class Item:
    """One queue's view of an entry, from its first hand-out until it is settled."""

    entry: Entry
    starts: int = 0
    orphaned: bool = False
    note: str = ""
    due: float | None = None
    """Set aside until then."""
    hold: Hold | None = None
    """Somebody has it in hand."""
    holder: str = ""
    """The incarnation that has it, or last had it."""


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
    previous: str = ""
    """The incarnation that had the item before."""


class Queue:
    """In order: what came back (released, orphaned, due again), then what was never handed out."""

    def __init__(self) -> None:
        self._fresh: deque[Entry] = deque()
        self._items: dict[int, Item] = {}  # by number, in order of the first hand-out
        self._returned: list[tuple[int, Item]] = []  # a heap by number
        self._delayed: list[tuple[float, int, Item]] = []  # a heap by due time, then number

    @property
    def backlog(self) -> int:
        """How many messages are not settled."""
        return len(self._fresh) + len(self._items)

    @property
    def next_due(self) -> float | None:
        """When the next delayed message is due, on the store's clock."""
        return self._delayed[0][0] if self._delayed else None

    # What happens to messages

    def add(self, entry: Entry) -> None:
        """Append a message that nobody has seen."""
        self._fresh.append(entry)

    def redrive(self, entry: Entry) -> None:
        """Offer a dead letter again, before newer messages."""
        entry.only_for = self
        item = self._items[entry.number] = Item(entry)
        self.put_back(item)

    def put_back(self, item: Item) -> None:
        """Offer it again, before newer messages."""
        item.due = None
        heapq.heappush(self._returned, (item.entry.number, item))

    def put_aside(self, item: Item, due: float) -> None:
        """Offer it again from `due` on."""
        item.due = due
        heapq.heappush(self._delayed, (due, item.entry.number, item))

    def take(self, holder: Presence, *, slots: int, limit: int, now: float) -> list[Hold]:
        """Hand out at most `limit` messages, at most `slots` of them such as came back.

        What is newer stays until all that came back is taken: it would be started first otherwise.
        """
        self.return_due(now)
        incarnation = holder.member.incarnation
        taken: list[Hold] = []
        while self._returned and len(taken) < min(slots, limit):
            item = heapq.heappop(self._returned)[1]
            item.hold = hold = Hold(self, item, holder, True, item.holder)
            item.holder = incarnation
            taken.append(hold)
        if not self._returned:
            for _ in range(min(limit - len(taken), len(self._fresh))):
                entry = self._fresh.popleft()
                item = self._items[entry.number] = Item(entry)
                item.hold = hold = Hold(self, item, holder, False)
                item.holder = incarnation
                taken.append(hold)
        holder.held.update(taken)
        return taken

    def return_due(self, now: float) -> None:
        """Offer again what was set aside until now. Others see no difference when it comes early
        or late: whoever takes or counts calls it first."""
        while self._delayed and self._delayed[0][0] <= now + EARLY:
            self.put_back(heapq.heappop(self._delayed)[2])

    def drop(self, hold: Hold) -> bool:
        """End a hold; False when it was over already."""
        if hold.item.hold is not hold:
            return False
        hold.item.hold = None
        hold.holder.held.discard(hold)
        return True

    def finished(self, entry: Entry) -> None:
        """The queue is done with a message: handled, or a dead letter."""
        self._items.pop(entry.number, None)

    def empty(self) -> list[Item]:
        """Take out everything, in order of storing; holds end. Call `finished` for each."""
        items = [*self._items.values(), *map(Item, self._fresh)]
        for item in items:
            if item.hold is not None:
                self.drop(item.hold)
        self._fresh.clear()
        self._items.clear()
        self._returned.clear()
        self._delayed.clear()
        return sorted(items, key=lambda item: item.entry.number)

    # What a monitor asks; after `return_due`, or what is due counts as set aside

    @property
    def lag(self) -> int:
        """Messages never handed out."""
        return len(self._fresh)

    @property
    def waiting(self) -> int:
        """Messages that came back."""
        return len(self._returned)

    @property
    def delayed(self) -> int:
        """Messages set aside."""
        return len(self._delayed)

    @property
    def pending(self) -> int:
        """Messages in somebody's hands."""
        return len(self._items) - len(self._returned) - len(self._delayed)

    @property
    def oldest_seen(self) -> Entry | None:
        """The oldest message that was handed out and is not settled."""
        oldest: Entry | None = None
        for item in self._items.values():
            if oldest is None or item.entry.number < oldest.number:
                oldest = item.entry
            if item.entry.only_for is None:
                break  # behind it all are newer: only what was redriven is out of order
        return oldest

    def item(self, number: int) -> Item | None:
        """The message of that number, if it was handed out and is not settled."""
        return self._items.get(number)

    def is_fresh(self, number: int) -> bool:
        """Whether the message of that number has never been handed out."""
        at = bisect_left(self._fresh, number, key=lambda entry: entry.number)
        return at < len(self._fresh) and self._fresh[at].number == number
