"""What the life of a message consists of. Pure."""

from typing import NamedTuple

from eventbus_core.monitoring import DeadLetter

from .table import Level


class Step(NamedTuple):
    """One thing that happened to a message, or how it stands. Texts are harmless already."""

    word: str
    """As ``stored``, ``pending`` or ``dead letter``."""
    text: str
    at_ms: int | None = None
    """When, in Unix milliseconds; None when it is not known, or now."""
    level: Level = ""


class Lane(NamedTuple):
    """One group, inbox or instance that gets the message."""

    name: str
    """``group billing``, ``inbox ship-7`` or ``instance ship-7``."""
    state: Step
    """How it stands there now."""
    past: tuple[Step, ...]
    """What happened before, oldest first, as far as it is recorded."""


class Life(NamedTuple):
    """All of it."""

    steps: tuple[Step, ...]
    """Before it reached anybody."""
    lanes: tuple[Lane, ...]
    final: bool
    """Whether nothing more will happen by itself."""


def died_ms(letter: DeadLetter) -> int:
    return round(letter.died_at.timestamp() * 1000)


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def in_words(ms: int) -> str:
    """A length of time: ``2 ms``, ``1.4 s``, ``3 min``, ``2 h``."""
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.1f} s"
    if ms < 3_600_000:
        return f"{ms // 60_000} min"
    return f"{ms // 3_600_000:,} h"
