"""The signs for states, in two sets. A word stands beside each of them. Pure."""

from dataclasses import dataclass
from typing import Final

from eventbus_core.monitoring import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """One set of signs, each one column wide, but for some in ASCII."""

    ascii: bool
    crit: str
    warn: str
    ok: str
    live: str
    stale: str
    paused: str
    up: str
    down: str
    flat: str
    cursor: str
    crumb: str
    """Between two steps of a breadcrumb."""
    falling: str
    """Beside a column sorted from the biggest to the smallest."""
    rising: str
    dot: str
    """Between two facts on one line."""
    ellipsis: str
    """Where something is missing."""

    def plain(self, text: str) -> str:
        """A text as this set can show it: signs of ours that are not ASCII are replaced in the
        set that is. Names and messages of users stay as they are."""
        return text if not self.ascii or text.isascii() else text.translate(_IN_ASCII)

    def of(self, severity: Severity) -> str:
        """The sign of a finding."""
        return self.crit if severity is Severity.CRITICAL else self.warn

    def trend(self, growth: float | None) -> str:
        """Of something that changes by so much per second; empty while that is not known."""
        if growth is None:
            return ""
        if abs(growth) < 0.05:
            return self.flat
        return self.up if growth > 0 else self.down


_IN_ASCII: Final = str.maketrans(
    "\N{EN DASH}\N{EM DASH}\N{MULTIPLICATION SIGN}…·─│┌┐└┘├┤═⏎←↑→↓»✓✖", "--x~.-|++++++=<<^>v>vX"
)
UNICODE: Final = Marks(
    ascii=False,
    crit="✖",
    warn="▲",
    ok="✓",
    live="●",
    stale="◌",
    paused="⏸",
    up="↑",
    down="↓",
    flat="→",
    cursor="▌",
    crumb="»",
    falling="▼",
    rising="▲",
    dot="·",
    ellipsis="…",
)
ASCII: Final = Marks(
    ascii=True,
    crit="X",
    warn="!",
    ok="ok",
    live="*",
    stale="o",
    paused="||",
    up="^",
    down="v",
    flat="=",
    cursor=">",
    crumb=">",
    falling="v",
    rising="^",
    dot="-",
    ellipsis="~",
)


def marks(*, ascii_only: bool) -> Marks:
    return ASCII if ascii_only else UNICODE
