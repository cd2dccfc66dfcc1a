"""What a partly handled message remembers between deliveries: the `note` of a settlement.

Several handlers of one event may share a delivery. When some have finished and others failed, only
the failed ones run again, perhaps in another process: the note names the finished ones.
"""

import msgspec

from .transport import Death


class Progress(msgspec.Struct, omit_defaults=True):
    """Which handlers are through, and the first reason to keep the message as a dead letter."""

    finished: list[str] = []
    death: Death | None = None

    def note(self) -> str:
        """The text to store; empty when there is nothing to remember."""
        if not self.finished and self.death is None:
            return ""
        return msgspec.json.encode(self).decode()


def read_note(note: str) -> Progress:
    """Parse a stored note. One that cannot be read means only that handlers run again."""
    if not note:
        return Progress()
    try:
        return msgspec.json.decode(note, type=Progress)
    except (msgspec.DecodeError, UnicodeError):
        return Progress()
