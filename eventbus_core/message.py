"""What a handler receives."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Generic

import msgspec
from typing_extensions import TypeVar

from .modes import EventMode

T = TypeVar("T", default=Any)

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Message(msgspec.Struct, Generic[T], frozen=True, eq=False, kw_only=True):
    """One attempt to handle one message. Immutable.

    `id` is made by the sender and sorts by time; `attempt` counts from 1 over retries and
    crashes; `group` is the group that the delivery belongs to (None for broadcast and unicast).
    """

    id: str
    event: str
    data: T
    mode: EventMode
    source: str
    target: str | None = None
    timestamp_ms: int = 0
    headers: Mapping[str, str] = NO_HEADERS
    attempt: int = 1
    group: str | None = None

    @property
    def timestamp(self) -> datetime:
        """When the sender made the message, by the sender's clock (aware, UTC)."""
        return _EPOCH + timedelta(milliseconds=self.timestamp_ms)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be handled, kept with its reason.

    It belongs to one group (anycast) or to one instance (broadcast, unicast). `attempts` counts
    the starts of its handler. `message` is None when the stored bytes cannot be decoded.
    """

    id: str
    message: Message[Any] | None
    reason: str
    error: str
    traceback: str
    attempts: int
    instance: str
    group: str | None
    died_at: datetime
