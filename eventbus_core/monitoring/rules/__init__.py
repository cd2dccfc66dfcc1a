"""The rules: pure functions of a scene. Each yields what it sees at this look; whether that
becomes a finding is for `hysteresis` to say."""

from collections.abc import Callable, Iterator
from typing import Final

from ..hysteresis import Condition
from ..scene import Scene
from . import bus, failures, groups, instances, monitor, streams

Rule = Callable[[Scene], Iterator[Condition]]

RULES: Final[tuple[Rule, ...]] = (
    groups.stuck,
    groups.lagging,
    groups.memberless,
    groups.orphaned,
    streams.without_consumer,
    streams.inbox_without_reader,
    streams.near_the_limit,
    streams.unknown_figures,
    instances.dead,
    instances.late,
    instances.slow_handler,
    instances.unknown_format,
    failures.dead_letters,
    failures.lost,
    failures.poison,
    bus.config_drift,
    bus.versions,
    bus.store_full,
    bus.unknown_figures,
    monitor.slow_poll,
    monitor.clock_skew,
)


def conditions(scene: Scene) -> Iterator[Condition]:
    """What all rules see."""
    for rule in RULES:
        yield from rule(scene)
