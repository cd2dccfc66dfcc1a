"""Live messages of all modes, and what happened between them."""

import asyncio
import json
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkType

from .. import format
from ..filtering import parse
from ..flow_buffer import FlowBuffer
from ..flow_counts import FlowCounts
from ..flow_export import exported_row
from ..flow_rows import FlowRow, JournalRow, row_text
from ..flow_tail import EVERY, FlowTail
from ..format import clean
from ..links import entry_place
from ..navigation import Place
from ..table import Cell
from ..update import Update
from ..widgets.filter_bar import FilterBar
from ..widgets.flow_view import FlowHeading, FlowView
from ..widgets.line import Line
from .monitor_screen import Export, MonitorScreen
from .shown import shown_view


class FlowScreen(MonitorScreen):
    """Reads the newest messages while it is on the screen; what it has read stays when it is
    not. Counters are exact, rows are a sample when there are too many."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="flow.filter", key_display="/")
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.buffer = FlowBuffer()
        self.counts = FlowCounts()
        self.view = FlowView(self.buffer, id="flow-view")
        self.bar = FilterBar()
        self._tail: FlowTail | None = None
        self._worker: Worker[None] | None = None
        self._bus = ""

    # The frame

    def body(self) -> ComposeResult:
        yield Line(id="flow-counts")
        yield FlowHeading(self.view)
        yield self.view
        yield Line(id="flow-newer")

    def below(self) -> ComposeResult:
        yield self.bar

    def on_mount(self) -> None:
        self.view.focus()
        if self.place.filter:
            self.bar.set(self.place.filter)
            self.buffer.filter_by(parse(self.place.filter))

    def on_screen_resume(self) -> None:
        # As a function: it may be cancelled before it starts, and then there is no coroutine.
        work: WorkType[None] = self._read
        self._worker = self.run_worker(
            work, name="flow", group="flow", exclusive=True, exit_on_error=False
        )

    def on_screen_suspend(self) -> None:
        if self._worker is not None:
            self._worker.cancel()

    def show(self, update: Update) -> None:
        self._follow_bus(update.bus)
        if update.view is not None:
            self.counts.look(update.view.snapshot)
            if self.buffer.look(update.view):
                self.view.look_changed()
        self._rows_changed()

    def note(self) -> Sequence[Cell]:
        marks, filter = self.app_.marks, self.buffer.filter
        cells: list[Cell] = []
        if filter.error:
            cells.append(Cell(f"{marks.warn} {clean(filter.error)}  ", "warn"))
        elif filter.text:
            cells.append(Cell(f"filter: {clean(filter.text)}  ", "warn"))
            cells.append(Cell(f"{len(self.buffer.shown):,} of "))
        cells.append(Cell(f"{len(self.buffer):,} rows "))
        return cells

    def flags(self) -> Sequence[Cell]:
        flags: list[Cell] = []
        if self._tail is not None and self._tail.sampled:
            flags.append(Cell("sampled", "warn"))
        if not self.view.following:
            flags.append(Cell("follow off", "warn"))
        return flags

    def copied(self) -> str:
        row = self.view.cursor_row
        if row is None:
            return ""
        clock = format.moment(row.stored_ms)
        return f"{clock}  {row_text(row, self.buffer.audience)}"

    def exported(self) -> Export | None:
        rows = self.buffer.shown
        lines = (json.dumps(exported_row(row, self.buffer.audience)) for row in rows)
        return Export("\n".join(lines), "jsonl", f"{len(rows):,} rows") if rows else None

    def escaped(self) -> bool:
        if not self.bar.filter.text or self.place.filter:
            return False
        self.bar.set("")
        self.bar.remove_class("-open")
        return True

    # Reading

    async def _read(self) -> None:
        """Read for ever, while this is the current screen."""
        app = self.app_
        while True:
            update, wait = app.latest, EVERY
            if update is not None and update.bus and not app.frozen:
                self._follow_bus(update.bus)
                wait = await self._read_once(update)
            await asyncio.sleep(wait)

    async def _read_once(self, update: Update) -> float:
        if self._tail is None:
            self._tail = FlowTail(self.app_.monitor, self.buffer, self.counts, self.app_.now)
        tail, app = self._tail, self.app_
        at_ms = update.view.snapshot.at_ms if update.view is not None else 2**62
        wait = await tail.read(update.bus, at_ms, lambda: tail is self._tail and not app.frozen)
        with app.batch_update():
            self._rows_changed()
            self.status_again()
        return wait

    async def _filter_on(self) -> None:
        """Look through the older rows, between keys."""
        more = True
        while more:
            await asyncio.sleep(0.01)
            more = self.buffer.filter_more()
        self._rows_changed()

    def _follow_bus(self, bus: str) -> None:
        if bus == self._bus:
            return
        self._bus, self._tail = bus, None
        self.counts = FlowCounts()
        self.buffer.clear()
        self.view.look_changed()

    def _rows_changed(self) -> None:
        self.view.say_empty(self._empty_text())
        self.view.rows_changed()
        self._tell()

    def _tell(self) -> None:
        """The lines around the rows."""
        self.query_one("#flow-counts", Line).show(self._counted(), self._followed())
        below = self.query_one("#flow-newer", Line)
        if self.view.following:
            below.show((Cell(" following the newest; up or f: stay here", "dim"),))
            return
        down = "v" if self.app_.marks.ascii else "↓"
        rule = "-" if self.app_.marks.ascii else "─"
        text = f" {self.view.newer:,} newer {down} (End) "
        side = max(0, self.app.size.width - len(text)) // 2
        below.show((Cell(rule * side, "dim"), Cell(text, "warn"), Cell(rule * (side + 1), "dim")))

    def _counted(self) -> Sequence[Cell]:
        marks, counts, tail = self.app_.marks, self.counts, self._tail
        if tail is not None and tail.error:
            left = format.age(max(0.0, tail.retry_at - self.app_.now()))
            text = f" {marks.crit} no rows: {clean(tail.error)}, again in {left}"
            return (Cell(text, "crit"),)
        sampled = " (sampled)" if tail is not None and tail.sampled else ""
        cells = [
            Cell(f" {format.rate(counts.stored_rate)} stored, "),
            Cell(f"{format.rate(counts.shown_rate)} shown{sampled}", "warn" if sampled else ""),
        ]
        if counts.since_ms is not None:
            least = "at least " if counts.partly else ""
            cells.append(
                Cell(
                    f" {marks.dot} {least}{counts.stored:,} stored, {counts.shown:,} shown"
                    f" since {format.clock(counts.since_ms)}",
                    "dim",
                )
            )
        return cells

    def _followed(self) -> Sequence[Cell]:
        if self.app_.frozen:
            return (Cell(f"{self.app_.marks.paused} FROZEN ", "warn"),)
        if self.view.following:
            return (Cell("FOLLOW ", "ok"),)
        return (Cell("FOLLOW OFF ", "warn"),)

    def _empty_text(self) -> str:
        if len(self.buffer):
            return f"none of {len(self.buffer):,} rows matches"
        if self._tail is None or not self._tail.begun:
            return "nothing known yet"
        return "no message is stored here"

    # What the reader does

    def action_filter(self) -> None:
        self.bar.open()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        if self.buffer.filter_by(event.filter):
            work: WorkType[None] = self._filter_on
            self.run_worker(work, group="filter", exclusive=True, exit_on_error=False)
        self.view.look_changed()
        self._rows_changed()
        self.status_again()

    def on_filter_bar_left(self) -> None:
        self.view.focus()

    def on_flow_view_moved(self) -> None:
        self._tell()
        self.status_again()

    def on_flow_view_opened(self, event: FlowView.Opened) -> None:
        place = self._place_of(event.row)
        if place is not None:
            self.app_.open(place)

    def neighbour(self, key: str, step: int) -> Place | None:
        """See MessageList."""
        row, rows = self.view.cursor_row, self.buffer.shown
        if row is None or isinstance(row, JournalRow) or row.id != key:
            return None
        index = self.buffer.index_of((row.order, row.number)) + step
        while 0 <= index < len(rows):
            found = rows[index]
            if not isinstance(found, JournalRow) and found.id:
                self.view.go_to(found)
                return _message_place(found.id)
            index += step
        return None

    def _place_of(self, row: FlowRow) -> Place | None:
        if not isinstance(row, JournalRow):
            if row.id:
                return _message_place(row.id)
            self.app_.say(f"it cannot be read: {row.problem}", error=True)
            return None
        return entry_place(shown_view(self), row.entry)


def _message_place(message_id: str) -> Place:
    return Place("message", message_id, f"message {message_id}")
