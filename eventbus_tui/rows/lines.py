"""What detail screens consist of: titled parts of lines, and lines of coloured pieces."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from eventbus_core.monitoring import Finding

from .. import format
from ..marks import Marks
from ..table import Cell, Level
from .state import finding_level, ordered

Line: TypeAlias = tuple[Cell, ...]
"""Pieces that stand side by side."""
LABEL: Final = 16
"""Width of the names in front of figures."""


class Part(NamedTuple):
    """One box of a detail screen."""

    title: str
    lines: tuple[Line, ...]
    level: Level = ""


def part(title: str, lines: Iterable[Line], level: Level = "") -> Part:
    return Part(title, tuple(lines), level)


def plain(text: str, level: Level = "") -> Line:
    return (Cell(text, level),)


def figure(
    label: str, value: str, level: Level = "", *, note: str = "", width: int = LABEL
) -> Line:
    """A named figure. `note` stands behind it, less bright."""
    behind = (Cell(f"  {note}", "dim"),) if note else ()
    return (Cell(f"{label:<{width}}", "dim"), Cell(value, level), *behind)


def amount(
    label: str,
    value: int | None,
    unit: str,
    *,
    unknown: Mapping[str, str],
    field: str,
    note: str = "",
    level: Level = "",
) -> Line:
    """An exact count, or a question mark and why it is not known."""
    if value is None:
        why = unknown.get(field, "the store does not tell")
        return figure(label, format.UNKNOWN, "warn", note=format.clean(why))
    return figure(label, many(value, unit), level, note=note)


def many(value: int, unit: str) -> str:
    """``1 message``, ``1,204 messages``; `unit` in the plural."""
    return f"{value:,} {unit.removesuffix('s') if value == 1 else unit}"


def bar(value: float, most: float, width: int, *, ascii_only: bool) -> str:
    """A bar from zero; the largest is `width` long, and nothing but zero is without a bar."""
    if value <= 0 or most <= 0:
        return " " * width
    full, blocks = ("#", ".") if ascii_only else ("█", "▏▎▍▌▋▊▉")
    length = min(1.0, value / most) * width
    whole = int(length)
    rest = length - whole
    drawn = full * whole
    if whole < width and (rest >= 1 / 8 or not whole):
        drawn += blocks[max(0, min(len(blocks) - 1, round(rest * 8) - 1))]
    return drawn.ljust(width)


def plot(
    values: Sequence[float],
    *,
    width: int,
    height: int,
    top_text: str,
    ascii_only: bool,
    level: Level = "",
) -> tuple[Line, ...]:
    """Columns from zero to the largest value, newest on the right; the scale is written beside
    it."""
    shown = [max(0.0, value) for value in values[-width:]]
    top = max(shown, default=0.0)
    blocks = "_.:-=+*#" if ascii_only else "▁▂▃▄▅▆▇█"
    eighths = [math.ceil(value / top * height * 8) if top else 0 for value in shown]
    lines = []
    for row in reversed(range(height)):
        drawn = "".join(_block(each - row * 8, blocks) for each in eighths).rjust(width)
        scale = top_text if row == height - 1 else "0" if row == 0 else ""
        lines.append((Cell(drawn, level), Cell(f" {scale}", "dim")))
    return tuple(lines)


def finding_lines(findings: Iterable[Finding], marks: Marks) -> tuple[Line, ...]:
    """Each with its figures, since when, what to do, and where to read on."""
    lines: list[Line] = []
    for each in ordered(findings):
        level = finding_level(each)
        lines.append(
            (
                Cell(f"{marks.of(each.severity)} {format.clean(each.code)}  ", level),
                Cell(format.clean(each.text)),
                Cell(f"  since {format.clock(each.since_ms)}", "dim"),
            )
        )
        lines.append((Cell("  next: ", "dim"), Cell(each.next_step)))
        lines.append((Cell("  read: ", "dim"), Cell(each.runbook, "dim")))
    return tuple(lines)


def _block(eighths: int, blocks: str) -> str:
    if eighths <= 0:
        return " "
    return blocks[min(eighths, 8) - 1]
