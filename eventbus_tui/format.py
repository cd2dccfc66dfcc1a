"""Numbers, ages and texts as they stand on the screen and in reports. Pure."""

import math
import time
import unicodedata
from collections.abc import Sequence
from typing import Final

UNKNOWN: Final = "?"
"""For a number that the store does not give."""
NOT_YET: Final = "\N{EN DASH}"
"""For one that needs a second look."""

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS: Final = "_.-:=+*#"
_UNITS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(value: int | None) -> str:
    """``1,204``, ``18.2k``, ``3.1M``; a question mark for None."""
    if value is None:
        return UNKNOWN
    return f"{value:,}" if abs(value) < 10_000 else _scaled(value)


def rate(value: float | None) -> str:
    """Per second: ``0/s``, ``0.4/s``, ``12/s``, ``4.8k/s``; a dash for None."""
    if value is None:
        return NOT_YET
    if value == 0:
        return "0/s"
    if abs(value) < 10:
        return f"{value:.1f}/s" if abs(value) >= 0.05 else "<0.1/s"
    return f"{_scaled(value)}/s"


def size(value: int | None) -> str:
    """Bytes: ``640 B``, ``1.2 KB``, ``3.0 GB`` (powers of 1024)."""
    if value is None:
        return UNKNOWN
    amount, unit = float(value), "B"
    for bigger in ("KB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1024, bigger
    return f"{value} B" if unit == "B" else f"{amount:.1f} {unit}"


def age(seconds: float | None) -> str:
    """Coarse on purpose, so that rows change seldom: ``<1s``, ``4s``, ``15s`` (steps of 5),
    ``3m``, ``2h``, ``5d``; a dash for None, ``never`` for an infinite one."""
    if seconds is None:
        return NOT_YET
    if math.isinf(seconds):
        return "never"
    if seconds < 1:
        return "<1s"
    if seconds < 10:
        return f"{int(seconds)}s"
    if seconds < 60:
        return f"{int(seconds) // 5 * 5}s"
    if seconds < 3600:
        return f"{int(seconds) // 60}m"
    if seconds < 86_400:
        return f"{int(seconds) // 3600}h"
    return f"{int(seconds) // 86_400}d"


def share(value: float | None) -> str:
    """A part of one: ``92%``."""
    return UNKNOWN if value is None else f"{value * 100:.0f}%"


def clock(unix_ms: int | None, *, millis: bool = False) -> str:
    """The local time of day: ``14:03:22`` or ``14:03:22.104``."""
    if unix_ms is None:
        return NOT_YET
    text = time.strftime("%H:%M:%S", time.localtime(unix_ms / 1000))
    return f"{text}.{unix_ms % 1000:03d}" if millis else text


def moment(unix_ms: int | None) -> str:
    """Date and time with the offset from UTC: ``2026-03-01 14:03:22.104 +0000``."""
    if unix_ms is None:
        return NOT_YET
    local = time.localtime(unix_ms / 1000)
    return time.strftime(f"%Y-%m-%d %H:%M:%S.{unix_ms % 1000:03d} %z", local)


def spark(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """The newest `width` values as blocks, from zero to the largest of them: a steady rate is a
    high line, not a low one. Padded on the left."""
    shown = [max(0.0, value) for value in values[-width:]]
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    top = max(shown, default=0.0)
    drawn = "".join(
        blocks[min(len(blocks) - 1, math.ceil(value / top * len(blocks)) - 1)]
        if value
        else blocks[0]
        for value in shown
    )
    return drawn.rjust(width)


def clean(text: str) -> str:
    """On one line and harmless: what a terminal could take for a command, or what turns the
    direction of writing, becomes a visible sign."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_harmless, text))


def cut(text: str, width: int) -> str:
    """At most `width` characters, with a sign where something is missing."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _harmless(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)  # control pictures
    if code == 0x7F:
        return "\u2421"
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return "�"
    return char


def _scaled(value: float) -> str:
    for unit, sign in _UNITS:
        if abs(value) >= unit:
            return f"{value / unit:.1f}{sign}"
    return f"{value:.0f}"
