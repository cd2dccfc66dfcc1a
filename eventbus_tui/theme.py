"""Colours by meaning, for dark, light and plain terminals."""

import os
from typing import Final

from textual.theme import BUILTIN_THEMES, Theme

THEMES: Final = ("dark", "light", "ansi")
"""In the order in which a key changes them."""

_DARK: Final = {
    "ok": "#6fcf7f",
    "warn": "#f2c14e",
    "crit": "#ff6b6b",
    "stale": "#9aa4b2",
    "quiet": "#8b95a5",
    "broadcast": "#c3a6ff",
    "unicast": "#6cc7e8",
    "anycast": "#8fd6b4",
    "bar": "#1c2430",
    "cursor": "#2c4058",
    "cursor-blurred": "#222c3a",
}
_LIGHT: Final = {
    "ok": "#1b6b2f",
    "warn": "#7a4b00",
    "crit": "#b3141f",
    "stale": "#59636e",
    "quiet": "#59636e",
    "broadcast": "#6a2fb5",
    "unicast": "#0b5f80",
    "anycast": "#1b6b4a",
    "bar": "#dde3ea",
    "cursor": "#c4daf2",
    "cursor-blurred": "#e3e9f0",
}
_ANSI: Final = {
    "ok": "ansi_green",
    "warn": "ansi_yellow",
    "crit": "ansi_red",
    "stale": "ansi_default",
    "quiet": "ansi_default",
    "broadcast": "ansi_magenta",
    "unicast": "ansi_cyan",
    "anycast": "ansi_blue",
    "bar": "ansi_default",
    "cursor": "ansi_default",
    "cursor-blurred": "ansi_default",
}
DEFAULTS: Final = _DARK
"""What the variables are in a theme that does not say."""


def themes() -> tuple[Theme, ...]:
    """Dark and light have their own colours, ansi those of the terminal."""
    return (
        Theme(
            name="dark",
            primary="#5aa9e6",
            secondary="#3d7ea6",
            accent="#f2c14e",
            warning=_DARK["warn"],
            error=_DARK["crit"],
            success=_DARK["ok"],
            foreground="#dfe5ec",
            background="#11161d",
            surface="#11161d",
            panel="#1c2430",
            variables=_DARK,
        ),
        Theme(
            name="light",
            primary="#0b5f9e",
            secondary="#3d7ea6",
            accent="#7a4b00",
            warning=_LIGHT["warn"],
            error=_LIGHT["crit"],
            success=_LIGHT["ok"],
            foreground="#1b2129",
            background="#fbfcfd",
            surface="#fbfcfd",
            panel="#eef1f5",
            dark=False,
            variables=_LIGHT,
        ),
        Theme(
            name="ansi",
            ansi=True,
            primary="ansi_blue",
            secondary="ansi_cyan",
            accent="ansi_magenta",
            warning="ansi_yellow",
            error="ansi_red",
            success="ansi_green",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            variables={**BUILTIN_THEMES["ansi-dark"].variables, **_ANSI},
        ),
    )


def without_colour() -> bool:
    """Whether the reader wants no colours (no-color.org); decided as Textual does."""
    return "NO_COLOR" in os.environ


def next_theme(name: str) -> str:
    return THEMES[(THEMES.index(name) + 1) % len(THEMES)] if name in THEMES else THEMES[0]
