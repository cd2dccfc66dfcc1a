"""How many columns of a terminal a text takes, without a library for it. Pure."""

import unicodedata

_ZERO_WIDTH = ("Mn", "Me", "Cf")


def cells_of(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` columns: filled with spaces, or cut, with a sign at the end."""
    used = cells_of(text)
    if used > width:
        text, used = _cut(text, width - 1)
        text, used = f"{text}…", used + 1
    space = " " * (width - used)
    return space + text if right else text + space


def _cut(text: str, width: int) -> tuple[str, int]:
    used = 0
    for index, char in enumerate(text):
        wide = _width(char)
        if used + wide > width:
            return text[:index], used
        used += wide
    return text, used


def _width(char: str) -> int:
    if unicodedata.category(char) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
