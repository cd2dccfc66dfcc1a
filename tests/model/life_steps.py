"""Steps of lives: join, revive, subscribe, leave, crash, be declared dead, be refused."""

from typing import Final, NamedTuple

from hypothesis import strategies as st

from eventbus_core.transport import Channel
from tests.model.comparison import Comparison
from tests.model.picks import CHANNELS, FIXED, WHO, Step, one, pick

_MOST_LIVES: Final = 3


class Join(NamedTuple):
    """A new id joins, or a fixed one whether it is in use or not."""

    name: str
    """Empty: a new one."""
    channels: frozenset[Channel]
    only_new: bool
    replace: bool

    async def happen(self, both: Comparison) -> None:
        if len(both.model.lives) < _MOST_LIVES:
            await both.join(
                self.name or both.name(),
                fixed=bool(self.name),
                only_new=self.only_new,
                channels=self.channels,
                replace=self.replace,
            )


class JoinAsPublisher(NamedTuple):
    async def happen(self, both: Comparison) -> None:
        if len(both.model.lives) < _MOST_LIVES:
            await both.join(both.name(), role="publisher")


class JoinAgain(NamedTuple):
    """One that is over joins again over the same transport, unless its id is in use."""

    who: int
    channels: frozenset[Channel]
    only_new: bool

    async def happen(self, both: Comparison) -> None:
        over = pick(
            self.who,
            [
                actor
                for actor in both.actors
                if actor.life.over
                and actor.link.usable
                and both.model.holder(actor.life.name) is None
            ],
        )
        if over is None or len(both.model.lives) >= _MOST_LIVES:
            return
        await both.close(over)
        await both.join(
            over.life.name,
            fixed=over.life.fixed,
            role="both" if over.life.consumes else "publisher",
            only_new=self.only_new,
            channels=self.channels if over.life.consumes else frozenset(),
            link=over.link,
        )


class Leave(NamedTuple):
    who: int

    async def happen(self, both: Comparison) -> None:
        await both.leave(await one(both, self.who))


class Crash(NamedTuple):
    who: int
    with_transport: bool

    async def happen(self, both: Comparison) -> None:
        await both.close(await one(both, self.who), with_transport=self.with_transport)


class DeclareDead(NamedTuple):
    """Whether it crashed or only does not renew."""

    who: int
    whom: int
    waits: bool
    """For one lease first, where the clock is moved by hand."""
    notices: bool
    """That it is dead, if it did not crash."""

    async def happen(self, both: Comparison) -> None:
        actor = await one(both, self.who)
        if self.waits:
            await both.store.pass_time(both.store.lease)
        other = pick(self.whom, [life for life in both.model.lives if life is not actor.life])
        if other is not None:
            await both.declare_dead(actor, other)
            if self.notices and (
                fenced := [a for a in both.actors if a.life is other and a.fenced]
            ):
                await both.is_refused(fenced[0])


class BeRefused(NamedTuple):
    """One that was declared dead and does not know goes on."""

    who: int

    async def happen(self, both: Comparison) -> None:
        actor = pick(self.who, [actor for actor in both.actors if actor.fenced])
        if actor is not None:
            await both.is_refused(actor)


class Subscribe(NamedTuple):
    """To exactly these from now on."""

    who: int
    channels: frozenset[Channel]

    async def happen(self, both: Comparison) -> None:
        actor = await one(both, self.who)
        if actor.life.consumes:
            await both.subscribe(actor, self.channels)


_JOIN: Final = st.builds(
    Join, st.sampled_from([*FIXED, "", ""]), CHANNELS, st.booleans(), st.booleans()
)
_DECLARE_DEAD: Final = st.builds(
    DeclareDead,
    WHO,
    WHO,
    st.sampled_from([True, True, False]),
    st.sampled_from([True, True, False]),
)
LIFE_STEPS: st.SearchStrategy[Step] = st.one_of(
    _JOIN,
    _JOIN,
    st.builds(JoinAsPublisher),
    st.builds(JoinAgain, WHO, CHANNELS, st.booleans()),
    st.builds(Leave, WHO),
    st.builds(Crash, WHO, st.booleans()),
    _DECLARE_DEAD,
    _DECLARE_DEAD,
    st.builds(BeRefused, WHO),
    st.builds(Subscribe, WHO, CHANNELS),
)
