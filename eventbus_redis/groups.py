"""Those who share messages, as a monitor shows them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from eventbus_core.modes import EventMode
from eventbus_core.snapshots import ConsumerSnapshot, GroupSnapshot, InstanceSnapshot
from eventbus_core.transport import ChannelKind, Subscription

from .faults import refusal
from .keys import DELAYED, RELEASED, split_token, token
from .look import GroupLook, Place, Registries, StreamLook, number, text

_FIGURES: Final = ("lag", "pending", "waiting", "delayed", "settled", "oldest_pending_ms")
_FOREIGN: Final = "another program made this group"


class Groups:
    """Makes the group snapshots of one bus."""

    def __init__(self, known: Registries, instances: Mapping[str, InstanceSnapshot]) -> None:
        self._known = known
        self._instances = instances

    def of(self, place: Place, look: StreamLook) -> list[GroupSnapshot]:
        """The groups of a work stream, sorted, or the one reader of an inbox."""
        found = {group.name: group for group in look.groups}
        if place.kind is ChannelKind.INBOX:
            reader = self._known.inboxes[place.name]
            mine = {each.incarnation for each in self._living() if each.id == place.name}
            return [self._group(place, place.name, look, reader, found.get(reader), mine)]
        names = found.keys() | _counted(look) | self._noted(place.name)
        return [
            self._group(place, name, look, name, found.get(name), self._members(place.name, name))
            for name in sorted(names)
        ]

    def _group(
        self,
        place: Place,
        name: str,
        look: StreamLook,
        consumer_group: str,
        group: GroupLook | None,
        members: Collection[str],
    ) -> GroupSnapshot:
        unknown = {}
        last_member_ms: int | None = None
        if place.kind is ChannelKind.WORK:
            last_member_ms = self._last_member_ms(place.name, name, members)
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
            elif consumer in self._instances:
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
            consumers=tuple(self._consumers(group, members)),
            last_member_ms=last_member_ms,
            unknown=unknown,
        )

    def _consumers(self, group: GroupLook, members: Collection[str]) -> Iterator[ConsumerSnapshot]:
        named = {
            incarnation: self._instances[incarnation].id if incarnation in self._instances else ""
            for incarnation in {*members, *group.shares} - {RELEASED, DELAYED}
        }
        for incarnation in sorted(named, key=lambda each: (named[each], each)):
            yield ConsumerSnapshot(
                incarnation=incarnation,
                instance=named[incarnation],
                alive=incarnation in self._instances,
                pending=group.shares.get(incarnation, 0),
            )

    def _last_member_ms(self, event: str, group: str, members: Collection[str]) -> int | None:
        if members:
            return self._known.at_ms
        return self._known.groups.get(token(event, group))

    def _members(self, event: str, group: str) -> set[str]:
        wanted = Subscription(EventMode.ANYCAST, event, group)
        return {each.incarnation for each in self._living() if wanted in each.subscriptions}

    def _noted(self, event: str) -> set[str]:
        channels = map(split_token, self._known.groups)
        return {group for its_event, group in channels if its_event == event}

    def _living(self) -> Collection[InstanceSnapshot]:
        return self._instances.values()


def id_ms(entry_id: bytes) -> int | None:
    """When an entry was stored; None for none."""
    return int(entry_id.partition(b"-")[0]) if entry_id else None


def _counted(look: StreamLook) -> set[str]:
    return {name[8:] for name in look.counts if name.startswith("settled:")}


def _settled(look: StreamLook, group: str) -> tuple[int, int]:
    """How many are settled: of all that was added, and of these since the group was made."""
    settled = number(look.counts.get(f"settled:{group}"))
    at_start, _, _ = text(look.counts.get(f"made:{group}", b"0")).partition(" ")
    return settled, max(0, settled - number(at_start.encode()))
