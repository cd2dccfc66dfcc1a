"""What the library logs goes to a file or nowhere: the terminal belongs to others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logged_to(path: str | None) -> Iterator[None]:
    """Append it to the file while the context lasts, and pass it to nobody else."""
    log = logging.getLogger("eventbus_core")
    before = log.level, log.propagate
    handler: logging.Handler = logging.NullHandler()
    if path is not None:
        handler = logging.FileHandler(path, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
        log.setLevel(logging.INFO)
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
        log.level, log.propagate = before
