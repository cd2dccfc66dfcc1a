"""A process that dies, inside one process (see `eventbus_core.crash`)."""

from ..crash import crash

__all__ = ["crash"]
