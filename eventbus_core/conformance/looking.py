"""Finding one thing in what a monitor shows."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from ..snapshots import BusSnapshot, GroupSnapshot, InstanceSnapshot, StreamSnapshot
from ..transport import ChannelKind
from .peer import EVENT, GROUP

_NAMES: Final = {ChannelKind.WORK: (EVENT, GROUP), ChannelKind.INBOX: ("", "a")}


def stream_of(snapshot: BusSnapshot, kind: ChannelKind, name: str = "") -> StreamSnapshot:
    """The one stream of that kind and name. Raises AssertionError."""
    found = [each for each in snapshot.streams if (each.kind, each.name) == (kind, name)]
    assert len(found) == 1, f"{len(found)} streams {kind} {name!r} in {snapshot.streams}"
    return found[0]


def group_of(snapshot: BusSnapshot, kind: ChannelKind = ChannelKind.WORK) -> GroupSnapshot:
    """The group of the tests, or the reader of inbox ``a``. Raises AssertionError."""
    sought = (kind, *_NAMES[kind])
    found = [each for each in snapshot.groups if (each.kind, each.event, each.name) == sought]
    assert len(found) == 1, f"{len(found)} of {sought} in {snapshot.groups}"
    return found[0]


def instance_of(snapshot: BusSnapshot, instance_id: str) -> InstanceSnapshot:
    """The one instance with that id. Raises AssertionError."""
    found = [each for each in snapshot.instances if each.id == instance_id]
    assert len(found) == 1, f"{len(found)} of {instance_id!r} in {snapshot.instances}"
    return found[0]


def counts_of(group: GroupSnapshot) -> dict[str, int | None]:
    """How many messages are in which state."""
    names = ("lag", "pending", "waiting", "delayed", "settled")
    return {name: getattr(group, name) for name in names}


def without_reason(shown: object, where: str = "snapshot") -> Iterator[str]:
    """Names of numbers that are None without a word about why, in a snapshot and all below it.
    Times are left out: there may be nothing that they could belong to."""
    if isinstance(shown, tuple):
        for number, each in enumerate(shown):
            yield from without_reason(each, f"{where}[{number}]")
    elif is_dataclass(shown):
        unknown = getattr(shown, "unknown", {})
        for field in fields(shown):
            value: Any = getattr(shown, field.name)
            name = f"{where}.{field.name}"
            if value is None and not field.name.endswith("_ms") and not unknown.get(field.name):
                yield name
            yield from without_reason(value, name)
        names = {field.name for field in fields(shown)}
        yield from (f"{where}.unknown[{name!r}]" for name in unknown if name not in names)
