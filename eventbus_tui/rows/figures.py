"""Small pieces that several tables share."""

import math
from typing import Final, NamedTuple

from eventbus_core.monitoring import ChannelKind

from .. import format
from ..marks import Marks
from ..table import Level

_STEPS: Final = ((10, 1), (60, 5), (3600, 60), (86_400, 3600), (math.inf, 86_400))


class ModeLook(NamedTuple):
    """How a delivery mode stands in a table."""

    word: str
    short: str
    level: Level


_MODES: Final = {
    ChannelKind.BROADCAST: ModeLook("broadcast", "all", "broadcast"),
    ChannelKind.INBOX: ModeLook("unicast", "uni", "unicast"),
    ChannelKind.WORK: ModeLook("anycast", "any", "anycast"),
}


def mode_of(kind: ChannelKind) -> ModeLook:
    """The mode whose messages a stream of that kind holds."""
    return _MODES[kind]


def arrow(growth: float | None, marks: Marks) -> str:
    """``↑ 310/s``, ``↓ 9.0/s``, ``→``; a dash while it is not known."""
    if growth is None:
        return format.NOT_YET
    sign = marks.trend(growth)
    return sign if sign == marks.flat else f"{sign} {format.rate(abs(growth))}"


def number(value: float | None, unknown: float = -1.0) -> float:
    """To sort by; what is not known goes below all else."""
    return unknown if value is None else float(value)


def filled(**values: str | float | None) -> dict[str, str | float]:
    """The values that are known, for filters."""
    return {name: value for name, value in values.items() if value is not None}


def coarse(seconds: float | None) -> float | None:
    """The youngest age that `format.age` shows in the same way: it changes as seldom."""
    if seconds is None or math.isinf(seconds):
        return seconds
    step = next(step for below, step in _STEPS if seconds < below)
    return max(0.0, seconds // step * step)
