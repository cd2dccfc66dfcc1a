"""Durations are seconds or `timedelta`; inside the library they are float seconds."""

import math
from datetime import timedelta

from .errors import InvalidOptionError

Duration = float | timedelta
"""Seconds (int or float) or a timedelta."""


def seconds(
    option: str, value: object, *, minimum: float, maximum: float = 10.0 * 365 * 86400
) -> float:
    """Return `value` in seconds, or raise InvalidOptionError naming the option."""
    if isinstance(value, timedelta):
        result = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        result = float(value)
    else:
        raise InvalidOptionError(
            f"{option}={value!r} must be seconds (a number) or a timedelta, "
            f"not {type(value).__name__}"
        )
    if not math.isfinite(result) or not minimum <= result <= maximum:
        raise InvalidOptionError(
            f"{option}={value!r} must be between {minimum:g} and {maximum:g} seconds"
        )
    return result
