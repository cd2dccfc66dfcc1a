"""What stands in the bar that is always there. Pure: parts in, cells out."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .format import age, clean
from .marks import Marks
from .table import Cell, Level
from .update import Link, Update

if TYPE_CHECKING:
    from .settings import Settings

STALE_AFTER: Final = 3.0
"""So many intervals without news, and what is shown is called stale."""
_COSTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_GAP: Final = Cell("  ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """Which environment this is."""

    label: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the bar tells besides the update."""

    mode: Cell
    """READ-ONLY, ACTIONS, DEMO or REPLAY."""
    badge: Badge | None
    flags: tuple[Cell, ...]
    """As paused, or order held."""
    costs: Sequence[float]
    """How long the newest polls took, in seconds."""


def standing_of(
    settings: "Settings",
    *,
    recorded: bool,
    flags: Sequence[Cell] = (),
    costs: Sequence[float] = (),
) -> Standing:
    """`recorded`: whether a recording is shown."""
    badge = Badge(label=settings.badge, level=settings.badge_level) if settings.badge else None
    if recorded:
        mode = Cell("REPLAY", "warn")
    elif settings.allow_actions:
        mode = Cell("DEMO ACTIONS" if settings.demo else "ACTIONS", "warn")
    else:
        mode = Cell("DEMO READ-ONLY" if settings.demo else "READ-ONLY", "strong")
    return Standing(mode=mode, badge=badge, flags=tuple(flags), costs=costs)


def connecting(bus: str, interval: float) -> Update:
    """What is known before the first look."""
    return Update(
        view=None,
        link=Link(state="connecting"),
        bus=bus,
        buses=(),
        interval=interval,
        sequence=0,
    )


def is_stale(update: Update, now: float) -> bool:
    """Whether what is shown is older than it should be."""
    link = update.link
    if update.view is None or link.state == "ended":
        return False
    if link.state != "live":
        return True
    return link.seen_at is not None and now - link.seen_at > max(
        STALE_AFTER * update.interval, STALE_AFTER
    )


def link_cell(update: Update, now: float, marks: Marks) -> Cell:
    """``● live``, ``◌ stale 10s``, ``✖ lost, retry 8s (3)``."""
    link = update.link
    match link.state:
        case "connecting":
            return Cell(f"{marks.stale} connecting", "warn")
        case "ended":
            return Cell(f"{marks.paused} end of the recording", "warn")
        case "lost":
            return Cell(f"{marks.crit} lost, {_retry(link, now)}{_seen(link, now)}", "crit")
    if is_stale(update, now):
        return Cell(f"{marks.stale} stale{_seen(link, now).removeprefix(', data')}", "warn")
    return Cell(f"{marks.live} live", "ok")


def status_cells(update: Update, standing: Standing, now: float, marks: Marks) -> tuple[Cell, ...]:
    """The whole bar; the most important parts first, for what is too long is cut off."""
    parts: list[Cell] = []
    if standing.badge is not None:
        parts.append(Cell(f"[{clean(standing.badge.label)}]", standing.badge.level))
    parts.append(standing.mode)
    parts.append(link_cell(update, now, marks))
    parts.extend(standing.flags)
    if update.bus:
        parts.append(Cell(f"bus {clean(update.bus)}", "strong"))
    if update.view is not None:
        server = update.view.snapshot.server
        parts.append(Cell(clean(server.where or server.product), "dim"))
    parts.append(Cell(f"poll {_interval(update.interval)}{_cost(standing.costs)}", "dim"))
    if update.view is None and update.link.error:
        parts.append(Cell(clean(update.link.error), "crit"))
    cells: list[Cell] = [Cell(" ")]
    for number, part in enumerate(parts):
        cells += [part] if number == 0 else [_GAP, part]
    return tuple(cells)


def _retry(link: Link, now: float) -> str:
    left = 0 if link.retry_at is None else math.ceil(link.retry_at - now)
    when = f"retry {left}s" if left > 0 else "retrying"
    return f"{when} ({link.attempts})"


def _seen(link: Link, now: float) -> str:
    return "" if link.seen_at is None else f", data {age(now - link.seen_at)}"


def _interval(seconds: float) -> str:
    return f"{seconds:g}s"


def _cost(costs: Sequence[float]) -> str:
    """The dearest of the last polls, rounded up: it changes seldom."""
    if not costs:
        return ""
    millis = max(costs) * 1000
    place = bisect.bisect_left(_COSTS, millis)
    return f"/{_COSTS[place]}ms" if place < len(_COSTS) else f"/{age(millis / 1000)}"
