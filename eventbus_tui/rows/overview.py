"""What the overview shows: problems, totals, the busiest streams, what happened lately."""

from collections.abc import Iterable, Sequence
from typing import Final

from eventbus_core.monitoring import BusView, ChannelKind, Finding, Severity, TotalsView

from .. import format
from ..finding_history import Change
from ..marks import Marks
from ..table import Cell, Column, Level, Row
from .figures import filled, mode_of, number
from .journal import entry_line, names_of
from .lines import Line
from .state import finding_level
from .streams import stream_name

SPARK: Final = 10
_OF_TODAY: Final = 20 * 3600
"""Seconds; a time of day further back might be taken for today's."""
COLUMNS: Final = (
    Column(name="PROBLEM", width=18),
    Column(name="SUBJECT", width=22),
    Column(name="WHAT", width=18, grows=True),
    Column(name="SINCE", width=8, priority=1, right=True),
)
BUSY_COLUMNS: Final = (
    Column(name="BUSIEST STREAMS", width=15, grows=True),
    Column(name="MODE", width=9, priority=2),
    Column(name="IN/s", width=7, right=True),
    Column(name="TREND", width=SPARK, priority=3),
    Column(name="OUT/s", width=7, priority=1, right=True),
    Column(name="BACKLOG", width=7, right=True),
)


def rows(view: BusView, marks: Marks) -> tuple[Row, ...]:
    """One for each problem, worst first, then oldest first."""
    now_ms = view.snapshot.at_ms
    return tuple(
        _problem(finding, place, now_ms, marks) for place, finding in enumerate(view.findings)
    )


def finding_key(finding: Finding) -> str:
    """Stays the same as long as the same thing is wrong."""
    return "\0".join((finding.code, finding.subject.kind, finding.subject.key))


def subject_name(finding: Finding) -> str:
    """``group billing@orders``; harmless to show."""
    kind, _, name = finding.subject
    name = format.clean(name)
    return name if kind in ("bus", "monitor", "dead letters") and name else f"{kind} {name}".strip()


def healthy(view: BusView, marks: Marks) -> Line:
    """What stands in place of problems."""
    checked = ", ".join(
        f"{len(part):,} {word if len(part) != 1 else word.removesuffix('s')}"
        for part, word in (
            (view.groups, "groups"),
            (view.streams, "streams"),
            (view.instances, "instances"),
        )
    )
    return (Cell(f" {marks.ok} nothing wrong", "ok"), Cell(f", checked {checked}", "dim"))


def next_step(finding: Finding | None) -> tuple[Line, ...]:
    """What to do about the problem under the cursor."""
    if finding is None:
        return ()
    place = Cell(f" runbook: {format.clean(finding.runbook)}", "dim")
    return ((Cell(" next: ", "dim"), Cell(format.clean(finding.next_step), "strong")), (place,))


def totals(view: BusView, marks: Marks, *, plot: int) -> Line:
    """How many problems, and what goes in, out and wrong per second. `plot`: how wide the pictures
    are, which start at zero; 0 for none."""
    crit = sum(finding.severity is Severity.CRITICAL for finding in view.findings)
    warn = len(view.findings) - crit
    of = view.totals
    cells: list[Cell] = []
    if crit:
        cells.append(Cell(f" {marks.crit} {crit} critical", "crit"))
    if warn:
        cells.append(Cell(f" {marks.warn} {warn} warning", "warn"))
    for word, rate, history in _rates(of):
        level: Level = "warn" if word == "fail" and rate else ""
        cells += [
            Cell(f"  {word} " if cells else f" {word} ", "dim"),
            Cell(f"{format.rate(rate)}", level or "strong"),
        ]
        if plot:
            cells.append(Cell(f" {format.spark(history, plot, ascii_only=marks.ascii)}", level))
    cells += _dead_letters(view)
    return tuple(cells)


def busiest(view: BusView, marks: Marks, limit: int) -> tuple[Row, ...]:
    """The streams with the most messages in, and of equal ones those with the largest backlog."""
    order = sorted(
        view.streams,
        key=lambda each: (
            -round(each.rate_in or 0.0, 1),
            -(each.snapshot.backlog or 0),
            each.key,
        ),
    )
    growing = _growing(view)
    made: list[Row] = []
    for each in order[:limit]:
        mode = mode_of(each.snapshot.kind)
        growth = growing.get((each.snapshot.kind, each.snapshot.name))
        cells = (
            Cell(stream_name(each)),
            Cell(mode.word, mode.level),
            Cell(format.rate(each.rate_in)),
            Cell(format.spark(each.history, SPARK, ascii_only=marks.ascii)),
            Cell(format.rate(each.rate_out)),
            Cell(f"{format.count(each.snapshot.backlog)} {marks.trend(growth)}".rstrip()),
        )
        made.append(Row(each.key, cells, tuple(number(None) for _ in cells), {}))
    return tuple(made)


def happened(
    view: BusView, changes: Iterable[Change], marks: Marks, limit: int
) -> tuple[Line, ...]:
    """The newest entries of the journal and findings that came or went, newest first."""
    names = names_of(view)
    newest: list[tuple[int, Line]] = [
        (entry.at_ms, entry_line(entry, names)) for entry in view.snapshot.journal[-limit:]
    ]
    newest += [(change.at_ms, _change_line(change, marks)) for change in [*changes][-limit:]]
    if not newest:
        return ((Cell(" nothing out of the ordinary", "dim"),),)
    newest.sort(key=lambda pair: pair[0], reverse=True)
    return tuple((Cell(" "), *line) for _, line in newest[:limit])


def as_text(view: BusView, marks: Marks, changes: Iterable[Change]) -> str:
    """The overview as lines of text."""
    lines: list[Sequence[Cell]] = [totals(view, marks, plot=0)]
    lines += [row.cells for row in rows(view, marks)] or [healthy(view, marks)]
    lines += happened(view, changes, marks, 50)
    return "\n".join("  ".join(cell.text for cell in line).rstrip() for line in lines)


def _problem(finding: Finding, place: int, now_ms: int, marks: Marks) -> Row:
    name, text = subject_name(finding), format.clean(finding.text)
    level = finding_level(finding)
    cells = (
        Cell(f"{marks.of(finding.severity)} {format.clean(finding.code)}", level),
        Cell(name),
        Cell(text),
        Cell(_since(finding.since_ms, now_ms), "dim"),
    )
    return Row(
        key=finding_key(finding),
        cells=cells,
        sort=(place, name, text, finding.since_ms),
        values=filled(code=finding.code, severity=finding.severity.value, subject=name),
        problem=True,
    )


def _since(since_ms: int, now_ms: int) -> str:
    """A time of day; of what began long before, how long ago."""
    ago = (now_ms - since_ms) / 1000
    return format.clock(since_ms) if ago < _OF_TODAY else f"{format.age(ago)} ago"


def _rates(of: TotalsView) -> Sequence[tuple[str, float | None, Sequence[float]]]:
    return (
        ("in", of.rate_in, of.history_in),
        ("out", of.rate_out, of.history_out),
        ("ack", of.settle_rate, of.history_settle),
        ("fail", of.fail_rate, of.history_fail),
    )


def _dead_letters(view: BusView) -> Sequence[Cell]:
    count, growth = view.snapshot.dead_letters.count, view.dead_letter_growth
    if count == 0:
        return ()
    more = f" (+{growth:,})" if growth > 0 else ""
    return (
        Cell("  dead ", "dim"),
        Cell(f"{format.count(count)}{more}", "crit" if growth > 0 else "strong"),
    )


def _growing(view: BusView) -> dict[tuple[ChannelKind, str], float]:
    """By how much per second the backlog of each stream grows: of the group where it is worst."""
    worst: dict[tuple[ChannelKind, str], float] = {}
    for group in view.groups:
        if group.growth is not None:
            key = (group.snapshot.kind, group.snapshot.event or group.snapshot.name)
            worst[key] = max(worst.get(key, group.growth), group.growth)
    return worst


def _change_line(change: Change, marks: Marks) -> Line:
    finding = change.finding
    name = subject_name(finding)
    when = Cell(f"{format.clock(change.at_ms)}  ", "dim")
    code = format.clean(finding.code)
    if change.came:
        mark = Cell(f"{marks.of(finding.severity)} {code}", finding_level(finding))
        return (when, mark, Cell(f"  {name}: {format.clean(finding.text)}"))
    return (when, Cell(f"{marks.ok} {code} is over", "ok"), Cell(f"  {name}"))
