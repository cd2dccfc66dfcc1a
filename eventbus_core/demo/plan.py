"""What happens to the shop, and when: a pure function of the scenario and the seed."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from operator import attrgetter
from random import Random
from typing import Final

import msgspec

from ..errors import InvalidOptionError
from .cast import HEARTBEAT, LEASE, VICTIMS, colleagues_of


class Action(StrEnum):
    KILL = "kill"
    """A process dies, as by SIGKILL."""
    START = "start"
    """It is started again."""
    SLOW = "slow"
    """Handlers of an instance take `factor` times as long as usual."""
    RUSH = "rush"
    """An instance sends event `detail` `factor` times as often as usual."""
    SPOIL = "spoil"
    """The next order of a storefront has fault `detail`: see FAULTS."""
    HANG = "hang"
    """Handlers of an instance do not end any more."""
    REFUSE = "refuse"
    """An instance puts off what it is given, for longer than anybody waits."""


FAULTS: Final[Mapping[str, str]] = {
    "address": "mail cannot be sent to it, however often it is tried",
    "currency": "billing refuses it at once",
    "weight": "shipping never gets done with it",
}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happens."""

    at: float
    """Seconds after all instances were live."""
    action: Action
    who: str
    """The instance; to kill and start, the process of that name."""
    factor: float = 1.0
    detail: str = ""


SCENARIOS: Final[Mapping[str, str]] = {
    "tour": "a bit of everything: a death, a backlog, a poison message, again and again",
    "calm": "nothing goes wrong",
    "crash": "workers are killed at work, and others take over",
    "lag": "one group falls behind and recovers, another never catches up",
    "poison": "messages that cannot be handled become dead letters, for three reasons",
    "stuck": "a handler that never ends, and an instance that keeps what it does not handle",
}
"""What there is to see, by name."""


QUICK_THRESHOLDS: Final[Mapping[str, float]] = {
    "stuck": 15.0,
    "slow_handler": 10.0,
    "lagging": 300,
    "lagging_for": 1.0,
    "dead_letter_window": 60.0,
    "dead_kept": 120.0,
}
"""For `eventbus_core.monitoring.Thresholds`: here things happen in seconds that take minutes
elsewhere."""


def check_scenario(name: str) -> str:
    """Return `name`. Raises InvalidOptionError when there is no such scenario."""
    if name not in SCENARIOS:
        raise InvalidOptionError(f"scenario={name!r} must be one of {', '.join(SCENARIOS)}")
    return name


def plan(scenario: str, seed: int) -> Iterator[Step]:
    """The steps in order of time; most scenarios have no end. Raises InvalidOptionError."""
    return _PLANS[check_scenario(scenario)](Random(f"{scenario} {seed}"))


def _tour(rng: Random) -> Iterator[Step]:
    # The first round is the same for every seed: who looks for the first time sees it all soon.
    yield from _round(
        _backlog(0.5, seconds=4.0),
        _spoiled(1.0, "address"),
        _death(3.0, "billing-2"),
    )
    start = 18.0
    while True:
        yield from _round(
            _backlog(start + rng.uniform(0.0, 8.0), seconds=rng.uniform(4.0, 7.0)),
            _spoiled(start + rng.uniform(0.0, 14.0), rng.choice([*FAULTS])),
            _death(start + rng.uniform(3.0, 8.0), rng.choice(VICTIMS)),
        )
        start += rng.uniform(25.0, 32.0)


def _calm(rng: Random) -> Iterator[Step]:
    return iter(())


def _crash(rng: Random) -> Iterator[Step]:
    start = 3.0
    while True:
        both = rng.random() < 0.25
        victims = VICTIMS if both else (rng.choice(VICTIMS),)
        yield from _round(*(_death(start, victim) for victim in victims))
        start += _AWAY + rng.uniform(2.5, 5.0)


def _lag(rng: Random) -> Iterator[Step]:
    yield Step(at=0.5, action=Action.RUSH, who="office-1", detail="image:uploaded", factor=6.0)
    start = 1.0
    while True:
        seconds = rng.uniform(8.0, 12.0)
        yield from _round(_backlog(start, seconds=seconds))
        start += seconds + rng.uniform(15.0, 25.0)


def _poison(rng: Random) -> Iterator[Step]:
    start, faults = 1.0, rng.sample([*FAULTS], len(FAULTS))  # first each of them once
    while True:
        yield from _spoiled(start, faults.pop() if faults else rng.choice([*FAULTS]))
        start += rng.uniform(1.0, 4.0)


def _stuck(rng: Random) -> Iterator[Step]:
    yield Step(at=1.0, action=Action.HANG, who="images-1")
    yield Step(at=1.5, action=Action.REFUSE, who="printer-1")


_PLANS: Final[Mapping[str, Callable[[Random], Iterator[Step]]]] = {
    "tour": _tour,
    "calm": _calm,
    "crash": _crash,
    "lag": _lag,
    "poison": _poison,
    "stuck": _stuck,
}

_AWAY: Final = LEASE + 2 * HEARTBEAT + 3.0
"""Seconds from a death to the restart: it was declared dead by then, and somebody has seen it."""


def _round(*stories: list[Step]) -> list[Step]:
    return sorted((step for story in stories for step in story), key=attrgetter("at"))


def _death(at: float, victim: str) -> list[Step]:
    """Everybody of its trade is slow for a while, so that it has work in hand when it dies."""
    others = colleagues_of(victim)
    return [
        *(Step(at=at - 2.0, action=Action.SLOW, who=other, factor=3.0) for other in others),
        Step(at=at - 2.0, action=Action.SLOW, who=victim, factor=6.0),
        Step(at=at, action=Action.KILL, who=victim),
        *(Step(at=at, action=Action.SLOW, who=other) for other in others),
        Step(at=at + _AWAY, action=Action.START, who=victim),
    ]


def _backlog(at: float, *, seconds: float) -> list[Step]:
    """Many more visitors while the search is slow."""
    return [
        Step(at=at, action=Action.RUSH, who="storefront-1", detail="page:viewed", factor=5.0),
        Step(at=at, action=Action.SLOW, who="search-1", factor=25.0),
        Step(at=at + seconds, action=Action.RUSH, who="storefront-1", detail="page:viewed"),
        Step(at=at + seconds, action=Action.SLOW, who="search-1"),
    ]


def _spoiled(at: float, fault: str) -> list[Step]:
    return [Step(at=at, action=Action.SPOIL, who="storefront-1", detail=fault)]
