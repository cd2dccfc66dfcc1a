"""One message: its life first, then what it says."""

import json
from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from eventbus_core.monitoring import (
    EventBusError,
    FoundMessage,
    InvalidMessageError,
)

from ..format import clean
from ..letter_book import Letter, letter_of
from ..lifecycle import life_of
from ..lifecycle_steps import Life
from ..message_export import exported_message, payload_of
from ..navigation import Place
from ..redact import describe
from ..rows.lines import Line, Part, part, plain
from ..rows.message import facts_part, headers_part, letter_part, life_part, missing_lines
from ..table import Cell
from ..update import Update
from ..widgets.panel import Panel
from ..widgets.payload_box import PayloadBox
from .choice import ChoiceScreen
from .letter_actions import LetterAction, act
from .letter_reading import book_of
from .message_list import MessageList
from .monitor_screen import Export, MonitorScreen

LETTER: Final = "letter:"
"""Before the id of a dead letter, as key of a place, where its message has no id."""
_EVERY: Final = 2.0
"""Seconds between two searches: each reads more than a look does."""
_MOST_LETTERS: Final = 20


class MessageScreen(MonitorScreen):
    """Looks for the message, again and again as long as something may happen to it."""

    DEFAULT_CSS = """
    MessageScreen #about { height: auto; max-height: 60%; }
    MessageScreen.-wide #body { layout: horizontal; }
    MessageScreen.-wide #about { width: 1fr; height: 1fr; max-height: 100%; }
    MessageScreen.-wide PayloadBox { width: 1fr; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "form(1)", "Tree, JSON, raw, hex", id="message.form"),
        Binding("V", "form(-1)", "Form before", show=False, id="message.form-back"),
        Binding("a", "everything", "All of it", show=False, id="message.all"),
        Binding("n", "neighbour(1)", "Next", id="message.next"),
        Binding("N", "neighbour(-1)", "Previous", show=False, id="message.previous"),
        Binding("y", "choose_copy", "Copy", id="message.copy"),
        Binding("J,ctrl+d", "scroll_about(1)", "Scroll down", show=False, id="message.down"),
        Binding("K,ctrl+u", "scroll_about(-1)", "Scroll up", show=False, id="message.up"),
        Binding("R", "redrive", "Redrive", show=False, id="message.redrive"),
        Binding("X", "discard", "Discard", show=False, id="message.discard"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.found: FoundMessage | None = None
        """As it was last found."""
        self.life: Life | None = None
        self.payload = PayloadBox()
        self._panels = [Panel() for _ in range(3 + _MOST_LETTERS)]
        self._searching = False
        self._searched_at: float | None = None
        self._trouble: Sequence[Line] = ()

    # The frame

    def body(self) -> ComposeResult:
        with VerticalScroll(id="about"):
            yield from self._panels
        yield self.payload

    def on_mount(self) -> None:
        self.query_one("#about").can_focus = False

    def show(self, update: Update) -> None:
        if self._due(update):
            self._searching = True
            self.run_worker(self._search(update.bus), group="search", exit_on_error=False)
        view = update.view
        if self.found is None:
            self._say(self._trouble or [plain("looking for it …", "dim")])
            return
        self.life = life_of(self.found, view)
        parts = [life_part(self.life, self.app_.marks)]
        letters = list(reversed(self.found.dead_letters))
        parts += [letter_part(each) for each in letters[:_MOST_LETTERS]]
        if self.found.message is not None:
            parts += [facts_part(self.found.message), headers_part(self.found.message)]
        self._fill(parts)

    def flags(self) -> Sequence[Cell]:
        if self.found is not None and self._trouble:
            text = "".join(cell.text for cell in self._trouble[0])
            return (Cell(f"{self.app_.marks.warn} {text}", "warn"),)
        return ()

    def exported(self) -> Export | None:
        if self.found is None:
            return None
        text = json.dumps(exported_message(self.found, self.life), indent=2, ensure_ascii=False)
        return Export(text, "json", "the message")

    def copied(self) -> str:
        if self.found is None:
            return ""
        return "\n\n".join(panel.text for panel in self._panels if panel.text)

    # Searching

    def _due(self, update: Update) -> bool:
        if self._searching or not update.bus or update.link.state in ("connecting", "lost"):
            return False
        if self._searched_at is None:
            return True
        if self.life is not None and self.life.final:
            return False
        return self.app_.now() - self._searched_at >= _EVERY

    async def _search(self, bus: str) -> None:
        try:
            found = await self._find(bus)
        except InvalidMessageError:
            self._trouble = [
                plain(f"{clean(self.place.key)} is no message id", "warn"),
                plain("Those have 32 hexadecimal digits, as emit returned them."),
            ]
        except EventBusError as exc:
            self._trouble = [plain(f"it could not be looked for: {clean(describe(exc))}", "crit")]
        else:
            self._take(found)
        finally:
            self._searching = False
            self._searched_at = self.app_.now()
        self.redraw()

    async def _find(self, bus: str) -> FoundMessage | None:
        app, key = self.app_, self.place.key
        if not key.startswith(LETTER):
            return await app.monitor.find(bus, key)
        letter = await book_of(app).fetch(app.monitor, bus, key.removeprefix(LETTER))
        if letter is None:
            return None
        return FoundMessage(message=None, deliveries=(), dead_letters=(letter,))

    def _take(self, found: FoundMessage | None) -> None:
        if found is None:
            self._trouble = self._missing()
            return
        first = self.found is None
        self.found, self._trouble = found, ()
        body, codec, note = payload_of(found)
        if first or body != self.payload.body:
            self.payload.show(body, codec, note)

    def _missing(self) -> Sequence[Line]:
        if self.found is not None:
            return [plain("not kept any more", "warn")]
        if self.place.key.startswith(LETTER):
            return [plain("this dead letter is not there any more", "warn")]
        latest = self.app_.latest
        return missing_lines(self.place.key, latest.view if latest else None)

    # Showing

    def _say(self, lines: Sequence[Line]) -> None:
        self._fill([part("Message", [plain(clean(self.place.key), "dim"), *lines])])
        self.payload.display = False

    def _fill(self, parts: Sequence[Part]) -> None:
        had, self.payload.display = self.payload.display, self.found is not None
        if self.payload.display and not had:
            self.call_after_refresh(self.payload.focus_view)
        for index, panel in enumerate(self._panels):
            panel.show_part(parts[index] if index < len(parts) else None)

    # What the reader does

    def action_form(self, step: int) -> None:
        self.payload.next_form(step)

    def action_everything(self) -> None:
        self.payload.show_everything()

    def action_scroll_about(self, direction: int) -> None:
        about = self.query_one("#about", VerticalScroll)
        about.scroll_relative(y=max(1, about.size.height - 2) * direction, animate=False)

    def action_neighbour(self, step: int) -> None:
        stack = self.app.screen_stack
        below: object = stack[-2] if len(stack) > 1 else None
        place = below.neighbour(self.place.key, step) if isinstance(below, MessageList) else None
        if place is None:
            self.app_.say("there is no other message in that direction")
            return
        self.app_.go_back()
        self.app_.open(place)

    def action_choose_copy(self) -> None:
        found = self.found
        if found is None:
            self.app_.say("nothing to copy here")
            return
        message_id = found.message.id if found.message else self.place.key
        texts = [
            ("the id", message_id),
            ("the payload", self.payload.whole_text),
            ("all that is shown", self.copied()),
            ("everything as JSON", (self.exported() or Export("", "", "")).text),
        ]

        def copy(chosen: int | None) -> None:
            if chosen is not None:
                self.app_.copy(texts[chosen][1])

        self.app.push_screen(ChoiceScreen("Copy what?", [name for name, _ in texts]), copy)

    def action_redrive(self) -> None:
        self._act("redrive")

    def action_discard(self) -> None:
        self._act("discard")

    def _act(self, kind: LetterAction) -> None:
        latest, found = self.app_.latest, self.found
        letters: Sequence[Letter] = (
            [letter_of(each) for each in found.dead_letters] if found is not None else []
        )
        self._searched_at = None  # it stands elsewhere soon
        act(self.app_, kind, latest.bus if latest else "", letters)
