"""What a monitor can read of a record (see records.py), whichever version wrote it."""

from typing import Any, Final, TypeVar

import msgspec

from eventbus_core.options import SharedOptions
from eventbus_core.transport import Subscription

from .records import FORMAT

T = TypeVar("T")
_NOTHING: Final = "the instance's record is missing until it announces itself again"


class Record:
    """One instance's record, read field by field."""

    def __init__(self, written: bytes | None, incarnation: str) -> None:
        self.unknown: dict[str, str] = {}
        """What could not be read, and why, by the name that a snapshot gives it."""
        self._fields: dict[str, Any] = {}
        self._reason = _NOTHING
        record = _decoded(written)
        # One of another incarnation tells about an earlier life of this id.
        if record is None or record.get("incarnation") != incarnation:
            return
        self._fields = record
        written_in = record.get("format")
        self._reason = "the instance's record cannot be read"
        if written_in != FORMAT:
            self._reason = (
                f"the instance announces itself in format {written_in}, and this version of "
                f"eventbus reads format {FORMAT}"
            )
            self.unknown["format"] = self._reason

    def read(self, name: str, default: T) -> T:
        """A field of the type of `default`; that itself, and a reason, where it cannot be read."""
        if name in self._fields:
            try:
                return msgspec.convert(self._fields[name], type(default))
            except (msgspec.ValidationError, TypeError):
                pass
        self.unknown[name] = self._reason
        return default

    def options(self) -> SharedOptions:
        return self.read("options", SharedOptions())

    def subscriptions(self) -> tuple[Subscription, ...]:
        """Those that can be read."""
        read = []
        each: object
        for each in self.read("subscriptions", []):
            try:
                read.append(msgspec.convert(each, Subscription))
            except msgspec.ValidationError:
                self.unknown["subscriptions"] = self._reason
        return tuple(sorted(read))


def _decoded(written: bytes | None) -> dict[str, Any] | None:
    try:
        record = msgspec.json.decode(written or b"")
    except msgspec.DecodeError:
        return None
    return record if isinstance(record, dict) else None
