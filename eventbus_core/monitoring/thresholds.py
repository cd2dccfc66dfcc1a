"""From which figure on something is a finding: one table, and every figure can be set."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, cast

from ..errors import InvalidOptionError

Unit = Literal["seconds", "messages", "share", "starts"]
_MOST: Final[Mapping[str, float]] = {
    "seconds": 31_536_000.0,
    "messages": 1e9,
    "share": 1.0,
    "starts": 1_000_000.0,
}


class ThresholdInfo(NamedTuple):
    """One line of the table."""

    name: str
    default: float
    """An int where the unit is messages or starts."""
    unit: Unit
    """``share``: a part of one."""
    code: str
    """The finding that it belongs to; empty: all."""
    means: str
    minimum: float


def _limit(default: float, unit: Unit, code: str, means: str, *, minimum: float = 0.0) -> Any:
    metadata = {"unit": unit, "code": code, "means": means, "minimum": minimum}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which figure on something is a finding; `THRESHOLDS` says what each means.

    Durations are in seconds. Raises InvalidOptionError for what makes no sense, naming the field.
    """

    stuck: float = _limit(
        60.0, "seconds", "STUCK", "nothing was settled for so long although there was work"
    )
    slow_handler: float = _limit(
        60.0, "seconds", "SLOW-HANDLER", "one handler has been running for so long"
    )
    no_consumer: float = _limit(
        10.0, "seconds", "NO-CONSUMER", "work has waited for so long and nobody is subscribed"
    )
    memberless: float = _limit(
        60.0, "seconds", "MEMBERLESS-GROUP", "a group has had no live member for so long"
    )
    lagging: int = _limit(
        1_000, "messages", "LAGGING", "a backlog of so many, and it grows", minimum=1
    )
    lagging_for: float = _limit(
        30.0, "seconds", "LAGGING", "for so long it has been that large and growing"
    )
    late_share: float = _limit(
        0.5, "share", "LATE", "such a part of its lease has passed since the last heartbeat"
    )
    dead_kept: float = _limit(
        600.0, "seconds", "DEAD", "for so long a dead instance stays listed after its death"
    )
    orphaned: float = _limit(
        10.0, "seconds", "ORPHANED", "for so long nobody has taken over all that a dead one held"
    )
    poison_starts: int = _limit(
        4, "starts", "POISON", "one message was started so many times", minimum=2
    )
    poison_window: float = _limit(300.0, "seconds", "POISON", "how far back starts are looked at")
    dead_letters: int = _limit(
        1, "messages", "DEAD-LETTERS", "so many new dead letters within the window", minimum=1
    )
    dead_letters_critical: int = _limit(
        100, "messages", "DEAD-LETTERS", "more new ones than that are critical", minimum=1
    )
    dead_letter_window: float = _limit(
        300.0, "seconds", "DEAD-LETTERS", "how far back dead letters are counted", minimum=1.0
    )
    retention_share: float = _limit(
        0.8, "share", "RETENTION-RISK", "such a part of max_backlog is unhandled"
    )
    store_full: float = _limit(
        0.9, "share", "RETENTION-RISK", "such a part of the memory that the store may use is used"
    )
    lost_window: float = _limit(
        600.0, "seconds", "LOST", "how far back losses are counted", minimum=1.0
    )
    slow_poll: float = _limit(0.5, "share", "MONITOR", "a look takes such a part of the interval")
    slow_poll_for: float = _limit(
        5.0, "seconds", "MONITOR", "for so long looks have taken that long"
    )
    clock_skew: float = _limit(
        5.0, "seconds", "MONITOR", "the clocks of the store and of this host differ by so much"
    )
    clear: float = _limit(
        5.0, "seconds", "", "for so long a condition must be gone before its finding goes"
    )

    def __post_init__(self) -> None:
        for info in THRESHOLDS.values():
            object.__setattr__(self, info.name, _checked(info, getattr(self, info.name)))


def _checked(info: ThresholdInfo, value: object) -> float:
    whole = info.unit in ("messages", "starts")
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        wanted = "an int" if whole else "a number"
        raise InvalidOptionError(
            f"{info.name}={value!r} must be {wanted}, not {type(value).__name__}"
        )
    low, high = info.minimum, _MOST[info.unit]
    if not math.isfinite(value) or not low <= value <= high:
        raise InvalidOptionError(
            f"{info.name}={value!r} must be between {low:g} and {high:g} ({info.unit})"
        )
    return value if whole else float(value)


THRESHOLDS: Final[Mapping[str, ThresholdInfo]] = MappingProxyType(
    {
        each.name: ThresholdInfo(
            name=each.name,
            default=cast(float, each.default),
            unit=each.metadata["unit"],
            code=each.metadata["code"],
            means=each.metadata["means"],
            minimum=each.metadata["minimum"],
        )
        for each in fields(Thresholds)
    }
)
"""Every threshold: name, default, unit, the finding that it belongs to, and what it means."""
