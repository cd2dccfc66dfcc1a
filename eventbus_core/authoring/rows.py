"""What an author writes: the messages of one bus in one transaction."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..snapshots import DeadLettersSnapshot, ServerSnapshot
from ..transport import Death, Room, StoredDeadLetter


class Held(NamedTuple):
    """One message in somebody's hands: what a settlement must still find."""

    queue: str
    position: int
    holder: str
    """An incarnation."""
    handouts: int
    """How often it was handed out, this time included; 0 if it was not counted."""


class Back(NamedTuple):
    """What is recorded of a message that is put back."""

    starts: int
    note: str
    due: float
    """Unix seconds; nobody takes it before."""
    orphaned: bool = False


class Whole(NamedTuple):
    """All messages of a queue."""

    queue: str


class Taken(NamedTuple):
    """One message as it was when it was taken."""

    position: int
    handouts: int
    """How often it had been handed out before."""
    data: bytes
    starts: int
    orphaned: bool
    note: str


class State(NamedTuple):
    """Messages of one queue in one state, in the hands of one incarnation or of nobody."""

    queue: str
    state: str
    """As in DeliverySnapshot; never ``settled``."""
    holder: str | None
    messages: int
    bytes: int
    oldest_ms: int
    newest_ms: int


class Stored(NamedTuple):
    """One message as it is kept in one queue."""

    queue: str
    position: int
    stored_ms: int
    data: bytes


class Copy(NamedTuple):
    """Where one message stands in one queue."""

    queue: str
    state: str
    """As in DeliverySnapshot; never ``settled``."""
    holder: str | None
    starts: int
    due: float


class Rows(ABC):
    """Messages of one bus in queues, in order of their positions. A queue has a name, unique on the
    bus; no method knows more of it than that.

    Plain functions that may block. What they do in one transaction happens together, or not at
    all. Errors of the store's client are raised as they are.
    """

    @abstractmethod
    def add(self, queues: Sequence[str], position: int, event: str, data: bytes) -> None:
        """Copy one message, newer than any other, into each of the queues."""

    @abstractmethod
    def fill(self, queue: str, log: str, after: int, but: Sequence[int]) -> int:
        """Copy what a log has after a position into a new queue, without some positions; return
        how much that is."""

    @abstractmethod
    def free(self, queue: str) -> bool:
        """Whether there is a message that nobody holds and that is due."""

    @abstractmethod
    def take(self, queue: str, holder: str, room: Room, *, counted: bool) -> Sequence[Taken]:
        """Put messages that nobody holds, and that are due, into the holder's hands: those that
        were handed out before come first, and of them at most `slots`; while some of those wait,
        nothing newer is taken; at most `limit` in all. What is taken is orphaned no more. With
        `counted`, it is handed out once more than before."""

    @abstractmethod
    def begin(self, held: Held, starts: int) -> None:
        """Record starts of a handler. Nothing happens when it is not held any more; so with all
        methods that are given a `Held`."""

    @abstractmethod
    def put_back(self, held: Held, back: Back, *, keep: bool) -> int:
        """Out of the holder's hands, to be taken again from `back.due` on; with `keep` it stays in
        them. Returns the number of messages changed, as the next two do."""

    @abstractmethod
    def delete(self, which: Held | Whole) -> int:
        """Delete one message, or all of a queue."""

    @abstractmethod
    def bury(
        self, which: Held | Whole, death: Death, *, instance: str, group: str | None, home: str
    ) -> int:
        """Make dead letters of one message, or of all of a queue in order. They were started as
        often as is recorded, and at least `death.attempts` times. `home`: the queue that a dead
        letter goes back to."""

    @abstractmethod
    def hand_back(self, holder: str, *, orphaned: bool) -> None:
        """Take everything out of its hands: of what was counted when it was handed out, note
        whether it is orphaned."""

    # Retention

    @abstractmethod
    def trim(
        self, queue: str, keepers: Sequence[str], *, in_order: bool, keep: int, before_ms: int
    ) -> int:
        """Delete messages that no queue of `keepers` has (with `in_order`: and none that is older)
        if they were stored before a time, or are not among the newest `keep` of these. Returns how
        many, as the next two do."""

    @abstractmethod
    def counts(self) -> Mapping[str, int]:
        """How many messages each queue of the bus has; those without any may be left out."""

    @abstractmethod
    def cut(self, queue: str, keep: int) -> int:
        """Delete what nobody holds and is not among the newest `keep` messages."""

    @abstractmethod
    def trim_letters(self, *, keep: int, before_ms: int) -> int:
        """Delete dead letters that died before a time, or are not among the newest `keep`."""

    # Dead letters

    @abstractmethod
    def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        """As `Session.dead_letters`."""

    @abstractmethod
    def home(self, dead_letter_id: str) -> str | None:
        """The queue that it goes back to; None when there is no such dead letter."""

    @abstractmethod
    def restore(self, dead_letter_id: str, position: int) -> None:
        """Store it there now, at a new position, as one that was handed out before and never
        started, and delete the dead letter."""

    @abstractmethod
    def delete_letter(self, dead_letter_id: str) -> int:
        """Delete it; returns 1, or 0 when there is none."""

    # Monitoring, and other buses

    @abstractmethod
    def buses(self, look_at: float | None = None) -> Sequence[str]:
        """Names of the buses that are stored, in any order; only those to be looked at by then,
        if given."""

    @abstractmethod
    def states(self) -> Sequence[State]:
        """All messages of the bus, counted."""

    @abstractmethod
    def letters(self) -> DeadLettersSnapshot:
        """All dead letters of the bus, counted."""

    @abstractmethod
    def server(self) -> ServerSnapshot:
        """The store itself."""

    @abstractmethod
    def recent(self, limit: int, since_ms: int, until_ms: int) -> Sequence[Stored]:
        """The newest messages stored in that time, oldest first; each once, from any queue."""

    @abstractmethod
    def copies(self, position: int) -> Sequence[Copy]:
        """A message in every queue that has it."""
