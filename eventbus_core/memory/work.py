"""The anycast messages of one event, and the groups that work on them."""

from __future__ import annotations

from .queue import Entry, Queue


class Group(Queue):
    """One group's place in one stream."""

    def __init__(self, stream: WorkStream, name: str, now: float) -> None:
        super().__init__()
        self.stream = stream
        self.name = name
        self.last_member_at = now
        """When a live instance was last subscribed, on the store's clock."""

    def finished(self, entry: Entry) -> None:
        self.stream.settled_by_one(entry)


class WorkStream:
    """All messages that are kept, and a queue for each group.

    A message is handled when every existing group has settled it. With no group nothing is
    handled: the messages wait for the first group.
    """

    def __init__(self, event: str) -> None:
        self.event = event
        self.groups: dict[str, Group] = {}
        self._entries: dict[int, Entry] = {}  # by position, in order
        self._handled = 0

    def __len__(self) -> int:
        """How many messages are kept, handled or not."""
        return len(self._entries)

    @property
    def backlog(self) -> int:
        """The largest number of unhandled messages of a group; all, when there is no group."""
        if not self.groups:
            return len(self._entries)
        return max(group.backlog for group in self.groups.values())

    @property
    def all_handled(self) -> bool:
        """Whether nothing waits here, not even for a first group."""
        return self._handled == len(self._entries) and self.backlog == 0

    def add(self, entry: Entry) -> None:
        """Store a message for all groups."""
        entry.unsettled = len(self.groups)
        self._entries[entry.position] = entry
        for group in self.groups.values():
            group.add(entry)

    def open_group(self, name: str, *, only_new: bool, now: float) -> None:
        """Make the group unless it exists; it starts at the oldest message, or now."""
        if name in self.groups:
            return
        group = self.groups[name] = Group(self, name, now)
        if not only_new:
            for entry in self._entries.values():
                entry.unsettled += 1
                group.add(entry)
        self._count_handled()

    def close_group(self, group: Group) -> None:
        """Forget an emptied group. What only it had to handle goes with it: another group that
        comes later must not handle it again."""
        if len(self.groups) == 1:
            self.trim(older_than=float("inf"), most=0)
        del self.groups[group.name]
        self._count_handled()

    def settled_by_one(self, entry: Entry) -> None:
        """One group has settled a message."""
        # A redriven message belongs to its group alone and is not in the stream.
        if entry.position in self._entries:
            entry.unsettled -= 1
            self._handled += entry.unsettled == 0

    def trim(self, *, older_than: float, most: int) -> None:
        """Remove handled messages stored before `older_than`, and the oldest beyond `most`."""
        if not self.groups:
            return
        surplus = self._handled - most
        gone: list[int] = []
        for entry in self._entries.values():
            # They are in order of storing: behind this one there is nothing to remove.
            if entry.stored_at >= older_than and surplus <= 0:
                break
            if entry.unsettled == 0:
                gone.append(entry.position)
                surplus -= 1
        for position in gone:
            del self._entries[position]
        self._handled -= len(gone)

    def _count_handled(self) -> None:
        handled = (entry.unsettled == 0 for entry in self._entries.values())
        self._handled = sum(handled) if self.groups else 0
