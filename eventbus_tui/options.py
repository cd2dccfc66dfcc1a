"""Every option that a flag, the environment or the configuration file can set. One table."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

ENVIRONMENT: Final = "EVENTBUS_TUI_"
"""Prefix of the variables; the URL is in EVENTBUS_URL, as for the library."""

SCREENS: Final = ("overview", "streams", "groups", "instances", "flow", "failures")
THEMES: Final = ("dark", "light", "ansi")
LEVELS: Final = ("ok", "warn", "crit", "strong")

_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `read` makes its value of a text or of a value of TOML, and raises ValueError
    with what it must be."""

    name: str
    """Also the key in the file, and in capitals the end of the environment variable."""
    read: Callable[[object], object]
    means: str
    metavar: str = ""
    """Empty: a switch."""
    group: str = "show"

    @property
    def variable(self) -> str:
        return "EVENTBUS_URL" if self.name == "url" else f"{ENVIRONMENT}{self.name.upper()}"

    @property
    def flag(self) -> str:
        return "URL" if self.name == "url" else f"--{self.name.replace('_', '-')}"


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def file_name(value: object) -> str:
    """With the home folder in place of ``~``."""
    return os.path.expanduser(text(value))


def number(value: object) -> float:
    """Finite; an int stays one."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a number")
    return value


def whole(value: object) -> int:
    found = number(value)
    if not isinstance(found, int):
        raise ValueError("must be a whole number")
    return found


def switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    raise ValueError(f"must be {_TRUE[1]} or {_FALSE[1]}")


def seconds(lowest: float, highest: float) -> Callable[[object], float]:
    """A reader of seconds from `lowest` to `highest`."""

    def read(value: object) -> float:
        found = float(number(value))
        if not lowest <= found <= highest:
            raise ValueError(f"must be between {lowest:g} and {highest:g} seconds")
        return found

    return read


def one_of(*names: str) -> Callable[[object], str]:
    """A reader of one of these words."""

    def read(value: object) -> str:
        found = text(value)
        if found not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return found

    return read


interval: Final = seconds(0.1, 3600.0)

OPTIONS: Final[Mapping[str, Option]] = {
    option.name: option
    for option in (
        Option(
            name="url",
            read=text,
            metavar="URL",
            means="the store, as redis://localhost:6379/0",
            group="store",
        ),
        Option(
            name="url_file",
            read=file_name,
            metavar="FILE",
            means="read the URL from the first line of FILE: a command line can be seen by others",
            group="store",
        ),
        Option(
            name="bus",
            read=text,
            metavar="NAME",
            means="the bus to look at; else the only one, or 'default', or the first",
            group="store",
        ),
        Option(
            name="interval",
            read=interval,
            metavar="S",
            means="seconds between two looks",
            group="store",
        ),
        Option(
            name="filter",
            read=text,
            metavar="TEXT",
            means="show rows that match: words, re:EXPRESSION, lag>100, state=dead, !not",
        ),
        Option(
            name="screen",
            read=one_of(*SCREENS),
            metavar="NAME",
            means=f"start on one of {', '.join(SCREENS)}",
        ),
        Option(
            name="theme",
            read=one_of(*THEMES),
            metavar="NAME",
            means=f"colours: {', '.join(THEMES)}; NO_COLOR turns them off",
        ),
        Option(name="ascii", read=switch, means="no characters outside ASCII for signs and plots"),
        Option(
            name="mouse",
            read=switch,
            means="use the mouse; without it the terminal selects text as usual",
        ),
        Option(
            name="badge",
            read=text,
            metavar="TEXT",
            means="name of the environment, always shown, as PROD-EU",
        ),
        Option(
            name="badge_level",
            read=one_of(*LEVELS),
            metavar="LEVEL",
            means=f"colour of the badge: {', '.join(LEVELS)}",
        ),
        Option(
            name="audit_file",
            read=file_name,
            metavar="FILE",
            means="append a line of JSON for each action; what cannot be written down is not done",
            group="act",
        ),
        Option(
            name="scenario",
            read=text,
            metavar="NAME",
            means="what happens in the demonstration: tour, calm, crash, lag, poison, stuck",
            group="demo",
        ),
        Option(
            name="seed",
            read=whole,
            metavar="N",
            means="the same seed repeats the same events",
            group="demo",
        ),
    )
}
