"""The boundary between the core and a transport (ADR 1).

The core decides what a message means: who handles it, when it is tried again, when it is settled,
who is dead. A transport stores, hands out, leases and trims, each in steps that are atomic in its
store. It never sees a handler, a payload or a retry policy.

A `Transport` is one connection to one bus. `join` opens a `Session`: one incarnation of one
instance, alive while `renew` is called within its lease. When a session is fenced (declared dead
by another instance, or its lease was lost with the store's data), every call of it raises
`FencedError`; the core joins again and goes on with a new session.

Rules for every method:

- It raises `TransportUnavailableError` when the store cannot be reached. The core waits with a
  growing delay and calls again, so a transport has no retry loop of its own, and a call made again
  must do no harm: what was done by a lost first call counts as done.
- It may be cancelled at any await without losing a message: what was taken from the store and
  not yet returned by `fetch` is returned by the next one.
- Calls overlap freely, except that `fetch` runs once at a time, and `publish` too. Both give way to
  the event loop even when they have an answer at once.
- Time that outlives a call (leases, delays, retention) is judged by the store's clock.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from .capabilities import Capabilities
from .clock import Clock
from .modes import EventMode
from .options import SharedOptions


class FencedError(Exception):
    """This session's incarnation is not alive in the store any more. Never shown to users."""


class ChannelKind(StrEnum):
    BROADCAST = "broadcast"
    INBOX = "inbox"
    WORK = "work"


class Channel(NamedTuple):
    """A place that deliveries come from, as one session sees it."""

    kind: ChannelKind
    event: str = ""
    """WORK only: the event."""
    group: str = ""
    """WORK only: the group."""


BROADCASTS = Channel(ChannelKind.BROADCAST)
INBOX = Channel(ChannelKind.INBOX)


def work(event: str, group: str) -> Channel:
    """The anycast messages of one event for one group."""
    return Channel(ChannelKind.WORK, event, group)


class Subscription(NamedTuple):
    """One thing that an instance listens to, as it is announced to others.

    `group` is set for ANYCAST and empty for the other modes. ANYCAST subscriptions open the
    channel ``work(event, group)``; for the others they only tell who listens.
    """

    mode: EventMode
    event: str
    group: str = ""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """What one incarnation announces of itself."""

    instance_id: str
    incarnation: str
    """Unique for ever; has the characters of a name."""
    fixed: bool
    """The user fixed the id: cursor and inbox are remembered for `backlog_ttl` after it ends."""
    role: str
    group: str
    lease: float
    """Seconds that this incarnation lives without a renewal."""
    only_new: bool
    """A new id starts after what is stored now; so does a new group."""
    subscriptions: frozenset[Subscription]
    options: SharedOptions
    host: str = ""
    pid: int = 0
    version: str = ""
    started_ms: int = 0

    @property
    def consumes(self) -> bool:
        """Whether it reads broadcasts and has an inbox."""
        return self.role != "publisher"


class Holder(msgspec.Struct, frozen=True):
    """The incarnation that holds an instance id, as of one look at the store."""

    incarnation: str
    lease: float
    renewals: str
    """Changes with every renewal; compared, never read."""
    expired: bool


class Suspect(msgspec.Struct, frozen=True):
    """An incarnation whose lease has run out and that nobody has declared dead yet."""

    incarnation: str
    instance_id: str
    lease: float


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """What one instance tells of itself with each heartbeat, for monitors. Opaque to a transport,
    which keeps the latest with the instance. Counts are since the bus object was made."""

    emitted: int = 0
    received: int = 0
    handled: int = 0
    failed: int = 0
    dead_lettered: int = 0
    running: int = 0
    """Handlers running at this moment."""
    waiting: int = 0
    """Messages in the process whose handler waits: to be started, or to be tried again."""
    unsettled: int = 0
    """Settlements that the store has not confirmed yet."""
    slowest: str = ""
    """Name of the handler that has been running for longest; empty when none runs."""
    slowest_seconds: float = 0.0
    """For how long it has been running."""


class Renewal(msgspec.Struct, frozen=True):
    """What one heartbeat brought back."""

    suspects: Sequence[Suspect] = ()
    """At most 100 of them."""
    options: SharedOptions | None = None
    """The options in force: of each, the most generous value of a live instance."""
    lost: Mapping[str, int] = {}
    """Messages this session lost since the last renewal, by cause (as ``broadcasts trimmed``)."""


class Outgoing(NamedTuple):
    """One message to store."""

    id: str
    event: str
    mode: EventMode
    target: str | None
    data: bytes
    """The packed envelope; opaque to the transport."""


class Published(StrEnum):
    """What became of one Outgoing, decided in the step that stores."""

    STORED = "stored"
    BACKLOG_FULL = "backlog full"
    TARGET_NOT_FOUND = "target not found"


class Room(NamedTuple):
    """How much the core takes from one channel now."""

    slots: int
    """Handlers that are free at this moment: most messages that may be taken over from others."""
    limit: int
    """Most deliveries in all, at least `slots`."""


class Delivery(msgspec.Struct, eq=False):
    """One message in this session's hands, from `fetch` until it is settled."""

    channel: Channel
    data: bytes
    token: Any
    """The transport's own handle."""
    starts: int = 0
    """Starts of a handler that were recorded for it before, over crashes and retries."""
    again: bool = False
    """WORK, INBOX: it was handed out before and came back: released, orphaned or due again."""
    orphaned: bool = False
    """WORK, INBOX: an incarnation died with it in hand, and this is the first time since then
    that it is handed out."""
    note: str = ""
    """The note of the FAILED or RELEASED settlement that brought it back, if any."""
    position: int = 0
    """BROADCAST only: the place in the stream, comparable with what `subscribe` returns."""


class Outcome(StrEnum):
    DONE = "done"
    """Handled, or nobody here had to."""
    RELEASED = "released"
    """Handed back for any member of the group, at once and before newer messages. No charge."""
    FAILED = "failed"
    """WORK and INBOX. Set aside, then offered to any member of the group after `delay`."""
    DEAD = "dead"
    """Becomes a dead letter."""


class Death(msgspec.Struct, frozen=True):
    """Why a message becomes a dead letter."""

    reason: str
    error: str = ""
    traceback: str = ""
    attempts: int = 0


class Settlement(msgspec.Struct, eq=False):
    delivery: Delivery
    outcome: Outcome
    delay: float = 0.0
    note: str = ""
    """FAILED, RELEASED of WORK and INBOX: kept with the message in place of the one before; may be
    empty."""
    starts: int = 0
    """FAILED, RELEASED: the number of recorded starts from now on."""
    death: Death | None = None


class StoredDeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    """Sorts by time of death."""
    data: bytes
    event: str
    instance: str
    group: str | None
    reason: str
    error: str
    traceback: str
    attempts: int
    died_ms: int


class Redriven(StrEnum):
    DONE = "done"
    UNKNOWN = "unknown"
    """No such dead letter (any more)."""
    NO_OWNER = "no owner"
    """Its instance or group is gone; it stays a dead letter."""


class Session(Protocol):
    """One incarnation. Any call may raise FencedError; then only `close` is called."""

    replayed: int
    """Retained broadcasts that this session will be given because its id was new."""

    async def subscribe(self, subscriptions: frozenset[Subscription]) -> int:
        """Announce exactly these from now on and open their channels (a new group starts at the
        oldest message stored, or now if the member said `only_new`). On return publishers and
        other members see them. Returns the position of the newest stored broadcast."""
        ...

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        """Store messages in order and answer for each. `batch` numbers rise over all sessions
        of one Transport; the newest number, sent again, stores nothing and answers the same."""
        ...

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        """Take deliveries from the channels named, in each channel in order: what was released or
        orphaned or is due again before newer messages, and of those at most `slots`. While some
        of those wait for a slot, nothing newer of their channel is given. Returns when there is
        at least one, when `wait` seconds have passed, or after `wake`. A full channel never
        holds up another one."""
        ...

    async def stop(self) -> None:
        """Take nothing more: end what was begun to take from the store, and release what it took
        that `fetch` has not returned. Called before running handlers are waited for, which may
        take long; nothing is fetched after it. Idempotent."""
        ...

    def wake(self) -> None:
        """Make a waiting `fetch` return soon, or the next one when none waits. Never blocks."""
        ...

    async def begin(self, delivery: Delivery, starts: int) -> None:
        """Record, before a handler starts, that it has now been started `starts` times, so that
        the count survives this process. May return before the store has answered, as long as
        the record survives a crash of this process that comes later."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Settle all, in one step of the store or several. Never acts on a message that another
        incarnation has taken over: then it raises FencedError and has settled none of the rest.
        BROADCAST: what is DONE or DEAD advances the cursor; RELEASED is left for the next
        incarnation of a fixed id."""
        ...

    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        """Prolong the lease by `Member.lease` from now; look for others that have expired. A
        transport with `monitoring` keeps `vitals` until the next ones or the session's end."""
        ...

    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        """For each whose lease is still expired: fence it for ever and release its work, in one
        step. Returns those that this call declared dead."""
        ...

    async def maintain(self) -> None:
        """Trim, expire and clean up as the options in force say. Called at every heartbeat by
        every instance; the transport makes sure that one at a time does the work."""
        ...

    async def leave(self) -> None:
        """Withdraw: end the lease in an orderly way, release what is still held, remember a
        fixed id for `backlog_ttl`, forget any other (its unhandled inbox becomes dead letters)."""
        ...

    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        """Up to `limit` dead letters in order of death, after id `after`, filtered."""
        ...

    async def redrive(self, dead_letter_id: str) -> Redriven:
        """Give it back to the one group or instance it belongs to, with no recorded starts, and
        remove the dead letter, in one step."""
        ...

    async def discard(self, dead_letter_id: str) -> bool:
        """Delete a dead letter; False when there is none."""
        ...

    async def close(self) -> None:
        """Free what this session holds in this process, without a word to the store."""
        ...


class Transport(Protocol):
    """One connection to one bus of one store, from `connect` to `close`.

    Built by a plug-in's hook without I/O and without a running loop.
    """

    capabilities: Capabilities
    clock: Clock

    async def connect(self) -> None:
        """Reach the store. Raises TransportUnavailableError at once when that fails, leaving
        nothing behind; called again after that, or never."""
        ...

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        """Announce `member`, with its subscriptions live, and return its session; or return the
        holder of its instance id, changing nothing.

        `replace`: a holder that was watched for one of its whole leases; if it has not renewed
        since (compare `incarnation` and `renewals`) and is expired now, it is declared dead in
        this step. A later session of one Transport goes on with the broadcasts where the one
        before it stood, unless the store has lost its data: who was fenced must not see
        everything again."""
        ...

    async def close(self) -> None:
        """Free everything. Idempotent; safe after a failed `connect`."""
        ...
