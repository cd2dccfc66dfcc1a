"""Steps of upkeep: heartbeats, time, calls made again, dead letters."""

from typing import NamedTuple

from hypothesis import strategies as st

from tests.model.comparison import Comparison
from tests.model.picks import WHO, Step, one, pick


class Beat(NamedTuple):
    """A heartbeat, with or without maintenance."""

    who: int
    maintains: bool

    async def happen(self, both: Comparison) -> None:
        actor = await one(both, self.who)
        await both.renew(actor)
        if self.maintains:
            await both.maintain(actor)


class PassTime(NamedTuple):
    seconds: float

    async def happen(self, both: Comparison) -> None:
        await both.store.pass_time(self.seconds)


class PublishAgain(NamedTuple):
    """The newest batch of a transport, as if its answer had been lost."""

    who: int

    async def happen(self, both: Comparison) -> None:
        await both.publish_again(await one(both, self.who))


class SettleAgain(NamedTuple):
    """Something that was settled before."""

    who: int
    which: int

    async def happen(self, both: Comparison) -> None:
        actor = pick(self.who, [actor for actor in both.here if actor.settled])
        if actor is not None and (settlement := pick(self.which, actor.settled)) is not None:
            await both.settle_again(actor, settlement)


class AnswerLetter(NamedTuple):
    """Look at all dead letters, and redrive or discard one."""

    who: int
    which: int
    redrive: bool

    async def happen(self, both: Comparison) -> None:
        actor = await one(both, self.who)
        letter = pick(self.which, await both.letters(actor))
        if letter is not None:
            await (both.redrive if self.redrive else both.discard)(actor, *letter)


_LETTER = st.builds(AnswerLetter, WHO, WHO, st.sampled_from([True, True, False]))
UPKEEP_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Beat, WHO, st.booleans()),
    st.builds(PassTime, st.sampled_from([1.0, 5.0, 11.0])),
    st.builds(PublishAgain, WHO),
    st.builds(SettleAgain, WHO, WHO),
    _LETTER,
    _LETTER,
)
