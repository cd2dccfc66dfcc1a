"""What all screens have: status, breadcrumb, body, keys; and how they take an update."""

import json
import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

from ..format import clean
from ..navigation import Place
from ..status import is_stale
from ..table import Cell
from ..update import Update
from ..widgets.key_line import KeyLine
from ..widgets.line import Line, Lines
from .small import problem_lines

if TYPE_CHECKING:
    from ..app import MonitorApp

_log = logging.getLogger("eventbus_tui")
_LEAST_WIDTH: Final = 60
_LEAST_HEIGHT: Final = 15


class Export(NamedTuple):
    """What a screen writes to a file."""

    text: str
    suffix: str
    """``json`` or ``txt``."""
    what: str
    """As ``41 rows``."""


def json_export(rows: object, count: int) -> Export:
    """`count` rows of tables as JSON."""
    text = json.dumps(rows, indent=2, ensure_ascii=False)
    # What UTF-8 has no place for becomes an escape, as JSON knows it.
    text = text.encode("utf-8", "backslashreplace").decode()
    return Export(text, "json", f"{count:,} rows" if count != 1 else "1 row")


class MonitorScreen(Screen[None]):
    """One place. A subclass gives `body` and `show`, and may give `note`, `flags`, `copied` and
    `exported`."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.trouble = ""
        """What went wrong in the last `show`; empty when nothing did."""
        self._ready = False

    @property
    def app_(self) -> "MonitorApp":
        """The app, by its own type."""
        from ..app import MonitorApp

        assert isinstance(self.app, MonitorApp)
        return self.app

    # For subclasses

    @abstractmethod
    def body(self) -> ComposeResult:
        """The widgets between title and keys."""

    @abstractmethod
    def show(self, update: Update) -> None:
        """Show this from now on; called after each look while this is the current screen, and when
        it becomes that. Writes only what differs."""

    def note(self) -> Sequence[Cell]:
        """What stands at the right end of the title, as how many rows there are."""
        return ()

    def flags(self) -> Sequence[Cell]:
        """What the status bar tells of this screen, as that the order is held."""
        return ()

    def copied(self) -> str:
        """What the copy key takes; empty for nothing."""
        return ""

    def exported(self) -> Export | None:
        """What the export key writes; None for nothing."""
        return None

    def escaped(self) -> bool:
        """The reader wants back: whether something on the screen was undone instead, as a
        filter."""
        return False

    # The frame

    def compose(self) -> ComposeResult:
        yield Line(id="status")
        yield Line(id="title")
        yield Lines(id="small")
        with Vertical(id="body"):
            yield from self.body()
        yield from self.below()
        yield KeyLine(id="keys")

    def below(self) -> ComposeResult:
        """What stands between body and keys."""
        yield from ()

    @property
    def is_small(self) -> bool:
        """Whether the terminal has room for a list of problems only."""
        width, height = self.app.size
        return width < _LEAST_WIDTH or height < _LEAST_HEIGHT

    @property
    def _has_frame(self) -> bool:
        """Whether the frame is there: not before it is mounted, and no more while the app ends."""
        return self._ready and any(child.id == "status" for child in self.children)

    def on_mount(self) -> None:
        self._ready = True
        self.redraw()

    def on_screen_resume(self) -> None:
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(self.is_small, "-small")
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Show again what is known."""
        app = self.app_
        if app.latest is not None and app.screen is self:
            self.present(app.latest, app.shown or app.latest)

    def present(self, newest: Update, visible: Update, *, content: bool = True) -> None:
        """Show an update, unless `content` is false or it cannot be shown: then only how it stands.

        `visible` is an older update while the display is frozen.
        """
        if not self._has_frame:
            return
        if self.is_small:
            self.query_one("#small", Lines).show(
                problem_lines(visible, self.app.size.height - 1, self.app_.marks)
            )
        elif content:
            self._show_guarded(visible)
        self.show_status(newest)

    def show_status(self, newest: Update) -> None:
        """Status and title, without the body."""
        if not self._has_frame:
            return
        app = self.app_
        self.set_class(is_stale(newest, app.now()), "-stale")
        flags = list(self.flags())
        if self.trouble:
            flags.insert(0, Cell(f"{app.marks.crit} display error: {self.trouble}", "crit"))
        self.query_one("#status", Line).show(*app.status(newest, flags))
        self.query_one("#title", Line).show(self._breadcrumb(), self.note())

    def status_again(self) -> None:
        """What the screen itself tells has changed."""
        if self.app_.latest is not None:
            self.show_status(self.app_.latest)

    def _show_guarded(self, update: Update) -> None:
        try:
            self.show(update)
        except Exception as exc:  # the monitor goes on, and says it
            trouble = clean(f"{type(exc).__name__}: {exc}")[:120]
            if trouble != self.trouble:
                _log.exception("%s cannot show an update", type(self).__name__)
            self.trouble = trouble
        else:
            self.trouble = ""

    def _breadcrumb(self) -> tuple[Cell, ...]:
        app = self.app_
        crumbs: list[Cell] = [Cell(" ")]
        places = app.way.places
        for number, place in enumerate(places):
            if number:
                crumbs.append(Cell(f" {app.marks.crumb} ", "dim"))
            last = number == len(places) - 1
            crumbs.append(Cell(clean(place.name), "strong" if last else "dim"))
        return tuple(crumbs)
