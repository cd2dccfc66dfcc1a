"""The dead letters that screens show: read when a look says that there are others."""

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual.worker import WorkType

from ..format import clean
from ..letter_book import LetterBook
from ..update import Update
from .monitor_screen import MonitorScreen

if TYPE_CHECKING:
    from ..app import MonitorApp

_books: "WeakKeyDictionary[MonitorApp, LetterBook]" = WeakKeyDictionary()


def book_of(app: "MonitorApp") -> LetterBook:
    """The dead letters as this app knows them; its screens share them."""
    return _books.setdefault(app, LetterBook())


def read_letters(screen: MonitorScreen, update: Update) -> None:
    """Begin to read, if there is something to read; the screen is drawn again after it."""
    app, view = screen.app_, update.view
    book = book_of(app)
    if view is None or not app.monitor.capabilities.redrive or update.link.state == "lost":
        return
    now = view.snapshot.dead_letters
    if not book.wants(update.bus, now):
        return

    async def read() -> None:
        await book.refresh(app.monitor, update.bus, now)
        screen.redraw()

    # Of the app, and as a function: it ends properly when the screen is left at once.
    work: WorkType[None] = read
    book.reading = True
    app.run_worker(work, group="letters", exit_on_error=False)


def letters_text(screen: MonitorScreen, update: Update) -> str:
    """What stands where no dead letter is to be seen; harmless already."""
    app = screen.app_
    book, marks = book_of(app), app.marks
    if not app.monitor.capabilities.redrive:
        return "this transport keeps no dead letters"
    if book.error:
        return f"{marks.crit} dead letters cannot be read: {clean(book.error)}"
    if update.view is None:
        return "nothing known yet" if update.bus else "no bus yet"
    if book.reading and not book.letters:
        return "reading the dead letters …"
    return f"{marks.ok} no dead letters"
