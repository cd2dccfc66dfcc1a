"""Overview: is anything wrong, what exactly, since when, and what to do about it."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from eventbus_core.monitoring import Finding, StreamView

from ..format import clean
from ..navigation import Place, place_of
from ..rows import overview
from ..rows.streams import stream_name
from ..table import Cell
from ..update import Update
from ..widgets.keyed_table import KeyedTable
from ..widgets.line import Line, Lines
from .monitor_screen import Export, MonitorScreen

_BUSIEST: Final = 20
_BESIDE_PLOTS: Final = 94
"""Columns that the rest of the totals takes."""
_WIDEST_PLOT: Final = 20
_FRAME: Final = 6
"""Lines that are not for rows: status, title, totals, next step, keys."""
_ROOMY: Final = 14
"""Lines below the problems, from which on there is room for more than streams."""
_EVENTS: Final = 40


class OverviewScreen(MonitorScreen):
    """Problems first; one line when there is none."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.problems = KeyedTable(overview.COLUMNS, id="problems")
        self.healthy = Line(id="healthy")
        self.totals = Line(id="totals")
        self.next = Lines(id="next")
        self.busy = KeyedTable(overview.BUSY_COLUMNS, id="busy", empty="no streams yet")
        self.events = Lines(id="events")
        self._findings: dict[str, Finding] = {}
        self._by_stream: dict[str, StreamView] = {}
        self._had_problems = False

    def body(self) -> ComposeResult:
        yield self.totals
        yield self.healthy
        yield self.problems
        yield self.next
        with Container(id="below"):
            yield self.busy
            with Vertical(id="happened"):
                heading = Line(classes="heading")
                heading.show((Cell(" LATELY"),))
                yield heading
                yield self.events

    def show(self, update: Update) -> None:
        view, marks = update.view, self.app_.marks
        self._findings = {}
        if view is None:
            self._show_nothing(update)
            return
        self._findings = {overview.finding_key(each): each for each in view.findings}
        self._by_stream = {each.key: each for each in view.streams}
        self.totals.show(overview.totals(view, marks, plot=self._plot_width()))
        self.healthy.show(overview.healthy(view, marks))
        self._make_room(len(view.findings))
        self.problems.show(overview.rows(view, marks))
        self._show_next()
        self.busy.show(overview.busiest(view, marks, _BUSIEST))
        self.events.show(overview.happened(view, self.app_.finding_history, marks, _EVENTS))

    def copied(self) -> str:
        for table in (self.problems, self.busy):
            if table.has_focus and table.cursor_row is not None:
                return "  ".join(cell.text.strip() for cell in table.cursor_row.cells)
        return ""

    def exported(self) -> Export | None:
        app, update = self.app_, self.app_.shown
        if update is None or update.view is None:
            return None
        text = overview.as_text(update.view, app.marks, app.finding_history)
        return Export(text, "txt", "the overview")

    def flags(self) -> Sequence[Cell]:
        return (Cell("order held", "warn"),) if self.problems.held or self.busy.held else ()

    def on_keyed_table_opened(self, event: KeyedTable.Opened) -> None:
        event.stop()
        if event.table is self.busy:
            stream = self._by_stream.get(event.key)
            if stream is not None:
                self.app_.open(Place("stream", event.key, stream_name(stream)))
            return
        finding = self._findings.get(event.key)
        if finding is None:
            return
        place = place_of(finding.subject)
        if place is None:
            self.app_.say(f"{finding.code}: {finding.next_step}")
        else:
            self.app_.open(place)

    def on_keyed_table_cursor_moved(self, event: KeyedTable.CursorMoved) -> None:
        self._show_next()
        self.status_again()

    def on_keyed_table_released(self) -> None:
        self.redraw()

    def _show_nothing(self, update: Update) -> None:
        marks = self.app_.marks
        if update.link.state == "lost":
            line = Cell(f" {marks.crit} not reachable: {clean(update.link.error)}", "crit")
        elif update.link.state == "connecting":
            line = Cell(f" {marks.stale} connecting", "warn")
        else:
            line = Cell(f" {marks.stale} no bus in this store yet", "warn")
        self.totals.show((line,))
        self.healthy.show(())
        self.problems.show(())
        self.next.show(())
        self.busy.show(())
        self.events.show(())
        self._make_room(0)

    def _plot_width(self) -> int:
        """Of each of the four plots; 0 where there is no room."""
        width = self.app.size.width
        return min(_WIDEST_PLOT, (width - _BESIDE_PLOTS) // 4) if width >= 120 else 0

    def _make_room(self, problems: int) -> None:
        """The table of problems is as high as it needs to be, up to half of the screen."""
        rows = min(problems + 1, max(4, (self.app.size.height - _FRAME) // 2))
        self.set_class(self.app.size.height - _FRAME - rows >= _ROOMY, "-roomy")
        self.healthy.display = not problems
        self.next.display = self.problems.display = bool(problems)
        if problems:
            if self.problems.styles.height is None or self.problems.styles.height.value != rows:
                self.problems.styles.height = rows
        elif self.problems.has_focus or self.focused is None:
            self.busy.focus()
        if problems and not self._had_problems and not self.busy.touched:
            self.problems.focus()
        self._had_problems = bool(problems)

    def _show_next(self) -> None:
        key = self.problems.cursor_key
        finding = None if key is None else self._findings.get(key)
        self.next.show(overview.next_step(finding))
