"""The first frame: what the screens will show before anything is known, as plain text.

What paints the screens takes a while to load; so long the reader sees this instead of nothing.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from .marks import marks
from .navigation import TITLES
from .status import connecting, standing_of, status_cells
from .table import Cell

if TYPE_CHECKING:
    from .settings import Settings

_ENTER: Final = "\x1b[?1049h\x1b[2J\x1b[H\x1b[?25l"
"""The screen that programs have for themselves, empty, without a cursor."""
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"


@contextmanager
def first_frame(settings: "Settings") -> Iterator[None]:
    """Shows it, where there is a terminal. The screens take over; the block that makes them may
    fail, and then the terminal is as it was before."""
    # Textual writes to the same file.
    out = sys.__stderr__
    if out is None or sys.platform == "win32" or not _is_terminal():
        yield
        return
    try:
        width = os.get_terminal_size(out.fileno()).columns
        out.write(_ENTER + "\r\n".join(frame_lines(settings, width)))
        out.flush()
        yield
    except BaseException:
        out.write(_LEAVE)
        out.flush()
        raise


def frame_lines(settings: "Settings", width: int) -> Sequence[str]:
    """Status, place and state."""
    signs = marks(ascii_only=settings.ascii)
    update = connecting(settings.bus, settings.interval)
    standing = standing_of(settings, recorded=bool(settings.replay))
    lines: list[Sequence[Cell]] = [
        status_cells(update, standing, 0.0, signs),
        (Cell(f" {TITLES.get(settings.screen, '')}"),),
        (Cell(f" {signs.stale} connecting"),),
    ]
    return [signs.plain("".join(cell.text for cell in line))[:width] for line in lines]


def _is_terminal() -> bool:
    return all(
        file is not None and file.isatty() for file in (sys.stdin, sys.stdout, sys.__stderr__)
    )
