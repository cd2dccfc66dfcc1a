"""When a failed handler runs again: a pure policy, and what a handler raises to decide itself."""

import random
from dataclasses import dataclass
from datetime import timedelta

from .durations import Duration, seconds
from .errors import InvalidOptionError


class Reject(Exception):
    """Raise it in a handler to dead-letter the message at once, with the reason given."""


class Retry(Exception):
    """Raise it in a handler to ask for another attempt after `delay` (None: the policy's)."""

    def __init__(self, delay: Duration | None = None) -> None:
        self.delay = None if delay is None else seconds("delay", delay, minimum=0.0)
        shown = "" if self.delay is None else f" in {self.delay:g} s"
        super().__init__(f"the handler asked for another attempt{shown}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how late a failed handler is tried again.

    The delay before attempt n+1 is ``initial * factor ** (n - 1)``, at most `maximum`, spread
    by ``± jitter`` (a share of the delay). Durations are seconds or timedelta.
    Raises InvalidOptionError for values out of range.
    """

    max_deliveries: int = 5
    initial: float | timedelta = 0.2
    factor: float = 2.0
    maximum: float | timedelta = 30.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        if isinstance(self.max_deliveries, bool) or not isinstance(self.max_deliveries, int):
            raise InvalidOptionError(f"max_deliveries={self.max_deliveries!r} must be an int")
        if not 1 <= self.max_deliveries <= 10_000:
            raise InvalidOptionError(
                f"max_deliveries={self.max_deliveries} must be between 1 and 10000"
            )
        for name in ("initial", "maximum"):
            object.__setattr__(self, name, seconds(name, getattr(self, name), minimum=0.0))
        for name, low, high in (("factor", 1.0, 1000.0), ("jitter", 0.0, 1.0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidOptionError(f"{name}={value!r} must be a number")
            if not low <= value <= high:
                raise InvalidOptionError(f"{name}={value!r} must be between {low:g} and {high:g}")

    def delay(self, attempt: int, *, rng: random.Random | None = None) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1)."""
        initial, maximum = float(self.initial), float(self.maximum)  # type: ignore[arg-type]
        # The exponent is bounded: 1.5 ** 10000 would overflow a float.
        grown = min(initial * self.factor ** min(attempt - 1, 100), maximum)
        spread = (rng or random).uniform(-self.jitter, self.jitter)
        return max(0.0, grown * (1.0 + spread))
