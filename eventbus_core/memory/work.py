"""The anycast messages of one event, and the groups that work on them."""

from __future__ import annotations

from collections.abc import Iterator

from .queue import Entry, Queue


class Group(Queue):
    """One group's place in one stream."""

    def __init__(self, stream: WorkStream, name: str, now: float) -> None:
        super().__init__()
        self.stream = stream
        self.name = name
        self.after = 0
        """It gets what was stored after that number."""
        self.missed = 0
        """How many messages were ever stored that it does not get."""
        self.last_member_at = now
        """When a live instance was last subscribed, on the store's clock."""

    @property
    def settled(self) -> int:
        """How many it ever handled, or turned into dead letters."""
        return self.stream.added - self.missed - self.backlog

    def gets(self, entry: Entry) -> bool:
        """Whether this message of the stream is for this group, settled or not."""
        return entry.number > self.after and entry.only_for in (None, self)

    def redrive(self, entry: Entry) -> None:
        super().redrive(entry)
        self.stream.add_for_one(entry)

    def finished(self, entry: Entry) -> None:
        self._items.pop(entry.number, None)
        self.stream.settled_by_one(entry)


class WorkStream:
    """All messages that are kept, and a queue for each group.

    A message is handled when every existing group has settled it. With no group nothing is
    handled: the messages wait for the first group.
    """

    def __init__(self, event: str) -> None:
        self.event = event
        self.groups: dict[str, Group] = {}
        self.added = 0
        """How many messages were ever stored."""
        self.bytes = 0
        """Size of the data of those kept."""
        self._entries: dict[int, Entry] = {}  # by number, in order
        self._handled = 0

    def __len__(self) -> int:
        """How many messages are kept, handled or not."""
        return len(self._entries)

    def __reversed__(self) -> Iterator[Entry]:
        """The kept ones, newest first."""
        return reversed(self._entries.values())

    @property
    def ends(self) -> tuple[Entry, Entry] | None:
        """The oldest and the newest one kept."""
        if not self._entries:
            return None
        return next(iter(self._entries.values())), next(reversed(self))

    def get(self, number: int) -> Entry | None:
        """The kept message of that number."""
        return self._entries.get(number)

    @property
    def backlog(self) -> int:
        """The largest number of unhandled messages of a group; all, when there is no group."""
        if not self.groups:
            return len(self._entries)
        return max(group.backlog for group in self.groups.values())

    @property
    def unhandled(self) -> int:
        """How many messages wait for any group, or for a first one."""
        return len(self._entries) - self._handled

    def add(self, entry: Entry) -> None:
        """Store a message for all groups."""
        entry.unsettled = len(self.groups)
        self._keep(entry)
        for group in self.groups.values():
            group.add(entry)

    def add_for_one(self, entry: Entry) -> None:
        """Store a message that one group has been given again."""
        entry.unsettled = 1
        self._keep(entry)
        for group in self.groups.values():
            group.missed += entry.only_for is not group

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.number] = entry
        self.added += 1
        self.bytes += len(entry.data)

    def open_group(self, name: str, *, only_new: bool, now: float) -> None:
        """Make the group unless it exists; it starts at the oldest message, or now."""
        if name in self.groups:
            return
        group = self.groups[name] = Group(self, name, now)
        if only_new and self._entries:
            group.after = next(reversed(self._entries))
        for entry in self._entries.values():
            if group.gets(entry):
                entry.unsettled += 1
                group.add(entry)
        group.missed = self.added - group.lag
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
        entry.unsettled -= 1
        self._handled += entry.unsettled == 0

    def trim(self, *, older_than: float, most: int) -> None:
        """Remove handled messages stored before `older_than`, and the oldest beyond `most`."""
        if not self.groups:
            return
        surplus = self._handled - most
        gone: list[Entry] = []
        for entry in self._entries.values():
            # They are in order of storing: behind this one there is nothing to remove.
            if entry.stored_at >= older_than and surplus <= 0:
                break
            if entry.unsettled == 0:
                gone.append(entry)
                surplus -= 1
        for entry in gone:
            del self._entries[entry.number]
            self.bytes -= len(entry.data)
        self._handled -= len(gone)

    def _count_handled(self) -> None:
        handled = (entry.unsettled == 0 for entry in self._entries.values())
        self._handled = sum(handled) if self.groups else 0
