"""The monitor as an app: one feed, one way through the screens, and what all of them share."""

import gc
import importlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Final

from textual.binding import ActiveBinding, Binding, BindingType
from textual.worker import Worker, WorkerState, WorkType

from eventbus_core.monitoring import Monitor

from .actions import Actions, AuditEntry
from .feed import Feed
from .finding_history import FindingHistory
from .format import clean
from .marks import marks
from .navigation import ROOTS, SCREENS, Place, Way
from .screens.monitor_screen import MonitorScreen
from .screens.table_state import TableState
from .settings import Settings
from .shell import Shell
from .status import connecting, standing_of, status_cells
from .table import Cell
from .update import Update

_COSTS_KEPT: Final = 30
_INTERVALS: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class MonitorApp(Shell):
    """Shows one monitor. What is collected does not depend on what is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                str(number),
                f"root('{name}')",
                f"{name.capitalize()}",
                show=False,
                id=f"go.{name}",
            )
            for number, name in enumerate(ROOTS, start=1)
        ),
        Binding("escape", "back", "Back", id="app.back"),
        Binding("question_mark", "help", "Help", id="app.help", key_display="?"),
        Binding("colon", "command_palette", "Commands", id="app.palette", key_display=":"),
        Binding("ctrl+p", "command_palette", "Commands", show=False, id="app.palette-too"),
        Binding("F", "find", "Find a message", show=False, id="app.find"),
        Binding("p", "freeze", "Freeze", id="app.freeze"),
        Binding("r", "look", "Look now", show=False, id="app.look"),
        Binding("plus", "slower(1)", "Longer interval", show=False, id="app.slower"),
        Binding("minus", "slower(-1)", "Shorter interval", show=False, id="app.faster"),
        Binding("b", "buses", "Other bus", show=False, id="app.buses"),
        Binding("y", "copy", "Copy", show=False, id="app.copy"),
        Binding("e", "export", "Export to a file", show=False, id="app.export"),
        Binding("m", "maximize", "Maximize", show=False, id="app.maximize"),
        Binding("t", "theme", "Theme", show=False, id="app.theme"),
        Binding("q", "quit", "Quit", id="app.quit"),
    ]

    def __init__(
        self,
        monitor: Monitor,
        settings: Settings,
        *,
        bus: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        root = settings.screen if settings.screen in ROOTS else ROOTS[0]
        self.DEFAULT_MODE = root  # type: ignore[misc]  # read when the app is made
        super().__init__(settings.theme)
        self.monitor = monitor
        self.settings = settings
        self.marks = marks(ascii_only=settings.ascii)
        self.now = clock
        self.audit: deque[AuditEntry] = deque(maxlen=500)
        """The newest actions, also refused ones."""
        self.actions = Actions(
            monitor,
            allowed=settings.allow_actions,
            audit=self.audit.append,
            audit_file=settings.audit_file,
        )
        self.feed = Feed(
            monitor,
            bus=bus or settings.bus or None,
            interval=settings.interval,
            thresholds=settings.thresholds,
            publish=self.take,
        )
        self.latest: Update | None = connecting(bus or settings.bus, settings.interval)
        """The newest update."""
        self.shown: Update | None = self.latest
        """The one that is shown: an older one while the display is frozen."""
        self.frozen = False
        self.way = Way(Place(root, filter=settings.filter))
        self._roots: dict[str, MonitorScreen] = {}
        for name in ROOTS:  # a mode each: it keeps its cursor and what it scrolled to
            self.add_mode(name, partial(self._root, self.way.here if name == root else Place(name)))
        self.table_states: dict[str, TableState] = {}
        """How tables were left, by the name of the screen."""
        self.finding_history = FindingHistory()
        self.bindings_for_help: tuple[ActiveBinding, ...] = ()
        """Those of the screen from which help was asked for."""
        self._costs: deque[float] = deque(maxlen=_COSTS_KEPT)

    # Start and end

    def on_mount(self) -> None:
        self.set_class(self.marks.ascii, "-ascii")
        # As a function: a coroutine that is never started would be complained about.
        look: WorkType[None] = self.feed.run
        self.run_worker(look, name="feed", exit_on_error=False)
        self.set_interval(1.0, self._tick)
        if not self.is_headless:
            self.call_after_refresh(_settle_memory)
        self.end_with_the_terminal()

    def _tick(self) -> None:
        """Ages and countdowns move on; a terminal that is gone is noticed."""
        self.look_for_terminal()
        screen = self.monitor_screen
        if screen is not None and self.latest is not None:
            screen.show_status(self.latest)

    # What there is to show

    def take(self, update: Update) -> None:
        """From the feed. Must not raise: a fault of a screen is no fault of the store."""
        if self.latest is not None and update.bus != self.latest.bus:
            self._costs.clear()
        if update.view is not None and (
            self.latest is None or update.sequence != self.latest.sequence
        ):
            self._costs.append(update.view.poll_seconds)
            self.finding_history.see(update.view)
        self.latest = update
        if not self.frozen or self.shown is None or self.shown.view is None:
            self.shown = update
        screen = self.monitor_screen
        if screen is not None:
            content = screen is self.screen and self.shown is update
            with self.batch_update():
                screen.present(update, self.shown, content=content)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Nothing should end the looks; if something does, nobody must take old figures for new."""
        if event.worker.name == "feed" and event.state is WorkerState.ERROR:
            self.say(f"nothing more is collected: {event.worker.error!r}", error=True)

    @property
    def monitor_screen(self) -> MonitorScreen | None:
        """The current screen, or the one below a dialog."""
        return next((s for s in reversed(self.screen_stack) if isinstance(s, MonitorScreen)), None)

    @property
    def root_name(self) -> str:
        """The screen at which the way here began."""
        return self.way.places[0].screen

    def status(
        self, update: Update, flags: Sequence[Cell]
    ) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
        """The status bar: from the left, and at the right end."""
        marks = self.marks
        if self.monitor.problem:
            flags = (Cell(f"{marks.warn} {clean(self.monitor.problem)}", "warn"), *flags)
        if self.frozen:
            flags = (Cell(f"{marks.paused} FROZEN", "warn"), *flags)
        standing = standing_of(
            self.settings, recorded=self.monitor.recorded, flags=flags, costs=self._costs
        )
        return status_cells(update, standing, self.now(), marks), ()

    # Going places

    def open(self, place: Place) -> None:
        """Go to a place: a root starts the way anew, anything else goes one step down."""
        if place.screen not in SCREENS:
            self.say(f"there is no screen {place.screen!r}", error=True)
        elif place.screen in ROOTS and not place.key and not place.filter:
            self._go_to_root(place)
        elif place != self.way.here:
            screen = self._made(place)
            self._leave_dialogs()
            self.way.down(place)
            self.push_screen(screen)

    def go_back(self) -> None:
        """One step up; from another root to the overview."""
        self._leave_dialogs()
        if self.way.back() is not None:
            self.pop_screen()
        elif self.way.here.screen != "overview":
            self._go_to_root(Place("overview"))

    def _go_to_root(self, place: Place) -> None:
        self._root(place)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.way.start(place)
        self.switch_mode(place.screen)

    def _root(self, place: Place) -> MonitorScreen:
        if place.screen not in self._roots:
            self._roots[place.screen] = self._made(place)
        return self._roots[place.screen]

    def _leave_dialogs(self) -> None:
        while len(self.screen_stack) > 1 and not isinstance(self.screen, MonitorScreen):
            self.pop_screen()

    def _made(self, place: Place) -> MonitorScreen:
        module, _, name = SCREENS[place.screen].partition(":")
        made = getattr(importlib.import_module(module), name)(place)
        assert isinstance(made, MonitorScreen)
        return made

    def choose_bus(self, name: str) -> None:
        """Show another bus from now on."""
        self.feed.choose_bus(name)
        self._go_to_root(Place(self.root_name))

    def get_key_display(self, binding: Binding) -> str:
        """As it stands in help and on the line of keys."""
        shown = super().get_key_display(binding)
        signs = self.marks.ascii or binding.key == "enter"
        return binding.key if signs and not shown.isascii() else shown

    # What the reader does

    def action_root(self, name: str) -> None:
        self.open(Place(name))

    async def action_back(self) -> None:
        screen = self.screen
        if screen.maximized is not None:
            screen.minimize()
        elif not isinstance(screen, MonitorScreen) or not screen.escaped():
            self.go_back()

    def action_help(self) -> None:
        if self.way.here.screen != "help":
            self.bindings_for_help = tuple(self.screen.active_bindings.values())
            self.open(Place("help"))

    def action_find(self) -> None:
        from .screens.prompt import PromptScreen

        self.push_screen(PromptScreen("Find a message by its id"), self._find)

    def _find(self, message_id: str | None) -> None:
        if message_id:
            self.open(Place("message", message_id, title=f"message {message_id}"))

    def action_buses(self) -> None:
        from .screens.bus_picker import BusPicker

        if self.latest is not None:
            self.push_screen(BusPicker(self.latest.buses, self.latest.bus), self._picked)

    def _picked(self, bus: str | None) -> None:
        if bus:
            self.choose_bus(bus)

    def action_freeze(self) -> None:
        self.frozen = not self.frozen
        if not self.frozen:
            self.shown = self.latest
        if (screen := self.monitor_screen) is not None:
            screen.redraw()

    def action_look(self) -> None:
        self.feed.poll_now()

    def action_slower(self, step: int) -> None:
        nearest = min(_INTERVALS, key=lambda seconds: abs(seconds - self.feed.interval))
        place = _INTERVALS.index(nearest) + step
        self.feed.interval = _INTERVALS[max(0, min(place, len(_INTERVALS) - 1))]

    def action_copy(self) -> None:
        screen = self.screen
        text = screen.copied() if isinstance(screen, MonitorScreen) else ""
        if text:
            self.copy(text)
        else:
            self.say("nothing to copy here")

    def action_export(self) -> None:
        screen = self.screen
        export = screen.exported() if isinstance(screen, MonitorScreen) else None
        if export is None:
            self.say("nothing to export here")
            return
        self.export(f"{self.way.here.screen}.{export.suffix}", export.text, export.what)


def _settle_memory() -> None:
    """After the first frame: what was loaded for it stays for good, and need not be looked through
    for garbage again and again."""
    gc.enable()  # the command starts without
    gc.freeze()
