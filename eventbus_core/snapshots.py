"""What a monitor sees: frozen pictures of one bus at one moment.

Times are Unix milliseconds of the store's clock, ages and leases are seconds, sizes are bytes.
A number that the store cannot give is None, and `unknown` of the same object says why, by field
name. A time is also None when there is nothing that it could belong to (an empty stream has no
oldest message).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .options import SharedOptions
from .transport import ChannelKind, Member, Subscription, Vitals


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSnapshot:
    """Stored messages: the broadcasts, one inbox, or the work of one event."""

    kind: ChannelKind
    name: str
    """Instance id of an inbox, event of a work stream, empty for the broadcasts."""
    length: int | None
    """Messages kept, handled or not."""
    bytes: int | None
    """Bytes that they take, as far as the store tells."""
    added: int | None
    """Messages stored since the stream was made, redriven ones too. It only grows, but starts
    again after a loss."""
    backlog: int | None
    """Messages not handled yet: of the live instance or the group that is furthest behind; all of
    them for a work stream without a group."""
    oldest_ms: int | None
    """When the oldest kept message was stored."""
    newest_ms: int | None
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSnapshot:
    """One incarnation's share of a group's messages."""

    incarnation: str
    instance: str
    """Its instance id; empty when it is not known any more."""
    alive: bool
    """Not declared dead, and has not left. Its lease may have run out: see InstanceSnapshot."""
    pending: int
    """Messages in its hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSnapshot:
    """Those who share messages: a group of a work stream, or the one reader of an inbox."""

    kind: ChannelKind
    """WORK or INBOX."""
    event: str
    """The work stream's event; empty for an inbox."""
    name: str
    """The group, or the instance id of the inbox."""
    lag: int | None
    """Messages never handed out."""
    pending: int | None
    """Messages in the hands of incarnations that are alive."""
    waiting: int | None
    """Messages that came back and wait to be taken: released, or orphaned by a death."""
    delayed: int | None
    """Messages set aside until they are due again. One that is due may be counted here or as
    waiting until it is taken."""
    settled: int | None
    """Messages done or dead-lettered since the group was made; one that was redriven counts again.
    It only grows, but starts again after a loss."""
    oldest_pending_ms: int | None
    """When the oldest message that is pending, waiting or delayed was stored."""
    consumers: tuple[ConsumerSnapshot, ...]
    """Incarnations that are subscribed or have something in hand."""
    last_member_ms: int | None
    """When it last had a live member, to within a heartbeat or so. None for an inbox."""
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def backlog(self) -> int | None:
        """Messages not settled; None when a part of the sum is not known."""
        parts = (self.lag, self.pending, self.waiting, self.delayed)
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSnapshot:
    """One incarnation that has joined and has neither left nor been declared dead."""

    id: str
    incarnation: str
    fixed: bool
    role: str
    group: str
    host: str
    pid: int
    version: str
    started_ms: int
    """By its own clock."""
    lease: float
    lease_left: float
    """Negative when it has run out, and nobody has declared it dead yet."""
    subscriptions: tuple[Subscription, ...]
    """Sorted."""
    options: SharedOptions
    """As it announced them; those in force are in BusSnapshot."""
    behind: int | None
    """Broadcasts that it has not passed yet; None for a publisher."""
    pending: int | None
    """Messages of inbox and work in its hands."""
    vitals: Vitals | None
    """What it told with its last heartbeat; None before the first."""
    unknown: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        member: Member,
        *,
        lease_left: float,
        behind: int | None,
        pending: int,
        vitals: Vitals | None,
    ) -> "InstanceSnapshot":
        """From what it announced and what the store knows of it."""
        return cls(
            id=member.instance_id,
            incarnation=member.incarnation,
            fixed=member.fixed,
            role=member.role,
            group=member.group,
            host=member.host,
            pid=member.pid,
            version=member.version,
            started_ms=member.started_ms,
            lease=member.lease,
            lease_left=lease_left,
            subscriptions=tuple(sorted(member.subscriptions)),
            options=member.options,
            behind=behind,
            pending=pending,
            vitals=vitals,
        )

    @property
    def heartbeat_age(self) -> float:
        """Seconds since it last renewed its lease (or joined)."""
        return max(0.0, self.lease - self.lease_left)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLettersSnapshot:
    count: int | None
    oldest_ms: int | None
    """Time of the oldest death that is kept."""
    newest_ms: int | None
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One exceptional step: a takeover, retry, dead letter, redrive, loss, rebuilt or dropped
    group."""

    at_ms: int
    kind: str
    """``takeover``, ``retry``, ``dead letter``, ``redrive``, ``loss``, ``declared dead``,
    ``group rebuilt`` or ``group dropped``."""
    details: Mapping[str, str]
    """As ``count``, ``reason`` or ``by``; a ``channel`` is an event and a group with a space
    between, and empty for an inbox. Which messages: a ``position`` (of a redrive: the new copy's),
    or ``positions`` with spaces between, of the first twenty. ``from``: the dead incarnations (up
    to five) that a takeover is from; ``starts``: the highest number of recorded handler starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSnapshot:
    """The store itself."""

    product: str
    version: str
    where: str
    """Its address or file, never with a user name or password."""
    used_bytes: int | None
    max_bytes: int | None
    """Most it may use; 0: no limit."""
    clients: int | None
    """Open connections, those of other programs too."""
    uptime: float | None
    """Seconds."""
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSnapshot:
    """One bus, as one poll of the store shows it."""

    bus: str
    at_ms: int
    """When, by the store's clock."""
    streams: tuple[StreamSnapshot, ...]
    groups: tuple[GroupSnapshot, ...]
    instances: tuple[InstanceSnapshot, ...]
    absent: tuple[str, ...]
    """Fixed ids that are remembered and not alive: their inboxes wait for them."""
    dead_letters: DeadLettersSnapshot
    totals: Mapping[str, int]
    """What was counted, by cause: ``dead letters``, ``taken over``, ``declared dead``,
    ``redriven``, ``discarded``, ``retries``, ``refused: …``, ``lost: …``."""
    journal: tuple[JournalEntry, ...]
    """The newest entries of the bus's journal, oldest first."""
    options: SharedOptions | None
    """Those in force; None when nobody has announced any."""
    server: ServerSnapshot
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One message as a transport hands it to a monitor; the envelope is opaque to it."""

    kind: ChannelKind
    name: str
    """As in StreamSnapshot."""
    position: str
    """Its place in its stream, in the transport's own form."""
    stored_ms: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySnapshot:
    """Where one message stands with one group or one inbox."""

    group: str
    """The group, or the instance id of the inbox."""
    state: str
    """``new`` (never handed out), ``pending`` (in hand), ``waiting`` (came back), ``delayed`` or
    ``settled``."""
    holder: str
    """Incarnation that has it, or last had it; empty when nobody has."""
    starts: int | None
    """Recorded starts of a handler; None when it is settled or was never handed out."""
    due_ms: int | None
    """When a delayed one is due."""
