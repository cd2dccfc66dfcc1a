"""Ids: unique without asking anybody, and sortable by the time they were made."""

import os
import re
import secrets
import threading
from typing import Final

from .clock import Clock

_MESSAGE_ID: Final = re.compile("[0-9a-f]{32}")


def new_instance_id() -> str:
    """A fresh instance id: 16 random hexadecimal digits."""
    return secrets.token_hex(8)


class MessageIds:
    """Makes message ids: 32 hexadecimal digits that sort by time, then by order of making.

    12 digits of Unix milliseconds, 6 of a counter that only restarts with a later millisecond,
    14 random ones fixed for this source. Safe to call from several threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tail = os.urandom(7).hex()
        self._last_ms = 0
        self._counter = 0

    def next(self) -> tuple[str, int]:
        """Return a new id and the Unix milliseconds in it."""
        with self._lock:
            now_ms = int(self._clock.time() * 1000)
            # A clock that steps back, or a full counter, must not break the order.
            if now_ms <= self._last_ms:
                now_ms = self._last_ms
                self._counter += 1
                if self._counter > 0xFFFFFF:
                    now_ms += 1
                    self._counter = 0
            else:
                self._counter = 0
            self._last_ms = now_ms
            return f"{now_ms:012x}{self._counter:06x}{self._tail}", now_ms


def new_incarnation() -> str:
    """The name of one life of an instance, never used again: 20 random hexadecimal digits."""
    return secrets.token_hex(10)


def made_at(message_id: object) -> int | None:
    """The Unix milliseconds in a message id; None when it is not such an id."""
    if not isinstance(message_id, str) or not _MESSAGE_ID.fullmatch(message_id):
        return None
    return int(message_id[:12], 16)
