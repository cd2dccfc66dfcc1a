"""Choices that a step makes. No strategy looks at the state: on a real server it is not certain
what comes when, and a run must still be repeatable with the same choices. So a step holds numbers,
and picks by them among what there is when it is made."""

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from hypothesis import strategies as st

from eventbus_core.transport import Channel, Room, work
from tests.model.actors import Actor
from tests.model.comparison import Comparison

T = TypeVar("T")

FIXED: Final = ("fix-a", "fix-b")
WORK: Final = (work("job", "g"), work("job", "h"), work("task", "g"))
EVENTS: Final = ("job", "job", "job", "job", "task")

WHO = st.integers(0, 7)
"""Picks one of those there are."""
TURNS = st.one_of(st.none(), st.none(), st.integers(0, 6))
"""Turns of the loop after which a call is cancelled."""
CHANNELS: st.SearchStrategy[frozenset[Channel]] = st.sampled_from(
    [WORK[:1], WORK[:1], WORK[:1], WORK[:2], WORK[1:2], WORK, ()]
).map(frozenset)
ROOMS = st.tuples(st.integers(0, 3), st.integers(1, 4)).map(lambda room: Room(room[0], max(room)))


class Step(Protocol):
    """One thing that happens."""

    async def happen(self, both: Comparison) -> None:
        """Make it happen, on the transport and in the model."""
        ...


def pick(number: int, among: Sequence[T]) -> T | None:
    """One of these, if there is any."""
    return among[number % len(among)] if among else None


async def one(both: Comparison, number: int) -> Actor:
    """One of those who can act; when there is none, a new one."""
    if not both.here:
        await both.join(both.name(), channels=frozenset(WORK[:1]))
    here = both.here
    return here[number % len(here)]


def holder(both: Comparison, number: int) -> Actor | None:
    """One of those who can act and have something in hand."""
    return pick(number, [actor for actor in both.here if actor.held])
