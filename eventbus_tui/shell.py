"""What is left of the app when one takes away what it shows: colours, notices, clipboard, files."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from textual.actions import ActionParseResult, SkipAction
from textual.app import App
from textual.command import Provider
from textual.dom import DOMNode

from .format import clean
from .theme import DEFAULTS, THEMES, next_theme, themes, without_colour

_log = logging.getLogger("eventbus_tui")
_LONGEST_COPY: Final = 74_994 // 4 * 3
"""Bytes. Many terminals drop more than 74,994 bytes of base64."""


def _names() -> type[Provider]:
    """The palette's commands, loaded when it is first opened."""
    from .palette import Names

    return Names


class Shell(App[None]):
    """An app that survives faults, and ends with its terminal."""

    TITLE = "eventbus-tui"
    CSS_PATH = "styles.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_names}
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # as Textual declares it
        (0, "-narrow"),
        (80, "-normal"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  # as Textual declares it
        (0, "-short"),
        (25, "-medium"),
        (36, "-tall"),
    ]

    def __init__(self, theme: str) -> None:
        # Colours can be left out only where they are the terminal's own; that is settled here.
        self._plain = without_colour()
        theme = "ansi" if self._plain else theme if theme in THEMES else THEMES[0]
        super().__init__(ansi_color=theme == "ansi" or None)
        for known in themes():
            self.register_theme(known)
        # Without its watcher, which would have everything styled again before the first frame.
        self.set_reactive(App.theme, theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def on_mount(self) -> None:
        if not self._plain:
            self.ansi_color = None  # from now on as the theme says

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DEFAULTS)

    def end_with_the_terminal(self) -> None:
        """From now on. Call `look_for_terminal` now and then too."""
        if self.is_headless or sys.platform == "win32":
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self.exit)

    def look_for_terminal(self) -> None:
        """Not every terminal says goodbye: one that is gone without a signal is noticed here."""
        if not self.is_headless and not _is_terminal():
            self.exit()

    def say(self, text: str, *, error: bool = False) -> None:
        """A short notice. The text may come from anywhere."""
        self.notify(clean(text), severity="error" if error else "information", markup=False)

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """What a key does may fail; the monitor stays."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except SkipAction:
            raise
        except Exception as exc:
            _log.exception("%s failed", action)
            self.say(f"that failed: {type(exc).__name__}: {exc}", error=True)
            return True

    def action_theme(self) -> None:
        if self._plain:
            self.say("NO_COLOR is set: there are no colours to choose from")
            return
        self.theme = next_theme(self.theme)

    def action_maximize(self) -> None:
        screen = self.screen
        if screen.maximized is not None:
            screen.minimize()
        elif screen.focused is not None:
            screen.maximize(screen.focused)

    def copy(self, text: str) -> None:
        """Into the clipboard of the terminal (OSC 52), and say how much."""
        data = text.encode("utf-8", "replace")
        kept = data[:_LONGEST_COPY].decode("utf-8", "ignore")
        self.copy_to_clipboard(kept)
        if len(data) > _LONGEST_COPY:
            self.say(
                f"copied the first {len(kept):,} of {len(text):,} characters: terminals take "
                "no more; export takes all"
            )
        else:
            self.say(f"copied {len(text):,} characters, if this terminal allows it")

    def save_picture(self) -> None:
        """The screen as it is, in a new file."""
        self.export("screen.svg", self.export_screenshot(), "the screen")

    def export(self, name: str, text: str, what: str) -> None:
        """Write a new file into the current folder, and say where; `what` it is, as ``41 rows``."""
        from .exporting import write_new

        try:
            path = write_new(name, text)
        except OSError as exc:
            self.say(f"not exported: {exc}", error=True)
        else:
            self.say(f"{what} written to {path}")


def _is_terminal() -> bool:
    """Whether the terminal is still there."""
    stdin = sys.__stdin__
    try:
        return stdin is not None and os.isatty(stdin.fileno())
    except (OSError, ValueError):
        return False
