"""One reader's place in the broadcasts."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from eventbus_core.transport import Delivery, Room
from tests.model.queues import Fate, Message, texts


@dataclass(frozen=True)
class Place:
    """Where a reader stood when its life ended."""

    cursor: int
    """Everything up to this number is settled."""
    settled: Set[int]
    """Settled beyond it: the next life may be given these again."""
    starts: Mapping[int, int]
    """Recorded starts by number."""
    notes: Mapping[int, str]
    """Notes of what was released, by number."""


class Reader:
    """Reads a log in order, each message once in its life."""

    def __init__(self, log: list[Message], place: Place, *, fixed: bool) -> None:
        self.read = place.cursor
        """Number of the newest message that was handed out."""
        self.open: set[int] = set()
        """Handed out and not settled."""
        self._log = log
        self._fixed = fixed
        """Its starts are counted over its lives."""
        self._starts = dict(place.starts)
        self._notes = dict(place.notes)
        self._may_skip = set(place.settled)
        self._fate_at_start = {message.number: message.fate for message in log}
        self._lost = 0
        self._skipped = (0, 0)

    @property
    def cursor(self) -> int:
        """Everything up to here is settled, for certain."""
        return min(self.open) - 1 if self.open else self.read

    @property
    def furthest_cursor(self) -> int:
        """As `cursor`, if what an earlier life has settled is passed over already."""
        cursor = self.cursor
        if not self.open:
            for message in self._log:
                if message.number > cursor:
                    if not self._skippable(message):
                        break
                    cursor = message.number
        return cursor

    def place(self) -> Place:
        """Where the next life of a remembered reader goes on."""
        cursor = self.cursor
        read = {m.number for m in self._log if m.number <= self.read} | self._may_skip
        settled = {number for number in read - self.open if number > cursor}
        return Place(cursor, settled, self._starts, self._notes)

    def unread(self) -> list[Message]:
        """What must still come."""
        return [m for m in self._log if m.number > self.read and not self._skippable(m)]

    def take(self, got: Sequence[Delivery], room: Room, *, at_once: bool) -> list[Message]:
        """Check what a fetch gave; `at_once`: as much as there was room for."""
        assert len(got) <= room.limit, f"{texts(got)} for {room}"
        taken = [self._accept(delivery) for delivery in got]
        if at_once and len(got) < room.limit:
            assert self.unread() == [], f"after {texts(got)}"
        return taken

    def begin(self, number: int, starts: int) -> None:
        """A start was recorded."""
        self._starts[number] = starts

    def release(self, number: int, starts: int, note: str) -> None:
        """Left for the next life."""
        self._starts[number] = starts
        self._notes[number] = note

    def settle(self, number: int) -> None:
        """Handled, or a dead letter."""
        self.open.discard(number)

    def report(self, lost: int) -> None:
        """So many more were reported lost."""
        self._lost += lost
        least, most = self._skipped
        most += sum(
            m.fate is not Fate.KEPT and self._fate(m) is not Fate.GONE
            for m in self._log
            if m.number > self.read
        )
        assert least <= self._lost <= most, f"{self._lost} lost, not {least} to {most}"

    def _accept(self, delivery: Delivery) -> Message:
        (payload,) = texts([delivery])
        (message,) = (m for m in self._log if m.payload == payload)
        number = message.number
        assert number > self.read, f"{payload} was read before: up to {self.read}"
        assert message.fate is not Fate.GONE, f"{payload} was trimmed"
        for passed in self._log:
            if self.read < passed.number < number:
                assert self._skippable(passed), f"{passed} must come before {payload}"
                self._skip(passed)
        assert not (delivery.again or delivery.orphaned), delivery
        # Only a note of work and of mail must be kept.
        assert delivery.note in ("", self._notes.get(number, "")), f"note: {delivery}"
        recorded = {self._starts.get(number, 0)}
        if number in self._may_skip or not self._fixed:
            recorded.add(0)
        assert delivery.starts in recorded, f"starts: {delivery} and not {recorded}"
        self._may_skip.discard(number)
        self._starts[number] = delivery.starts
        self.read = number
        self.open.add(number)
        return message

    def _skippable(self, message: Message) -> bool:
        return message.fate is not Fate.KEPT or message.number in self._may_skip

    def _fate(self, message: Message) -> Fate:
        """What it was when this life began."""
        return self._fate_at_start.get(message.number, Fate.KEPT)

    def _skip(self, message: Message) -> None:
        least, most = self._skipped
        sure = self._fate(message) is Fate.KEPT and message.number not in self._may_skip
        counted = message.fate is not Fate.KEPT and self._fate(message) is not Fate.GONE
        self._skipped = (least + sure, most + counted)
