"""Help: every key that works on the screen one came from, and what the signs mean."""

from collections.abc import Mapping, Sequence
from typing import Final

from textual.app import ComposeResult
from textual.binding import ActiveBinding

from ..format import NOT_YET, UNKNOWN
from ..marks import Marks
from ..navigation import Place
from ..table import Cell
from ..update import Update
from ..widgets.line import Lines
from ..widgets.scrolling import Scrolling
from .monitor_screen import Export, MonitorScreen

_AREAS: Final[Mapping[str, str]] = {
    "go": "Screens",
    "table": "In a table",
    "screen": "On this screen",
    "app": "Everywhere",
}
_KEYS: Final = 18
_FILTERS: Final = (
    ("word", "rows with that text"),
    ("re:EXPRESSION", "rows that a regular expression finds"),
    ("!word", "rows without it; ! turns any of these round"),
    ("lag>100  age<30s", "a field above or below; k, M, KB, MB, s, m, h"),
    ("state=dead  state!=ok", "a field that is, or is not"),
    ("event~pay", "a field that contains"),
)


class HelpScreen(MonitorScreen):
    """Made of the bindings that were live when it was opened: a key that is set otherwise stands
    here as it is set."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._lines = Lines(id="help")
        self._text: tuple[tuple[Cell, ...], ...] = ()

    def body(self) -> ComposeResult:
        with Scrolling():
            yield self._lines

    def on_mount(self) -> None:
        self.query_one(Scrolling).focus()

    def show(self, update: Update) -> None:
        if not self._text:
            self._text = self._all()
        self._lines.show(self._text)

    def exported(self) -> Export:
        text = "\n".join("".join(cell.text for cell in line).rstrip() for line in self._text)
        return Export(text, "txt", "help")

    def _all(self) -> tuple[tuple[Cell, ...], ...]:
        app = self.app_
        lines: list[tuple[Cell, ...]] = []
        for area, keys in self._areas(app.bindings_for_help).items():
            lines += [(), (Cell(f" {area}", "strong"),)]
            lines += [_line(signs, word) for word, signs in keys.items()]
        lines += [(), (Cell(" Filters", "strong"),)]
        lines += [_line(what, word) for what, word in _FILTERS]
        lines += [(), (Cell(" Signs", "strong"),), *_signs(app.marks)]
        lines += [
            (),
            (Cell(" To select text with the mouse, hold shift while dragging.", "dim"),),
        ]
        return tuple(lines[1:])

    def _areas(self, bindings: Sequence[ActiveBinding]) -> dict[str, dict[str, str]]:
        """Keys by what they do, by where they work."""
        found: dict[str, dict[str, list[str]]] = {}
        for active in bindings:
            binding = active.binding
            # Those without an id are Textual's own.
            area = _AREAS.get((binding.id or "app").partition(".")[0], "On this screen")
            word = binding.tooltip or binding.description
            if word:
                signs = found.setdefault(area, {}).setdefault(word, [])
                signs.append(self.app.get_key_display(binding))
        order = [*_AREAS.values()]
        return {
            area: {word: " ".join(signs) for word, signs in found[area].items()}
            for area in sorted(found, key=order.index)
        }


def _line(sign: str, word: str) -> tuple[Cell, ...]:
    return (Cell(f"   {sign.ljust(_KEYS)}", "anycast"), Cell(f" {word}"))


def _signs(marks: Marks) -> Sequence[tuple[Cell, ...]]:
    return (
        (
            Cell(f"   {marks.crit.ljust(_KEYS)}", "crit"),
            Cell(" critical: work stands still or is lost"),
        ),
        (Cell(f"   {marks.warn.ljust(_KEYS)}", "warn"), Cell(" warning: look at it today")),
        (Cell(f"   {marks.ok.ljust(_KEYS)}", "ok"), Cell(" ok")),
        (Cell(f"   {marks.live.ljust(_KEYS)}", "ok"), Cell(" the store answers")),
        (Cell(f"   {marks.stale.ljust(_KEYS)}", "warn"), Cell(" what is shown is old")),
        (
            Cell(f"   {f'{marks.up} {marks.down} {marks.flat}'.ljust(_KEYS)}"),
            Cell(" a backlog grows, shrinks, stays"),
        ),
        (Cell(f"   {UNKNOWN.ljust(_KEYS)}"), Cell(" the store does not tell this figure")),
        (Cell(f"   {NOT_YET.ljust(_KEYS)}"), Cell(" not known before a second look")),
    )
