"""Writing to standard output, which may be a pipe."""

import os
import sys


def write(text: str) -> None:
    """Raises BrokenPipeError when nobody reads any more."""
    sys.stdout.write(text)
    sys.stdout.flush()


def nobody_reads() -> None:
    """After a BrokenPipeError: what is written from now on, also at exit, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
