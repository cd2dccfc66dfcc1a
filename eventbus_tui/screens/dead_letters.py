"""Dead letters one by one."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from ..format import clean
from ..letter_book import Letter
from ..navigation import Place
from ..rows import failures
from ..table import Cell, Column, Row
from ..update import Update
from .letter_actions import LetterAction, act
from .letter_reading import book_of, letters_text, read_letters
from .message import LETTER
from .table_screen import TableScreen


class DeadLettersScreen(TableScreen):
    """Those of one kind, or all; enter opens the message. Space marks, `a` marks all that the
    filter leaves; R redrives and X discards the marked ones, or the one under the cursor."""

    columns: ClassVar[Sequence[Column]] = failures.LETTERS
    default_sort: ClassVar[str] = "DIED"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="letters.mark"),
        Binding("a", "mark_all", "Mark all", show=False, id="letters.mark-all"),
        Binding("R", "redrive", "Redrive", id="letters.redrive"),
        Binding("X", "discard", "Discard", id="letters.discard"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.marked: set[str] = set()
        """Ids of letters."""
        self._letters: dict[str, Letter] = {}
        self._made_for: object = None
        self._rows: Sequence[Row] = ()

    def show(self, update: Update) -> None:
        read_letters(self, update)
        super().show(update)
        if not self._letters:
            self.table.say_empty(letters_text(self, update))

    def rows(self, update: Update) -> Sequence[Row]:
        book = book_of(self.app_)
        now = (book, book.changes, frozenset(self.marked))
        if now != self._made_for:
            self._made_for = now
            kind = self.place.key
            letters = [each for each in book.letters if not kind or failures.kind_key(each) == kind]
            self._letters = {each.id: each for each in letters}
            self.marked &= self._letters.keys()
            self._rows = failures.letter_rows(letters, self.marked)
        return self._rows

    def opened(self, key: str) -> Place | None:
        letter = self._letters.get(key)
        return None if letter is None else message_place(letter)

    def note(self) -> Sequence[Cell]:
        older = book_of(self.app_).older
        more = (Cell(f"{older:,} older ones not read  ", "warn"),) if older else ()
        return (*more, *super().note())

    def flags(self) -> Sequence[Cell]:
        marked = (Cell(f"{len(self.marked):,} marked", "warn"),) if self.marked else ()
        book = book_of(self.app_)
        failed = (Cell(f"letters: {clean(book.error)}", "crit"),) if book.error else ()
        return (*marked, *failed, *super().flags())

    def escaped(self) -> bool:
        if self.marked:
            self.marked.clear()
            self.redraw()
            return True
        return super().escaped()

    def neighbour(self, key: str, step: int) -> Place | None:
        """See MessageList."""
        keys = [row.key for row in self.table.shown]
        here = next(
            (i for i, each in enumerate(keys) if message_place(self._letters[each]).key == key),
            None,
        )
        if here is None or not 0 <= here + step < len(keys):
            return None
        self.table.go_to(keys[here + step])
        return message_place(self._letters[keys[here + step]])

    # What the reader does

    def action_mark(self) -> None:
        key = self.table.cursor_key
        if key is None:
            return
        self.marked ^= {key}
        self.redraw()
        self.table.action_move(1)

    def action_mark_all(self) -> None:
        """All that the filter leaves, those beyond the rows shown too; or none, when all are."""
        fitting = {row.key for row in self._rows if self._filter.empty or self._matches(row)}
        self.marked = set() if fitting <= self.marked else self.marked | fitting
        self.redraw()

    def action_redrive(self) -> None:
        self._act("redrive")

    def action_discard(self) -> None:
        self._act("discard")

    def _act(self, kind: LetterAction) -> None:
        latest = self.app_.latest
        ids = self.marked or {self.table.cursor_key or ""}
        letters = [letter for id, letter in self._letters.items() if id in ids]
        act(self.app_, kind, latest.bus if latest else "", letters)


def message_place(letter: Letter) -> Place:
    """Where the message of a letter is shown; one that cannot be decoded has no id."""
    if letter.message_id:
        return Place("message", letter.message_id, f"message {letter.message_id}")
    return Place("message", f"{LETTER}{letter.id}", f"dead letter {letter.id}")
