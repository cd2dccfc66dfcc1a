"""A report as lines of text, for people and for screen readers."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eventbus_core.monitoring import BusView, Finding, ServerSnapshot, Severity

from . import format
from .columns import GAP, Placed, place_columns
from .filtering import Filter
from .marks import Marks
from .report import Report, kept
from .rows import groups, instances, overview, streams
from .rows.journal import entry_line, names_of
from .table import Cell, Column, Level, Row, arrange
from .terminal_width import cells_of, fit
from .usage import Status

MOST_ROWS: Final = 25
"""Of each table. JSON has all."""
_MOST_ENTRIES: Final = 10
_COLOURS: Final[Mapping[Level, str]] = {
    "ok": "32",
    "warn": "33",
    "crit": "1;31",
    "dim": "2",
    "strong": "1",
}
_ASCII: Final = str.maketrans({"\u2013": "-", "\u2026": "~"})
"""Of the signs for a figure that is not there yet, and for a part that was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What is written on."""

    width: int
    marks: Marks
    colours: bool


def as_text(report: Report, chosen: Filter, paper: Paper) -> str:
    """The whole report, with a newline at its end."""
    lines = [*_headline(report, paper)]
    if report.view is not None:
        lines += _sections(report.view, chosen, paper)
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII).encode("ascii", "replace").decode() if paper.marks.ascii else text


def _headline(report: Report, paper: Paper) -> Iterator[str]:
    marks = paper.marks
    mark, level = {
        Status.OK: (marks.ok, "ok"),
        Status.WARNING: (marks.warn, "warn"),
        Status.CRITICAL: (marks.crit, "crit"),
    }.get(report.status, (marks.crit, "crit"))
    words = [Cell(f"{mark} {report.status.name}", level)]  # type: ignore[arg-type]  # as above
    if report.bus:
        words.append(Cell(f"bus {format.clean(report.bus)}", "strong"))
    if report.view is not None:
        server = report.view.snapshot.server
        words.append(Cell(format.clean(server.where or server.product)))
    words.append(Cell(format.moment(report.made_ms), "dim"))
    yield _joined(words, paper)
    if report.error:
        yield from _wrapped(f"the store cannot be reached: {report.error}", paper)
    elif not report.bus:
        yield from _wrapped("no bus is stored there yet", paper)
    elif not report.stored:
        others = ", ".join(map(format.clean, report.buses)) or "none"
        yield from _wrapped(
            f"bus {report.bus} is not stored there: nobody uses it, or its name is another. "
            f"Stored: {others}",
            paper,
        )


def _sections(view: BusView, chosen: Filter, paper: Paper) -> Iterator[str]:
    shown = kept(view, paper.marks, chosen)
    yield _joined([Cell(each.text.strip(), each.level) for each in _totals(view, paper)], paper)
    yield ""
    yield from _findings(view, paper)
    for title, columns, rows, all_of in (
        ("STREAMS", streams.COLUMNS, [row for _, row in shown.streams], len(view.streams)),
        ("GROUPS", groups.COLUMNS, [row for _, row in shown.groups], len(view.groups)),
        ("INSTANCES", instances.COLUMNS, [row for _, row in shown.instances], len(view.instances)),
    ):
        yield ""
        yield from _table(title, columns, rows, all_of, paper)
    yield ""
    yield from _happened(view, paper)
    yield from _wrapped(f"DEAD LETTERS  {_dead_letters(view)}", paper)
    yield from _wrapped(f"SERVER  {_server(view.snapshot.server)}", paper)
    yield from _unknown(view, paper)


def _totals(view: BusView, paper: Paper) -> Iterator[Cell]:
    """Label and figure in one cell, so that they stay together."""
    of = view.totals
    for word, rate in (
        ("in", of.rate_in),
        ("out", of.rate_out),
        ("ack", of.settle_rate),
        ("fail", of.fail_rate),
    ):
        yield Cell(f"{word} {format.rate(rate)}", "warn" if word == "fail" and rate else "")
    yield Cell(f"a look takes {view.poll_seconds * 1000:.0f} ms", "dim")


def _findings(view: BusView, paper: Paper) -> Iterator[str]:
    if not view.findings:
        line = overview.healthy(view, paper.marks)
        yield "".join(_coloured(cell.text, cell.level, paper) for cell in line).strip()
        return
    yield _heading("FINDINGS", f"{len(view.findings)}", paper)
    for finding in view.findings:
        yield from _finding(finding, paper)


def _finding(finding: Finding, paper: Paper) -> Iterator[str]:
    mark = f"{paper.marks.of(finding.severity)} {format.clean(finding.code)}"
    level: Level = "crit" if finding.severity is Severity.CRITICAL else "warn"
    name = overview.subject_name(finding)
    since = Cell(f"since {format.clock(finding.since_ms)}", "dim")
    yield _joined([Cell(mark, level), Cell(name, "strong"), since], paper)
    yield from _wrapped(finding.text, paper, indent="    ")
    yield from _wrapped(f"next: {finding.next_step}", paper, indent="    ")
    yield f"    read: {format.clean(finding.runbook)}"


def _table(
    title: str, columns: Sequence[Column], rows: Sequence[Row], all_of: int, paper: Paper
) -> Iterator[str]:
    count = f"{len(rows)}" if len(rows) == all_of else f"{len(rows)} of {all_of}"
    yield _heading(title, count, paper)
    if not rows:
        return
    placed = place_columns(columns, paper.width)
    yield _coloured(
        _line([Cell(each.name) for each in columns], columns, placed, None), "dim", paper
    )
    arranged = arrange(rows, sort=0, descending=columns[0].biggest_first, limit=MOST_ROWS)
    for row in arranged.rows:
        yield _line(row.cells, columns, placed, paper)
    if arranged.matched > MOST_ROWS:
        yield f"and {arranged.matched - MOST_ROWS:,} more; --json has all"


def _line(
    cells: Sequence[Cell], columns: Sequence[Column], placed: Iterable[Placed], paper: Paper | None
) -> str:
    parts = []
    for place in placed:
        cell = cells[place.column]
        text = fit(cell.text, place.width, right=columns[place.column].right)
        parts.append(text if paper is None else _coloured(text, cell.level, paper))
    return (" " * GAP).join(parts).rstrip()


def _happened(view: BusView, paper: Paper) -> Iterator[str]:
    entries = view.snapshot.journal[-_MOST_ENTRIES:]
    if not entries:
        return
    yield _heading("HAPPENED LATELY", f"{len(entries)}", paper)
    names = names_of(view)
    for entry in reversed(entries):
        line = "".join(cell.text for cell in entry_line(entry, names))
        yield fit(line, paper.width).rstrip()
    yield ""


def _dead_letters(view: BusView) -> str:
    dead = view.snapshot.dead_letters
    parts = [format.count(dead.count)]
    if view.dead_letter_growth:
        parts.append(f"{view.dead_letter_growth:,} of them new")
    if dead.count:
        parts.append(f"oldest {format.moment(dead.oldest_ms)}")
        parts.append(f"newest {format.moment(dead.newest_ms)}")
    return ", ".join(parts)


def _server(server: ServerSnapshot) -> str:
    most = f" of {format.size(server.max_bytes)}" if server.max_bytes else ""
    clients = "" if server.clients is None else f", {server.clients:,} connections"
    return (
        f"{server.product} {server.version}, up {format.age(server.uptime)}, "
        f"{format.size(server.used_bytes)}{most} used{clients}"
    )


def _unknown(view: BusView, paper: Paper) -> Iterator[str]:
    """Why figures are missing; each reason once, with what it is about."""
    of = view.snapshot
    reasons: dict[str, list[str]] = {}
    about: list[tuple[str, Mapping[str, str]]] = [("bus", of.unknown)]
    about += [(f"stream {each.key}", each.snapshot.unknown) for each in view.streams]
    about += [(f"group {each.name}", each.snapshot.unknown) for each in view.groups]
    about += [(f"instance {each.id}", each.unknown) for each in of.instances]
    about += [("dead letters", of.dead_letters.unknown), ("server", of.server.unknown)]
    for name, unknown in about:
        for field, why in unknown.items():
            reasons.setdefault(why, []).append(f"{field} of {name}")
    if not reasons:
        return
    yield ""
    yield _heading("NOT KNOWN", f"{sum(map(len, reasons.values()))}", paper)
    for why, fields in reasons.items():
        more = f" and {len(fields) - 3} more" if len(fields) > 3 else ""
        yield from _wrapped(f"{', '.join(fields[:3])}{more}: {why}", paper)


def _heading(title: str, count: str, paper: Paper) -> str:
    return f"{_coloured(title, 'strong', paper)} ({count})"


def _joined(cells: Iterable[Cell], paper: Paper) -> str:
    """Side by side, as many on a line as there is room for."""
    lines: list[list[Cell]] = [[]]
    used = 0
    for cell in cells:
        needed = cells_of(cell.text) + (2 if lines[-1] else 0)
        if lines[-1] and used + needed > paper.width:
            lines.append([])
            used, needed = 0, cells_of(cell.text)
        lines[-1].append(cell)
        used += needed
    return "\n".join(
        "  ".join(_coloured(cell.text, cell.level, paper) for cell in line) for line in lines
    )


def _wrapped(text: str, paper: Paper, *, indent: str = "") -> list[str]:
    return textwrap.wrap(
        format.clean(text),
        width=paper.width,
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_on_hyphens=False,
    )


def _coloured(text: str, level: Level, paper: Paper) -> str:
    code = _COLOURS.get(level) if paper.colours and text.strip() else None
    return text if code is None else f"\x1b[{code}m{text}\x1b[0m"
