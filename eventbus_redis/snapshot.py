"""From what was read of one bus to the picture that a monitor shows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from eventbus_core.options import SharedOptions
from eventbus_core.snapshots import (
    BusSnapshot,
    DeadLettersSnapshot,
    GroupSnapshot,
    InstanceSnapshot,
    JournalEntry,
    StreamSnapshot,
)
from eventbus_core.transport import ChannelKind

from . import records
from .commands import Entry
from .faults import ReplyError, refusal
from .groups import Groups, id_ms
from .instances import instance_snapshots
from .look import Looks, Registries, StreamLook, fields, number, text
from .server_info import server_snapshot

_STREAM: Final = ("length", "added", "backlog", "oldest_ms", "newest_ms")
_DEAD: Final = ("count", "oldest_ms", "newest_ms")


def bus_snapshot(bus: str, where: str, known: Registries, looks: Looks) -> BusSnapshot:
    """Put together what the two bursts brought."""
    instances = instance_snapshots(known, looks.broadcast)
    groups_of = Groups(known, instances)
    streams, groups = [], []
    if known.options or looks.broadcast.length:
        behind = (each.behind or 0 for each in instances.values())
        streams.append(_stream(ChannelKind.BROADCAST, "", looks.broadcast, max(behind, default=0)))
    for place, look in looks.places.items():
        mine = groups_of.of(place, look)
        groups += mine
        streams.append(_stream(place.kind, place.name, look, _backlog(look, mine)))
    unreadable = next((look.fault for look in looks.places.values() if look.fault), None)
    options, unknown = _options(known.options)
    return BusSnapshot(
        bus=bus,
        at_ms=known.at_ms,
        streams=tuple(streams),
        groups=tuple(groups),
        instances=_with_pending(instances, groups, unreadable),
        absent=tuple(sorted({*known.remembered} - {each.id for each in instances.values()})),
        dead_letters=_dead_letters(looks.dead),
        totals=known.totals,
        journal=tuple(map(_journal_entry, known.journal)),
        options=options,
        server=server_snapshot(where, known.server),
        unknown=unknown,
    )


def _stream(kind: ChannelKind, name: str, look: StreamLook, backlog: int | None) -> StreamSnapshot:
    figures: list[int | None] = [
        look.length, number(look.counts.get("added")), backlog,
        id_ms(look.oldest), id_ms(look.newest),
    ]  # fmt: skip
    unknown = {}
    if look.fault is not None:
        figures = [None] * len(_STREAM)
        unknown = dict.fromkeys(_STREAM, f"the server {refusal(look.fault)}")
    size = look.size
    if isinstance(size, ReplyError):
        unknown["bytes"] = f"MEMORY USAGE: the server {refusal(size)}"
        size = None
    elif size is None:
        size = 0  # no such key
    return StreamSnapshot(
        kind=kind,
        name=name,
        bytes=size,
        unknown=unknown,
        **dict(zip(_STREAM, figures, strict=True)),
    )


def _backlog(look: StreamLook, groups: Sequence[GroupSnapshot]) -> int | None:
    """Of the group furthest behind; without any, all that is stored."""
    return max((group.backlog or 0 for group in groups), default=look.length)


def _with_pending(
    instances: Mapping[str, InstanceSnapshot],
    groups: Iterable[GroupSnapshot],
    unreadable: ReplyError | None,
) -> tuple[InstanceSnapshot, ...]:
    held: Counter[str] = Counter()
    for group in groups:
        held.update({each.incarnation: each.pending for each in group.consumers})
    if unreadable is None:
        found = [replace(each, pending=held[name]) for name, each in instances.items()]
    else:
        reason = {"pending": f"of one stream the server {refusal(unreadable)}"}
        found = [
            replace(each, pending=None, unknown={**each.unknown, **reason})
            for each in instances.values()
        ]
    return tuple(sorted(found, key=lambda each: (each.id, each.incarnation)))


def _dead_letters(look: StreamLook) -> DeadLettersSnapshot:
    if look.fault is not None:
        unknown = dict.fromkeys(_DEAD, f"the server {refusal(look.fault)}")
        return DeadLettersSnapshot(count=None, oldest_ms=None, newest_ms=None, unknown=unknown)
    return DeadLettersSnapshot(
        count=look.length, oldest_ms=id_ms(look.oldest), newest_ms=id_ms(look.newest)
    )


def _options(flat: Sequence[bytes]) -> tuple[SharedOptions | None, dict[str, str]]:
    try:
        return records.options_in_force(list(flat)), {}
    except ValueError:
        return None, {"options": "the options in force cannot be read"}


def _journal_entry(entry: Entry) -> JournalEntry:
    entry_id, flat = entry
    details = {name: text(value) for name, value in fields(flat).items()}
    kind = details.pop("kind", "")
    return JournalEntry(at_ms=int(entry_id.partition(b"-")[0]), kind=kind, details=details)
