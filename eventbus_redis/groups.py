"""Those who share messages, as a monitor shows them."""

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eventbus_core.snapshots import ConsumerSnapshot, GroupSnapshot
from eventbus_core.transport import ChannelKind

from .faults import refusal
from .instances import Roster
from .keys import DELAYED, RELEASED, split_token, token
from .look import GroupLook, StreamLook
from .registries import Place, Registries
from .replies import id_ms, number, text

_FIGURES: Final = ("lag", "pending", "waiting", "delayed", "settled", "oldest_pending_ms")
_FOREIGN: Final = "another program made this group"
_FRESH_MS: Final = 5_000
"""A group with members shows a time that is at most so old as the one of its last member: the
same snapshot serves for some looks."""


@dataclass(slots=True, eq=False)
class _Made:
    """The groups of one stream, and what they were made of."""

    look: StreamLook
    roster: Roster
    noted: Collection[str]
    reader: str
    at_ms: int
    groups: Sequence[GroupSnapshot]
    populated: Sequence[bool]
    """Whether each has members."""


class Groups:
    """Makes the group snapshots of one bus, look after look: what did not change is the same
    object."""

    def __init__(self) -> None:
        self._made: dict[str, _Made] = {}  # by key of the stream
        self._channels: Collection[str] = ()
        self._noted: Mapping[str, Collection[str]] = {}

    def of(
        self, places: Sequence[tuple[Place, StreamLook]], known: Registries, roster: Roster
    ) -> list[Sequence[GroupSnapshot]]:
        """Of each place: the groups of a work stream, sorted, or the one reader of an inbox."""
        if known.groups.keys() != self._channels:
            self._channels = frozenset(known.groups)
            self._noted = _by_event(known.groups)
        made = {}
        for place, look in places:
            made[place.stream] = self._of(place, look, known, roster)
        self._made = made
        return [each.groups for each in made.values()]

    def _of(self, place: Place, look: StreamLook, known: Registries, roster: Roster) -> _Made:
        noted, reader = self._noted.get(place.name, ()), ""
        if place.kind is ChannelKind.INBOX:
            noted, reader = (), known.inboxes[place.name]
        made = self._made.get(place.stream)
        if (
            made is not None
            and made.look is look
            and made.roster is roster
            and (made.noted, made.reader) == (noted, reader)
        ):
            return made if place.kind is ChannelKind.INBOX else _refreshed(made, known)
        found = {group.name: group for group in look.groups}
        if place.kind is ChannelKind.INBOX:
            names, shown = [reader], [place.name]
            members = [roster.owners(place.name)]
        else:
            names = shown = sorted({*found, *_counted(look), *noted})
            members = [roster.workers(place.name, name) for name in names]
        groups = [
            _group(place, show, look, name, found.get(name), mine, known, roster)
            for name, show, mine in zip(names, shown, members, strict=True)
        ]
        return _Made(look, roster, noted, reader, known.at_ms, groups, list(map(bool, members)))


def _refreshed(made: _Made, known: Registries) -> _Made:
    """The same groups with the time of their last members."""
    old = not 0 <= known.at_ms - made.at_ms <= _FRESH_MS
    if not old and all(made.populated):
        return made
    groups = list(made.groups)
    for at, (group, populated) in enumerate(zip(groups, made.populated, strict=True)):
        if populated:
            last = known.at_ms if old else group.last_member_ms
        else:
            last = known.groups.get(token(group.event, group.name))
        if last != group.last_member_ms:
            groups[at] = dataclasses.replace(group, last_member_ms=last)
    at_ms = known.at_ms if old else made.at_ms
    return dataclasses.replace(made, at_ms=at_ms, groups=groups)


def _group(
    place: Place,
    name: str,
    look: StreamLook,
    consumer_group: str,
    group: GroupLook | None,
    members: Collection[str],
    known: Registries,
    roster: Roster,
) -> GroupSnapshot:
    unknown = {}
    last_member_ms: int | None = None
    if place.kind is ChannelKind.WORK:
        last_member_ms = known.at_ms if members else known.groups.get(token(place.name, name))
        if last_member_ms is None:
            unknown["last_member_ms"] = _FOREIGN
    settled, shown = _settled(look, consumer_group)
    if group is None:
        # Its consumer group was removed; what is not settled is handed out again.
        unsettled = number(look.counts.get("added")) - settled
        group = GroupLook(name, lag=min(look.length, max(0, unsettled)))
    waiting = delayed = pending = 0
    for consumer, share in group.shares.items():
        if consumer == DELAYED:
            delayed += share
        elif consumer in roster.ids:
            pending += share
        else:  # handed back, or its consumer is dead
            waiting += share
    due = min(group.due, delayed)
    waiting, delayed = waiting + due, delayed - due
    figures: list[int | None] = [
        group.lag, pending, waiting, delayed, shown, id_ms(group.oldest),
    ]  # fmt: skip
    if look.fault is not None:
        figures = [None] * len(_FIGURES)
        unknown |= dict.fromkeys(_FIGURES, f"the server {refusal(look.fault)}")
    return GroupSnapshot(
        kind=place.kind,
        event=place.name if place.kind is ChannelKind.WORK else "",
        name=name,
        **dict(zip(_FIGURES, figures, strict=True)),
        consumers=tuple(_consumers(group, members, roster)),
        last_member_ms=last_member_ms,
        unknown=unknown,
    )


def _consumers(
    group: GroupLook, members: Collection[str], roster: Roster
) -> Iterator[ConsumerSnapshot]:
    named = {
        incarnation: roster.ids.get(incarnation, "")
        for incarnation in {*members, *group.shares} - {RELEASED, DELAYED}
    }
    for incarnation in sorted(named, key=lambda each: (named[each], each)):
        yield ConsumerSnapshot(
            incarnation=incarnation,
            instance=named[incarnation],
            alive=incarnation in roster.ids,
            pending=group.shares.get(incarnation, 0),
        )


def _by_event(channels: Collection[str]) -> Mapping[str, Collection[str]]:
    """The groups that are noted for each event."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for channel in channels:
        event, group = split_token(channel)
        found[event].add(group)
    return {event: frozenset(groups) for event, groups in found.items()}


def _counted(look: StreamLook) -> set[str]:
    return {name[8:] for name in look.counts if name.startswith("settled:")}


def _settled(look: StreamLook, group: str) -> tuple[int, int]:
    """How many are settled: of all that was added, and of these since the group was made."""
    settled = number(look.counts.get(f"settled:{group}"))
    at_start, _, _ = text(look.counts.get(f"made:{group}", b"0")).partition(" ")
    return settled, max(0, settled - number(at_start.encode()))
