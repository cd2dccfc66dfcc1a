"""What is known of a bus besides its messages: one small document, written with every step.

A *queue* is what somebody has to handle: one instance's broadcasts, its inbox, or one group's work
of one event. Each has a copy of every message that it has not settled. Broadcasts and work have a
queue more that nobody owns, the *log*: it keeps messages for newcomers, whether they are handled or
not. A message is handled when no queue but the log has it any more.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..errors import TransportUnavailableError
from ..modes import EventMode
from ..options import SharedOptions
from ..transport import (
    BROADCASTS,
    INBOX,
    Channel,
    ChannelKind,
    Member,
    Outgoing,
    Vitals,
    work,
)

FORMAT = 1
"""A document of a higher one was written by a later release, and is left alone."""


class Life(msgspec.Struct):
    """One incarnation that has joined and has not ended."""

    member: Member
    until: float = 0.0
    """End of its lease."""
    renewals: int = 0
    lost: int = 0
    """Broadcasts that were trimmed before it got them."""
    vitals: Vitals | None = None

    def queues(self) -> list[Queue]:
        """Those that it takes messages from."""
        return [queue_of(channel, self.member.instance_id) for channel in channels_of(self.member)]


class Queue(msgspec.Struct):
    """One queue, without its messages."""

    kind: ChannelKind
    name: str
    """As in StreamSnapshot."""
    owner: str = ""
    """Instance id or group; empty for a log."""
    seen: float = 0.0
    """When somebody last worked in it."""
    backlog: int = 0
    """Messages in it."""
    settled: int = 0
    """Messages that have left it since it was made."""

    @property
    def key(self) -> str:
        """Unique on the bus."""
        return f"{self.kind} {self.name} {self.owner}"  # names have no spaces

    @property
    def log(self) -> str:
        """Key of the log of the same stream."""
        return Queue(self.kind, self.name).key


class Books(msgspec.Struct):
    """The document. Times are Unix seconds of the store's clock."""

    format: int = FORMAT
    lives: dict[str, Life] = {}
    """By instance id."""
    queues: dict[str, Queue] = {}
    """By key."""
    totals: dict[str, int] = {}
    options: SharedOptions = SharedOptions()
    """Those in force; after the last instance has gone, those that were."""
    position: int = 0
    """Place of the newest message stored."""
    used: float = 0.0
    """When the latest incarnation ended."""
    dead_letters: int = 0
    """How many are kept."""
    maintainer: str = ""
    """Incarnation that did the maintenance last."""
    maintained: float = 0.0
    """When that was."""

    def log(self, kind: ChannelKind, name: str) -> Queue:
        """The log of a stream, made if it is not there."""
        log = Queue(kind, name)
        return self.queues.setdefault(log.key, log)

    def readers(self, kind: ChannelKind, name: str) -> list[Queue]:
        """The queues that get what is stored there, without the log."""
        return [q for q in self.queues.values() if (q.kind, q.name) == (kind, name) and q.owner]

    def worked(self) -> set[str]:
        """Keys of the queues that somebody works in."""
        return {queue.key for life in self.lives.values() for queue in life.queues()}


def channels_of(member: Member) -> Iterable[Channel]:
    """The channels that a member takes messages from."""
    if member.consumes:
        yield BROADCASTS
        yield INBOX
    for mode, event, group in sorted(member.subscriptions):
        if mode is EventMode.ANYCAST:
            yield work(event, group)


def queue_of(channel: Channel, instance_id: str) -> Queue:
    """The queue behind a channel of an instance, as it is when it is new."""
    name = instance_id if channel.kind is ChannelKind.INBOX else channel.event
    return Queue(channel.kind, name, channel.group or instance_id)


def stream_of(message: Outgoing) -> tuple[ChannelKind, str]:
    """Where a message is stored: the kind, and the name as in StreamSnapshot."""
    if message.mode is EventMode.BROADCAST:
        return ChannelKind.BROADCAST, ""
    if message.mode is EventMode.UNICAST:
        return ChannelKind.INBOX, message.target or ""
    return ChannelKind.WORK, message.event


_DECODER = msgspec.json.Decoder(Books)


class _Format(msgspec.Struct):
    format: int


def read(document: bytes | None) -> Books:
    """The books in a document; new ones when there is none. Raises TransportUnavailableError when
    a later release has written it."""
    if document is None:
        return Books()
    if (written := msgspec.json.decode(document, type=_Format).format) > FORMAT:
        raise TransportUnavailableError(
            f"the bus was written by a later release (format {written}, known is {FORMAT}); "
            "update this program"
        )
    return _DECODER.decode(document)
