"""Exit statuses, and the error for a command line that makes no sense."""

from enum import IntEnum


class Status(IntEnum):
    """What the process ends with."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNREACHABLE = 3
    USAGE = 64

    @property
    def word(self) -> str:
        """As it stands in JSON."""
        return self.name.lower()


class UsageError(Exception):
    """What the user has to be told; the process ends with status 64. Never with a password."""
