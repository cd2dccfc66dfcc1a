"""Files that a reader asks for."""

import time
from pathlib import Path


def write_new(name: str, text: str) -> Path:
    """A new file in the current folder, called after the time and `name`; never over another one.
    Raises OSError."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    stem, _, suffix = name.rpartition(".")
    for number in range(100):
        more = f"-{number}" if number else ""
        path = Path(f"eventbus-{stem}-{stamp}{more}.{suffix}")
        try:
            with path.open("x", encoding="utf-8", errors="replace") as file:
                file.write(text)
                file.write("\n")
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"too many files of the name {path}")
