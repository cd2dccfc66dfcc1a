"""Writes reports to standard output."""

import os
import shutil
import sys
from typing import Final

from .filtering import Filter
from .marks import UNICODE, marks
from .report import Report
from .report_json import as_json
from .report_text import Paper, as_text
from .settings import Settings
from .stdout import write
from .usage import Status

_WIDTH: Final = 80
"""Where no terminal says how wide it is."""
_NARROWEST: Final = 40


class Output:
    """Where reports go, in the form that was asked for."""

    def __init__(self, settings: Settings, chosen: Filter) -> None:
        self._settings = settings
        self._filter = chosen
        self._paper = _paper(settings)
        self.status = Status.UNREACHABLE
        """Of the last report; before the first one nothing is known."""

    def write(self, report: Report) -> None:
        """Raises BrokenPipeError when nobody reads any more."""
        again, self.status = self._settings.watch > 0, report.status
        if self._settings.json:
            text = as_json(report, self._filter, indent=None if again else 2) + "\n"
        else:
            text = as_text(report, self._filter, self._paper) + ("\n" if again else "")
        write(text)


def _paper(settings: Settings) -> Paper:
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((_WIDTH, 0)).columns if terminal else _WIDTH
    plain = not terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Paper(
        width=max(_NARROWEST, width),
        marks=marks(ascii_only=settings.ascii or not _encodes(UNICODE.crit + UNICODE.ok)),
        colours=not plain,
    )


def _encodes(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
