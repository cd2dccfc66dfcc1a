"""The state of a thing in one cell: glyph and word of the worst that is wrong with it."""

from collections.abc import Iterable, Sequence
from typing import Final

from eventbus_core.monitoring import Finding, Severity

from ..format import clean
from ..marks import Marks
from ..table import Cell, Level

WIDTH: Final = 13
_SHORT: Final = {
    "CONFIG-DRIFT": "DRIFT",
    "DEAD-LETTERS": "DEAD-LETT.",
    "LAG-UNKNOWN": "LAG?",
    "MEMBERLESS-GROUP": "MEMBERLESS",
    "RETENTION-RISK": "RETENTION",
    "SLOW-HANDLER": "SLOW",
}


def worst(findings: Iterable[Finding]) -> Finding | None:
    """The most severe, of those the oldest."""
    return min(findings, key=_badness, default=None)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Worst first, then oldest first."""
    return sorted(findings, key=_badness)


def rank(findings: Iterable[Finding]) -> int:
    """2 with a critical one, 1 with any, else 0."""
    found = worst(findings)
    if found is None:
        return 0
    return 2 if found.severity is Severity.CRITICAL else 1


def problems_first(findings: Iterable[Finding], amount: float | None) -> float:
    """What to sort by for problems first and then the largest amount, with the largest value
    first."""
    return rank(findings) * 1e12 + min(max(amount or 0.0, 0.0), 1e12 - 1)


def finding_level(finding: Finding) -> Level:
    return "crit" if finding.severity is Severity.CRITICAL else "warn"


def state_cell(findings: Sequence[Finding], marks: Marks, *, well: Cell | None = None) -> Cell:
    """`well`: what it says when nothing is wrong, instead of ``ok``."""
    found = worst(findings)
    if found is None:
        return well or ok_cell(marks)
    word = clean(_SHORT.get(found.code, found.code))
    return Cell(f"{marks.of(found.severity)} {word}", finding_level(found))


def ok_cell(marks: Marks) -> Cell:
    return Cell("ok" if marks.ascii else f"{marks.ok} ok", "ok")


def state_word(findings: Sequence[Finding], *, well: str = "ok") -> str:
    """What filters compare with: the code in small letters."""
    found = worst(findings)
    return well if found is None else found.code.lower()


def codes(findings: Iterable[Finding]) -> str:
    """All codes for filters, as ``stuck lagging``."""
    return " ".join(sorted({each.code.lower() for each in findings}))


def _badness(finding: Finding) -> tuple[bool, int, str]:
    return (finding.severity is not Severity.CRITICAL, finding.since_ms, finding.code)
