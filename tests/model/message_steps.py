"""Steps of messages: publish, take, start, settle."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from hypothesis import strategies as st

from eventbus_core.modes import EventMode
from eventbus_core.transport import BROADCASTS, Death, Outcome, Room, Settlement
from tests.model.actors import Held
from tests.model.comparison import Comparison
from tests.model.picks import EVENTS, FIXED, ROOMS, TURNS, WHO, Step, holder, one, pick


class Publish(NamedTuple):
    who: int
    messages: Sequence[tuple[EventMode, int]]
    """Mode, and a pick of the event or target."""
    turns: int | None

    async def happen(self, both: Comparison) -> None:
        actor = await one(both, self.who)
        batch = [self._message(both, *message) for message in self.messages]
        await both.publish(actor, batch, turns=self.turns)

    def _message(
        self, both: Comparison, mode: EventMode, number: int
    ) -> tuple[EventMode, str, str | None]:
        if mode is EventMode.BROADCAST:
            return mode, "note", None
        if mode is EventMode.ANYCAST:
            return mode, EVENTS[number % len(EVENTS)], None
        names = [*FIXED, *(life.name for life in both.model.lives), "nobody"]
        return mode, "mail", names[number % len(names)]


class TakeFromAll(NamedTuple):
    who: int
    room: Room

    async def happen(self, both: Comparison) -> None:
        actor = await one(both, self.who)
        await both.fetch(actor, dict.fromkeys(both.channels(actor), self.room))


class TakeFromSome(NamedTuple):
    who: int
    rooms: Sequence[tuple[int, Room]]
    """Pick of a channel, and its room."""
    turns: int | None

    async def happen(self, both: Comparison) -> None:
        actor = await one(both, self.who)
        channels = both.channels(actor)
        room = {channels[number % len(channels)]: room for number, room in self.rooms if channels}
        await both.fetch(actor, room, turns=self.turns)


class Start(NamedTuple):
    """A handler of something in hand."""

    who: int
    which: int

    async def happen(self, both: Comparison) -> None:
        actor = holder(both, self.who)
        if actor is not None and (held := pick(self.which, actor.held)) is not None:
            await both.begin(actor, held)


class How(NamedTuple):
    """How a message is settled."""

    outcome: Outcome
    delay: int
    """Which of the store's delays."""
    starts: int
    note: str

    def settlement(self, both: Comparison, held: Held) -> Settlement:
        """In the boundary's words."""
        outcome = self.outcome
        if outcome is Outcome.FAILED and held.delivery.channel == BROADCASTS:
            outcome = Outcome.RELEASED
        # Never fewer than the recorded starts, as a handler that failed was started.
        death = Death("failed", "ValueError: x", "a trace", attempts=100 + self.starts)
        return Settlement(
            held.delivery,
            outcome,
            delay=both.store.delays[self.delay] if outcome is Outcome.FAILED else 0.0,
            note=self.note,
            starts=self.starts,
            death=death if outcome is Outcome.DEAD else None,
        )


class Settle(NamedTuple):
    who: int
    settled: Sequence[tuple[int, How]]
    """Pick of what is in hand, and how."""
    turns: int | None

    async def happen(self, both: Comparison) -> None:
        actor = holder(both, self.who)
        if actor is None:
            return
        left = list(actor.held)
        chosen = [(left.pop(number % len(left)), how) for number, how in self.settled if left]
        settled = [(held, how.settlement(both, held)) for held, how in chosen]
        await both.settle(actor, settled, turns=self.turns)


_PUBLISH: Final = st.builds(
    Publish,
    WHO,
    st.lists(
        st.tuples(st.sampled_from([EventMode.ANYCAST, *EventMode]), WHO), min_size=1, max_size=4
    ),
    TURNS,
)
_TAKE_FROM_ALL: Final = st.builds(TakeFromAll, WHO, st.one_of(st.just(Room(4, 4)), ROOMS))
_TAKE_FROM_SOME: Final = st.builds(
    TakeFromSome, WHO, st.lists(st.tuples(WHO, ROOMS), min_size=1, max_size=3), TURNS
)
_START: Final = st.builds(Start, WHO, WHO)
_HOW: Final = st.builds(
    How,
    st.sampled_from([Outcome.DONE, *Outcome]),
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from(["", "first", "second"]),
)
_SETTLE: Final = st.builds(
    Settle, WHO, st.lists(st.tuples(WHO, _HOW), min_size=1, max_size=4), TURNS
)
MESSAGE_STEPS: st.SearchStrategy[Step] = st.one_of(
    _PUBLISH,
    _PUBLISH,
    _TAKE_FROM_ALL,
    _TAKE_FROM_ALL,
    _TAKE_FROM_ALL,
    _TAKE_FROM_SOME,
    _SETTLE,
    _SETTLE,
    _START,
)
