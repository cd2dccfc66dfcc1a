"""One inbox, or the work of one group, as a list of messages with a state each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from eventbus_core.transport import Delivery, Room

EARLY: Final = 0.002
"""Seconds by which a real store may round a due time down."""


class Fate(Enum):
    """What retention did to a stored message."""

    KEPT = "kept"
    DOUBTFUL = "may be trimmed"
    GONE = "trimmed"


@dataclass(eq=False)
class Message:
    """One stored message."""

    payload: str
    event: str
    number: int
    """Its place in the order of storing."""
    stored_at: float
    fate: Fate = Fate.KEPT


class State(Enum):
    NEW = "never handed out"
    HELD = "in hand"
    BACK = "came back"
    ASIDE = "set aside"


@dataclass(eq=False)
class Work:
    """One message of one queue, until it is settled."""

    message: Message
    state: State = State.NEW
    holder: str = ""
    """HELD: by this incarnation."""
    due: float = 0.0
    """ASIDE: not before."""
    starts: int = 0
    note: str = ""
    orphaned: bool = False
    """Its holder died, and it was not handed out since."""
    seen: bool = False
    """It was handed out before."""
    redriven: bool = False
    maybe: bool = False
    """It may have been trimmed before the queue was made."""

    def waits(self, now: float) -> bool:
        """Whether it may be handed out."""
        return self.state in (State.NEW, State.BACK) or (
            self.state is State.ASIDE and self.due <= now + EARLY
        )

    @property
    def number(self) -> int:
        return self.message.number


class Queue:
    """What is not settled, in order of storing."""

    def __init__(self) -> None:
        self.works: list[Work] = []
        self.given_to_others = 0
        """Dead letters given back to other groups alone: a store may count them until read."""
        self.readers: set[str] = set()
        """Incarnations that may have read ahead."""
        self.released_unseen = False
        """One that may have read ahead has unsubscribed or ended since."""
        self.died_unseen = False
        """One that may have read ahead has died since."""
        self._newest: dict[str, int] = {}

    @property
    def backlog(self) -> tuple[int, int]:
        """How many are not settled: at least, at most."""
        return sum(not work.maybe for work in self.works), len(self.works) + self.given_to_others

    def held_by(self, incarnation: str) -> list[Work]:
        """What it has in hand."""
        return [w for w in self.works if w.state is State.HELD and w.holder == incarnation]

    def ended(self, incarnation: str, *, died: bool) -> None:
        """An incarnation is over: what it had in hand came back."""
        for work in self.held_by(incarnation):
            work.state, work.holder, work.orphaned = State.BACK, "", died
        if incarnation in self.readers:
            self.readers.discard(incarnation)
            self.released_unseen = True
            self.died_unseen = self.died_unseen or died

    def must_come(self, incarnation: str, now: float) -> bool:
        """Whether something waits that nobody else can have read ahead."""
        return self.readers <= {incarnation} and any(
            work.waits(now) and not work.maybe for work in self.works
        )

    def take_at_once(
        self, who: str, got: Sequence[Delivery], room: Room, now: float, redriven_first: bool
    ) -> list[Work]:
        """A store that does not read ahead gives everything that there is room for."""

        self._forget_what_never_was(got, room, now)
        expected = self._expected(room, now, redriven_first)
        assert texts(got) == [w.message.payload for w in expected], f"{room} at {now}: {self}"
        for delivery, work in zip(got, expected, strict=True):
            assert work.redriven or delivery.again is work.seen, f"again: {delivery}, {work}"
            assert delivery.orphaned is work.orphaned, f"orphaned: {delivery}, {work}"
            self._hand_out(who, delivery, work)
        return expected

    def _expected(self, room: Room, now: float, redriven_first: bool) -> list[Work]:
        def is_back(work: Work) -> bool:
            return work.state is not State.NEW or (work.redriven and redriven_first)

        waiting = [work for work in self.works if work.waits(now)]
        back = [work for work in waiting if is_back(work)]
        expected = back[: min(room.slots, room.limit)]
        if len(expected) == len(back):
            new = [work for work in waiting if not is_back(work)]
            expected += new[: room.limit - len(expected)]
        return expected

    def _forget_what_never_was(self, got: Sequence[Delivery], room: Room, now: float) -> None:
        """What may have been trimmed was, if it did not come and something newer did, or there
        was room for it."""
        came = set(texts(got))
        new = [w for w in self.works if w.state is State.NEW and w.message.payload in came]
        last = max((work.number for work in new), default=0)
        blocked = any(
            work.waits(now) and work.message.payload not in came
            for work in self.works
            if work.state is not State.NEW or work.redriven
        )
        all_came = len(got) < room.limit and not blocked
        self.works = [
            work
            for work in self.works
            if not work.maybe
            or work.message.payload in came
            or not (all_came or work.number < last)
        ]

    def take_some(self, who: str, got: Sequence[Delivery], room: Room, now: float) -> list[Work]:
        """A store that reads ahead may give less; what others read ahead looks as if it had been
        in their hands."""
        self.readers.add(who)
        assert len(got) <= room.limit, f"{texts(got)} for {room}"
        back = [delivery.again for delivery in got]
        assert sum(back) <= room.slots, f"{texts(got)} came back for {room}"
        assert back == sorted(back, reverse=True), f"{texts(got)}: newer before older"
        return [self._accept(who, delivery, now) for delivery in got]

    def _accept(self, who: str, delivery: Delivery, now: float) -> Work:
        (payload,) = texts([delivery])
        waiting = [w for w in self.works if w.message.payload == payload and w.waits(now)]
        assert waiting, f"{payload} should not come at {now}: {self}"
        work = waiting[0]
        if delivery.again:
            assert work.seen or work.redriven or self.released_unseen, f"again: {work}"
        else:
            assert not work.seen, f"not again: {work}"
            assert work.number > self._newest.get(who, 0), f"out of order: {work}"
            self._newest[who] = work.number
        if delivery.orphaned:
            assert work.orphaned or self.died_unseen, f"orphaned: {work}"
        else:
            assert not work.orphaned or self.released_unseen, f"not orphaned: {work}"
        self._hand_out(who, delivery, work)
        return work

    def _hand_out(self, who: str, delivery: Delivery, work: Work) -> None:
        assert delivery.starts == work.starts, f"starts: {delivery}, {work}"
        assert delivery.note == work.note, f"note: {delivery}, {work}"
        work.state, work.holder = State.HELD, who
        work.seen, work.orphaned, work.maybe = True, False, False

    def __repr__(self) -> str:
        return "\n".join(["", *map(repr, self.works)])


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    """Their payloads."""
    return [bytes(delivery.data).decode() for delivery in deliveries]
