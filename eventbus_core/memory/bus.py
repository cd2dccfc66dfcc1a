"""Everything that is stored of one bus. Every method runs under the store's lock."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from ..clock import Clock
from ..modes import EventMode
from ..options import SharedOptions, most_generous
from ..transport import (
    Channel,
    ChannelKind,
    Death,
    Outgoing,
    Published,
    Redriven,
    work,
)
from .accounts import Accounts, channel_name
from .broadcasts import BroadcastLog, Reader
from .dead import DeadLetters
from .inbox import Inbox
from .queue import Entry, Queue
from .work import Group, WorkStream

if TYPE_CHECKING:
    from .presence import Presence, Remembered


class StoredBus:
    """Broadcasts, inboxes, work streams, presences and dead letters of one bus."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.options = SharedOptions()
        """Those in force; after the last instance has gone, those that were."""
        self.used_at = clock.monotonic()
        """When something last happened here, besides the leases of those present."""
        self.log = BroadcastLog()
        self.inboxes: dict[str, Inbox] = {}  # by instance id
        self.streams: dict[str, WorkStream] = {}  # by event
        self.dead = DeadLetters()
        self.presences: dict[str, Presence] = {}  # by incarnation
        self.holders: dict[str, Presence] = {}  # by instance id
        self.remembered: dict[str, Remembered] = {}  # by fixed instance id
        self.accounts = Accounts(clock)
        self._numbers = count(1)

    @property
    def size(self) -> int:
        """Bytes of the data of all messages and dead letters."""
        work = sum(stream.bytes for stream in self.streams.values())
        mail = sum(inbox.bytes for inbox in self.inboxes.values())
        return self.log.bytes + mail + work + self.dead.bytes

    def ring(self) -> None:
        """Let every waiting fetch look again."""
        for presence in self.presences.values():
            presence.ring()

    def refresh_options(self, now: float) -> SharedOptions:
        """Put the most generous options of the living in force; return them."""
        living = [p.member.options for p in self.presences.values() if p.lives(now)]
        if living:
            self.options = most_generous(living)
        return self.options

    def readers(self) -> list[Reader]:
        """The places in the broadcasts of everyone who is not known to be dead."""
        return [p.reader for p in self.presences.values() if p.reader is not None]

    # Storing

    def store(self, message: Outgoing, now: float) -> Published:
        """Store one message, or say why not."""
        self.used_at = now
        if message.mode is EventMode.BROADCAST:
            self.log.add(Entry(next(self._numbers), message.event, message.data, now))
            options = self.options
            # Longer than that, and there is something to remove. Heartbeats trim the rest.
            if len(self.log) > options.max_message_count + options.max_backlog:
                self.trim_log(now)
            return Published.STORED
        if message.mode is EventMode.UNICAST:
            inbox = self.inboxes.get(message.target or "")
            if inbox is None:
                return Published.TARGET_NOT_FOUND
            return self._store_bounded(inbox, message, now)
        stream = self.streams.get(message.event)
        if stream is None:
            stream = self.streams[message.event] = WorkStream(message.event)
        return self._store_bounded(stream, message, now)

    def _store_bounded(self, place: Inbox | WorkStream, message: Outgoing, now: float) -> Published:
        if place.backlog >= self.options.max_backlog:
            return Published.BACKLOG_FULL
        place.add(Entry(next(self._numbers), message.event, message.data, now))
        return Published.STORED

    def trim_log(self, now: float) -> None:
        """Remove broadcasts as the options in force say."""
        lost = self.log.trim(
            self.readers(),
            older_than=now - self.options.message_retention,
            most=self.options.max_message_count,
            max_unhandled=self.options.max_backlog,
        )
        self.accounts.lost("broadcasts trimmed", lost)

    # Work

    def queue(self, channel: Channel, instance_id: str) -> Queue | None:
        """The queue behind a channel of an instance."""
        if channel.kind is ChannelKind.WORK:
            return self.group(channel.event, channel.group)
        return self.inboxes.get(instance_id)

    def group(self, event: str, name: str) -> Group | None:
        """A group's place in the stream of an event."""
        stream = self.streams.get(event)
        return None if stream is None else stream.groups.get(name)

    def open_groups(self, presence: Presence, now: float) -> None:
        """Give every group that it works for a place in the event's stream."""
        for event, name in presence.work():
            stream = self.streams.get(event)
            if stream is None:
                stream = self.streams[event] = WorkStream(event)
            stream.open_group(name, only_new=presence.member.only_new, now=now)
            stream.groups[name].last_member_at = now

    def drop_group(self, stream: WorkStream, group: Group, reason: str, now: float) -> None:
        """Remove a group; what it has not handled becomes dead letters."""
        channel = channel_name(work(stream.event, group.name))
        buried = self._bury_all(group, reason, instance="", group=group.name, now=now)
        self.accounts.dead_letters(buried, owner="group", name=channel, reason=reason)
        stream.close_group(group)
        if not stream.groups and not len(stream):
            del self.streams[stream.event]
        self.accounts.group_dropped(event=stream.event, group=group.name, reason=reason)

    def drop_inbox(self, name: str, reason: str, now: float) -> None:
        """Remove an inbox; what was not handled becomes dead letters."""
        buried = self._bury_all(self.inboxes.pop(name), reason, instance=name, group=None, now=now)
        self.accounts.dead_letters(buried, owner="inbox", name=name, reason=reason)

    # Dead letters

    def bury(
        self, entry: Entry, death: Death, *, instance: str, group: str | None, now: float
    ) -> None:
        """Keep a message that could not be handled as a dead letter."""
        self._keep_letter(entry, death, instance=instance, group=group, now=now)
        self.accounts.dead_letter(
            event=entry.event,
            group=group or "",
            instance=instance,
            reason=death.reason,
            position=str(entry.position or entry.number),
        )

    def _bury_all(
        self, queue: Queue, reason: str, *, instance: str, group: str | None, now: float
    ) -> list[str]:
        """Make all of it dead letters; return their positions."""
        items = queue.empty()
        for item in items:
            death = Death(reason, attempts=item.starts)
            self._keep_letter(item.entry, death, instance=instance, group=group, now=now)
            queue.finished(item.entry)
        return [str(item.entry.number) for item in items]

    def _keep_letter(
        self, entry: Entry, death: Death, *, instance: str, group: str | None, now: float
    ) -> None:
        self.dead.add(
            data=entry.data,
            event=entry.event,
            instance=instance,
            group=group,
            death=death,
            now=now,
            unix_time=self.clock.time(),
        )

    def redrive(self, letter_id: str, now: float) -> Redriven:
        """Give a dead letter back to the one group or instance that it belongs to."""
        letter = self.dead.get(letter_id)
        if letter is None:
            return Redriven.UNKNOWN
        if letter.group is not None:
            queue: Queue | None = self.group(letter.event, letter.group)
        else:
            queue = self.inboxes.get(letter.instance)
        if queue is None:
            return Redriven.NO_OWNER
        entry = Entry(next(self._numbers), letter.event, letter.data, now)
        queue.redrive(entry)
        self.dead.remove(letter_id)
        owner = letter.group or letter.instance
        self.accounts.redriven(event=letter.event, to=owner, position=str(entry.number))
        self.ring()
        return Redriven.DONE

    def discard(self, letter_id: str) -> bool:
        """Delete a dead letter; False when there is none."""
        found = self.dead.remove(letter_id)
        if found:
            self.accounts.discarded()
        return found
