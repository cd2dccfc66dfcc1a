"""What is left of every screen in a very small terminal: the problems, one a line. Pure."""

from collections.abc import Sequence

from ..format import clean
from ..marks import Marks
from ..table import Cell, Level
from ..update import Update


def problem_lines(update: Update, most: int, marks: Marks) -> Sequence[Sequence[Cell]]:
    """Worst first; at most so many lines."""
    if update.view is None:
        return ((Cell("nothing known yet", "dim"),),)
    findings = update.view.findings
    if not findings:
        return ((Cell(f"{marks.ok} nothing wrong", "ok"),),)
    shown = findings if len(findings) <= most else findings[: max(1, most - 1)]
    lines: list[tuple[Cell, ...]] = []
    for finding in shown:
        level: Level = "crit" if finding.severity == "critical" else "warn"
        lines.append(
            (
                Cell(f"{marks.of(finding.severity)} {finding.code} ", level),
                Cell(f"{clean(finding.subject.name)}: {clean(finding.text)}"),
            )
        )
    if len(shown) < len(findings):
        lines.append((Cell(f"{len(findings) - len(shown)} more", "dim"),))
    return tuple(lines)
