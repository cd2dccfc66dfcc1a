"""What could not be handled, what is tried again, and what happened lately."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ..filtering import parse
from ..format import clean
from ..letter_book import Letter
from ..links import entry_place, group_place, group_with
from ..navigation import Place
from ..rows import failures
from ..table import Cell, Row
from ..update import Update
from ..widgets.filter_bar import FilterBar
from ..widgets.keyed_table import KeyedTable
from ..widgets.section import Section
from .letter_actions import LetterAction, act
from .letter_reading import book_of, letters_text, read_letters
from .monitor_screen import Export, MonitorScreen, json_export
from .shown import shown_view


class FailuresScreen(MonitorScreen):
    """Dead letters by kind, messages that are tried again, the journal. Tab goes from one table
    to the next. R and X act on all letters of the marked kinds, or of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="screen.filter", key_display="/"),
        Binding("s", "sort", "Sort", show=False, id="screen.sort"),
        Binding("S", "reverse", "Turn the sort", show=False, id="screen.reverse"),
        Binding("space", "mark", "Mark", id="letters.mark"),
        Binding("R", "redrive", "Redrive", id="letters.redrive"),
        Binding("X", "discard", "Discard", id="letters.discard"),
        Binding("d", "dead_letters", "All letters", show=False, id="failures.dead-letters"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.kinds = Section("Dead letters", failures.KINDS, "LAST", id="kinds")
        self.again = Section("Tried again", failures.AGAIN, "LAST RETRY", id="again")
        self.errors = Section("Happened lately", failures.ERRORS, "TIME", id="errors")
        self.bar = FilterBar()
        self.marked: set[str] = set()
        """Keys of kinds."""
        self._filter = parse(place.filter)
        self._kinds: dict[str, failures.LetterKind] = {}
        self._made_for: object = None
        self._chosen: KeyedTable | None = None
        """The table that was given the focus last, unasked."""

    # The frame

    def body(self) -> ComposeResult:
        yield from self._sections

    def below(self) -> ComposeResult:
        yield self.bar

    def on_mount(self) -> None:
        self.kinds.table.focus()
        if self.place.filter:
            self.bar.set(self.place.filter)

    def show(self, update: Update) -> None:
        read_letters(self, update)
        view, marks = update.view, self.app_.marks
        matches = None if self._filter.empty else self._matches
        self._take_letters()
        book = book_of(self.app_)
        note = [Cell(f"the newest {book.kept:,}, {book.older:,} are older  ", "warn")]
        self.kinds.show(
            failures.kind_rows(self._kinds, self.marked),
            matches=matches,
            empty=Cell(letters_text(self, update), "crit" if book.error else "ok"),
            note=note if book.older else (),
        )
        unknown = Cell("nothing known yet", "dim")
        self.again.show(
            failures.again_rows(view, marks) if view else (),
            matches=matches,
            empty=Cell(f"{marks.ok} nothing waits to be tried again", "ok") if view else unknown,
        )
        self.errors.show(
            failures.error_rows(view, marks) if view else (),
            matches=matches,
            empty=Cell(f"{marks.ok} nothing unusual is recorded", "ok") if view else unknown,
        )
        self._focus_somewhere()

    def note(self) -> Sequence[Cell]:
        cells: list[Cell] = []
        if self._filter.error:
            cells.append(Cell(f"{self.app_.marks.warn} {clean(self._filter.error)}  ", "warn"))
        elif self._filter.text:
            cells.append(Cell(f"filter: {clean(self._filter.text)}  ", "warn"))
        letters = sum(len(kind.letters) for kind in self._kinds.values())
        cells.append(Cell(f"{letters:,} dead letter{'' if letters == 1 else 's'} "))
        return cells

    def flags(self) -> Sequence[Cell]:
        flags: list[Cell] = []
        if self.marked:
            flags.append(Cell(f"{len(self.marked):,} marked", "warn"))
        if book_of(self.app_).error:
            flags.append(Cell(f"letters: {clean(book_of(self.app_).error)}", "crit"))
        if any(section.table.held for section in self._sections):
            flags.append(Cell("order held", "warn"))
        return flags

    def copied(self) -> str:
        row = self._section.table.cursor_row
        return "" if row is None else "  ".join(cell.text.strip() for cell in row.cells)

    def exported(self) -> Export:
        found = {
            section.title: [
                {
                    column.name: cell.text
                    for column, cell in zip(section.table.columns, row.cells, strict=True)
                }
                for row in section.table.shown
            ]
            for section in self._sections
        }
        count = sum(map(len, found.values()))
        return json_export(found, count)

    def escaped(self) -> bool:
        if self.marked:
            self.marked.clear()
            self.redraw()
            return True
        if not self._filter.text or self.place.filter:
            return False
        self.bar.set("")
        self.bar.remove_class("-open")
        return True

    @property
    def _sections(self) -> tuple[Section, ...]:
        return self.kinds, self.again, self.errors

    @property
    def _section(self) -> Section:
        """The one that keys act on."""
        return next((each for each in self._sections if each.table.has_focus), self.kinds)

    def _take_letters(self) -> None:
        book = book_of(self.app_)
        if (book, book.changes) != self._made_for:
            self._made_for = (book, book.changes)
            self._kinds = failures.kinds_of(book.letters)
        self.marked &= self._kinds.keys()

    def _matches(self, row: Row) -> bool:
        return self._filter.matches(" ".join(cell.text for cell in row.cells), row.values)

    def _focus_somewhere(self) -> None:
        """On the first table that has rows, until the reader has chosen; an empty one has no
        keys."""
        tables = [section.table for section in self._sections]
        if self.focused is not None and self.focused not in tables:
            return
        empty = self.focused is None or self._section.has_class("-empty")
        if empty or not any(table.touched for table in tables):
            full = (each.table for each in self._sections if not each.has_class("-empty"))
            chosen = next(full, None)
            if chosen is not None and chosen is not self._chosen:
                self._chosen = chosen
                self.call_after_refresh(chosen.focus)

    # What the reader does

    def action_filter(self) -> None:
        self.bar.open()

    def action_sort(self) -> None:
        self._section.sort_by_next()
        self.redraw()

    def action_reverse(self) -> None:
        self._section.reverse()
        self.redraw()

    def action_mark(self) -> None:
        key = self.kinds.table.cursor_key
        if key is not None and self._section is self.kinds:
            self.marked ^= {key}
            self.redraw()
            self.kinds.table.action_move(1)

    def action_redrive(self) -> None:
        self._act("redrive")

    def action_discard(self) -> None:
        self._act("discard")

    def action_dead_letters(self) -> None:
        self.app_.open(Place("dead-letters", "", "all dead letters"))

    def _act(self, kind: LetterAction) -> None:
        letters: list[Letter] = []
        if self._section is self.kinds:
            for key in self.marked or {self.kinds.table.cursor_key or ""}:
                if key in self._kinds:
                    letters += self._kinds[key].letters
        letters.sort(key=lambda letter: (letter.died_ms, letter.id))
        latest = self.app_.latest
        act(self.app_, kind, latest.bus if latest else "", letters)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        self._filter = event.filter
        for section in self._sections:
            section.table.release()
        self.redraw()

    def on_filter_bar_left(self) -> None:
        self._section.table.focus()

    def on_keyed_table_opened(self, event: KeyedTable.Opened) -> None:
        event.stop()
        place = self._place_of(event.table, event.key)
        if place is not None:
            self.app_.open(place)

    def on_keyed_table_cursor_moved(self) -> None:
        self.status_again()

    def on_keyed_table_released(self) -> None:
        self.redraw()

    def on_keyed_table_heading_pressed(self, event: KeyedTable.HeadingPressed) -> None:
        section = next(each for each in self._sections if each.table is event.table)
        section.sort_by(event.column)
        self.redraw()

    def _place_of(self, table: KeyedTable, key: str) -> Place | None:
        if table is self.kinds.table:
            kind = self._kinds.get(key)
            return None if kind is None else Place("dead-letters", key, failures.kind_title(kind))
        view = shown_view(self)
        if table is self.again.table:
            group = group_with(view, key)
            return None if group is None else group_place(group)
        entry = None if view is None else failures.entry_of(view, key)
        return None if entry is None else entry_place(view, entry)
