"""What stands in a recording: a header, then one record a line, JSON.

Times `at` are seconds since the recording began. A look is written as what changed since the look
before it at the same bus, field by field, so that hours of a quiet bus are small.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

import msgspec

from ..errors import EventBusError
from ..snapshots import (
    BusSnapshot,
    DeliverySnapshot,
    GroupSnapshot,
    InstanceSnapshot,
    StoredMessage,
    StreamSnapshot,
)
from ..transport import ChannelKind, StoredDeadLetter
from .keys import group_key, stream_key

FORMAT: Final = "eventbus-recording"
VERSION: Final = 1

Fields: TypeAlias = dict[str, Any]
"""An object as JSON has it."""


class RecordingError(EventBusError):
    """A recording cannot be read or made; the text says why, and in which line."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: Literal["eventbus-recording"] = FORMAT
    version: int = VERSION
    library: str = ""
    """Version of this library that made it."""
    made_ms: int
    capabilities: tuple[str, ...]


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="record"):
    """One line."""

    at: float


class Buses(Record, frozen=True, kw_only=True, tag="buses"):
    names: tuple[str, ...]


class Items(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The changes of one list of a snapshot, by key."""

    changed: dict[str, Fields] = {}
    order: tuple[str, ...] | None = None
    """All keys in their order; None: as before."""


class Look(Record, frozen=True, kw_only=True, tag="look"):
    bus: str
    fields: Fields
    """Those of the snapshot that changed, the three lists aside."""
    streams: Items
    groups: Items
    instances: Items


class Lost(Record, frozen=True, kw_only=True, tag="lost"):
    """The store could not be reached."""

    error: str


class Messages(Record, frozen=True, kw_only=True, tag="messages"):
    """Stored messages that were not recorded before."""

    bus: str
    messages: tuple[StoredMessage, ...]


class Deliveries(Record, frozen=True, kw_only=True, tag="deliveries"):
    """Where one message stood."""

    bus: str
    kind: ChannelKind
    name: str
    position: str
    deliveries: tuple[DeliverySnapshot, ...]


class Letters(Record, frozen=True, kw_only=True, tag="dead letters"):
    """Dead letters that were not recorded before."""

    bus: str
    letters: tuple[StoredDeadLetter, ...]


class LetterGone(Record, frozen=True, kw_only=True, tag="dead letter gone"):
    """It was redriven or discarded through the monitor that recorded."""

    bus: str
    id: str


AnyRecord: TypeAlias = Buses | Look | Lost | Messages | Deliveries | Letters | LetterGone


class _List:
    """One list of a snapshot: how to tell its items apart, and the newest of each."""

    def __init__(self, kind: type, key: Callable[[Any], str]) -> None:
        self._kind = kind
        self._key = key
        self._objects: dict[str, Any] = {}
        self._fields: dict[str, Fields] = {}
        self._order: tuple[str, ...] = ()

    def difference(self, items: tuple[object, ...]) -> Items:
        """From the items before to these, which are kept."""
        objects, fields = {}, {}
        changed: dict[str, Fields] = {}
        for item in items:
            key = self._key(item)
            objects[key] = item
            old = self._fields.get(key)
            if old is not None and self._objects[key] is item:
                fields[key] = old
                continue
            new = fields[key] = msgspec.to_builtins(item)
            if difference := new if old is None else _changes(old, new):
                changed[key] = difference
        order = tuple(objects)
        items_changed = Items(changed=changed, order=None if order == self._order else order)
        self._objects, self._fields, self._order = objects, fields, order
        return items_changed

    def patched(self, items: Items) -> tuple[Any, ...]:
        """The items after these changes; the same object for what did not change. Raises
        msgspec.ValidationError or KeyError when they do not fit."""
        for key, changed in items.changed.items():
            fields = self._fields[key] = {**self._fields.get(key, {}), **changed}
            self._objects[key] = msgspec.convert(fields, self._kind)
        if items.order is not None:
            self._order = items.order
            self._objects = {key: self._objects[key] for key in items.order}
            self._fields = {key: self._fields[key] for key in items.order}
        return tuple(self._objects[key] for key in self._order)


class Looks:
    """The chain of looks at one bus, on the side that writes or on the one that reads."""

    def __init__(self) -> None:
        self._fields: Fields = {}
        self._streams = _List(StreamSnapshot, lambda each: stream_key(each.kind, each.name))
        self._groups = _List(
            GroupSnapshot, lambda each: group_key(each.kind, each.event, each.name)
        )
        self._instances = _List(InstanceSnapshot, lambda each: each.incarnation)

    def record(self, at: float, snapshot: BusSnapshot) -> Look:
        """What to write of this look."""
        rest = replace(snapshot, streams=(), groups=(), instances=())
        fields: Fields = msgspec.to_builtins(rest)
        old, self._fields = self._fields, fields
        return Look(
            at=at,
            bus=snapshot.bus,
            fields=_changes(old, fields),
            streams=self._streams.difference(snapshot.streams),
            groups=self._groups.difference(snapshot.groups),
            instances=self._instances.difference(snapshot.instances),
        )

    def replay(self, look: Look) -> BusSnapshot:
        """The look that was recorded. Raises msgspec.ValidationError or KeyError when it does not
        follow the one before."""
        self._fields = {**self._fields, **look.fields}
        rest = msgspec.convert(self._fields, BusSnapshot)
        return replace(
            rest,
            streams=self._streams.patched(look.streams),
            groups=self._groups.patched(look.groups),
            instances=self._instances.patched(look.instances),
        )


def _changes(old: Fields, new: Fields) -> Fields:
    """The fields of `new` that are not the same in `old`."""
    missing = object()
    return {name: value for name, value in new.items() if old.get(name, missing) != value}
