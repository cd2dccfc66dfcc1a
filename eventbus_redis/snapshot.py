"""From what was read of one bus to the picture that a monitor shows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from eventbus_core.options import SharedOptions
from eventbus_core.snapshots import (
    BusSnapshot,
    DeadLettersSnapshot,
    GroupSnapshot,
    InstanceSnapshot,
    JournalEntry,
    StreamSnapshot,
)

from . import records
from .announcements import Announced
from .commands import Entry
from .faults import ReplyError, refusal
from .groups import Groups
from .instances import Instances
from .look import Looks, StreamLook
from .registries import Place, Registries
from .replies import fields, id_ms, number, text
from .server_info import server_snapshot
from .sizes import Size

_STREAM: Final = ("length", "added", "backlog", "oldest_ms", "newest_ms")
_DEAD: Final = ("count", "oldest_ms", "newest_ms")


class _Made(NamedTuple):
    """The snapshot of one stream, and what it was made of."""

    look: StreamLook
    groups: Sequence[GroupSnapshot]
    size: Size
    stream: StreamSnapshot


class Snapshots:
    """Puts the snapshots of one bus together, look after look. Streams, groups and entries of the
    journal that did not change are the same objects as in the last one."""

    def __init__(self, bus: str, where: str, broadcast: Place) -> None:
        self._bus, self._where, self._broadcast = bus, where, broadcast
        self._instances = Instances()
        self._groups = Groups()
        self._streams: dict[str, _Made] = {}  # by key
        self._journal: dict[bytes, JournalEntry] = {}
        self._options: tuple[Sequence[bytes], SharedOptions | None, dict[str, str]] = ([], None, {})

    def make(self, known: Registries, announced: Announced, looks: Looks) -> BusSnapshot:
        """The picture of what the two bursts brought."""
        self._instances.see(known, announced)
        groups_of = self._groups.of(looks.places, known, self._instances.roster)
        groups = [group for some in groups_of for group in some]
        held: Counter[str] = Counter()
        for group in groups:
            for consumer in group.consumers:
                held[consumer.incarnation] += consumer.pending
        unreadable = next((look.fault for _, look in looks.places if look.fault), None)
        instances = self._instances.snapshots(
            known,
            looks.broadcast,
            held,
            f"of one stream the server {refusal(unreadable)}" if unreadable else "",
        )
        options, unknown = self._options_of(known.options)
        return BusSnapshot(
            bus=self._bus,
            at_ms=known.at_ms,
            streams=self._streams_of(known, looks, groups_of, instances),
            groups=tuple(groups),
            instances=instances,
            absent=tuple(sorted({*known.remembered} - {each.id for each in instances})),
            dead_letters=_dead_letters(looks.dead),
            totals=known.totals,
            journal=self._journal_of(known.journal),
            options=options,
            server=server_snapshot(self._where, known.server),
            unknown=unknown,
        )

    def _streams_of(
        self,
        known: Registries,
        looks: Looks,
        groups_of: Iterable[Sequence[GroupSnapshot]],
        instances: Iterable[InstanceSnapshot],
    ) -> tuple[StreamSnapshot, ...]:
        found: dict[str, _Made] = {}
        for (place, look), groups in zip(looks.places, groups_of, strict=True):
            size = looks.sizes.get(place.stream)
            last = self._streams.get(place.stream)
            if (
                last is None
                or last.look is not look
                or last.groups is not groups
                or last.size != size
            ):
                stream = _stream(place, look, size, _backlog(look, groups))
                if last is not None and last.stream == stream:
                    stream = last.stream
                last = _Made(look, groups, size, stream)
            found[place.stream] = last
        self._streams = found
        streams = [made.stream for made in found.values()]
        if known.options or looks.broadcast.length:
            behind = max((each.behind or 0 for each in instances), default=0)
            size = looks.sizes.get(self._broadcast.stream)
            streams.insert(0, _stream(self._broadcast, looks.broadcast, size, behind))
        return tuple(streams)

    def _options_of(self, flat: Sequence[bytes]) -> tuple[SharedOptions | None, dict[str, str]]:
        if flat != self._options[0]:
            try:
                self._options = (flat, records.options_in_force(list(flat)), {})
            except ValueError:
                reason = "the options in force cannot be read"
                self._options = (flat, None, {"options": reason})
        return self._options[1:]

    def _journal_of(self, entries: Sequence[Entry]) -> tuple[JournalEntry, ...]:
        before = self._journal
        self._journal = {
            entry[0]: before.get(entry[0]) or _journal_entry(entry) for entry in entries
        }
        return tuple(self._journal.values())


def _stream(place: Place, look: StreamLook, size: Size, backlog: int | None) -> StreamSnapshot:
    figures: list[int | None] = [
        look.length, number(look.counts.get("added")), backlog,
        id_ms(look.oldest), id_ms(look.newest),
    ]  # fmt: skip
    unknown: dict[str, str] = {}
    if look.fault is not None:
        figures = [None] * len(_STREAM)
        unknown = dict.fromkeys(_STREAM, f"the server {refusal(look.fault)}")
    if isinstance(size, ReplyError):
        unknown["bytes"] = f"MEMORY USAGE: the server {refusal(size)}"
    return StreamSnapshot(
        kind=place.kind,
        name=place.name,
        # No answer: there is no such key.
        bytes=None if isinstance(size, ReplyError) else size or 0,
        unknown=unknown,
        **dict(zip(_STREAM, figures, strict=True)),
    )


def _backlog(look: StreamLook, groups: Sequence[GroupSnapshot]) -> int | None:
    """Of the group furthest behind; without any, all that is stored."""
    return max((group.backlog or 0 for group in groups), default=look.length)


def _dead_letters(look: StreamLook) -> DeadLettersSnapshot:
    if look.fault is not None:
        unknown = dict.fromkeys(_DEAD, f"the server {refusal(look.fault)}")
        return DeadLettersSnapshot(count=None, oldest_ms=None, newest_ms=None, unknown=unknown)
    return DeadLettersSnapshot(
        count=look.length, oldest_ms=id_ms(look.oldest), newest_ms=id_ms(look.newest)
    )


def _journal_entry(entry: Entry) -> JournalEntry:
    entry_id, flat = entry
    details: Mapping[str, str] = {name: text(value) for name, value in fields(flat).items()}
    kind = details.get("kind", "")
    return JournalEntry(
        at_ms=int(entry_id.partition(b"-")[0]),
        kind=kind,
        details={name: value for name, value in details.items() if name != "kind"},
    )
