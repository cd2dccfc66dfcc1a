"""Screens as they were once found right: their text and their picture, kept in files.

`UPDATE_GOLDENS=1` writes them anew.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Final

from textual.app import App

FOLDER: Final = Path(__file__).parent / "goldens"
UPDATE: Final = "UPDATE_GOLDENS"
_IDS: Final = re.compile(r"terminal-\d+")
_FONTS: Final = re.compile(r"\n\s*@font-face \{.*?\}", re.S)


def screen_text(app: App[None]) -> str:
    """What stands on the screen, without the spaces at the end of lines."""
    lines = (strip.text.rstrip() for strip in app.screen._compositor.render_strips())
    return "\n".join(lines).rstrip() + "\n"


def screen_picture(app: App[None]) -> str:
    """The screen with its colours, as SVG that is the same for the same screen."""
    svg = app.export_screenshot(title="eventbus-tui", simplify=True)
    return _FONTS.sub("", _IDS.sub("terminal", svg)).rstrip() + "\n"


def check_golden(app: App[None], name: str, *, picture: bool = True) -> None:
    """Compare the screen with the files of that name."""
    compare(f"{name}.txt", screen_text(app))
    if picture:
        compare(f"{name}.svg", screen_picture(app))


def compare(name: str, now: str) -> None:
    """Fail with the difference, or write the file where that is asked for."""
    path = FOLDER / name
    if os.environ.get(UPDATE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, "utf-8")
        return
    assert path.exists(), f"there is no {name} yet: look at the screen, then set {UPDATE}=1"
    kept = path.read_text("utf-8")
    if now != kept:
        lines = difflib.unified_diff(
            kept.splitlines(), now.splitlines(), f"{name} as kept", f"{name} now", lineterm="", n=1
        )
        told = "\n".join(line[:200] for line in lines)
        raise AssertionError(f"{name} differs; if that is right, set {UPDATE}=1\n{told}")
