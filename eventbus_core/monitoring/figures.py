"""Figures in the texts of findings: coarse, so that a text seldom changes."""

from collections.abc import Iterable, Sequence
from typing import Final

_UNITS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_SHOWN: Final = 3
"""Names in a text; more are counted only."""
_LONGEST: Final = 60


def number(value: int) -> str:
    """``1,204``; ``18.2k`` from ten thousand on."""
    if value < 10_000:
        return f"{value:,}"
    unit, sign = next(each for each in _UNITS if value >= each[0])
    return f"{value / unit:.1f}{sign}"


def per_second(value: float) -> str:
    """``310/s``, ``4.8k/s``, ``0.4/s``."""
    return f"{value:.1f}/s" if value < 10 else f"{number(round(value))}/s"


def span(seconds: float) -> str:
    """``<1s``, ``4s``, ``15s`` (steps of 5), ``3m``, ``2h``, ``5d``."""
    if seconds < 1:
        return "<1s"
    if seconds < 10:
        return f"{int(seconds)}s"
    if seconds < 60:
        return f"{int(seconds) // 5 * 5}s"
    if seconds < 3600:
        return f"{int(seconds) // 60}m"
    if seconds < 86_400:
        return f"{int(seconds) // 3600}h"
    return f"{int(seconds) // 86_400}d"


def percent(share: float) -> str:
    """``92%``, rounded down: 100% means all."""
    return f"{int(share * 100 + 1e-9)}%"


def names(found: Iterable[str]) -> str:
    """``a, b, c and 4 more``."""
    each: Sequence[str] = list(found)
    more = len(each) - _SHOWN
    shown = ", ".join(short(name) for name in each[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def short(text: str) -> str:
    """What others wrote, on one line and not too long."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
