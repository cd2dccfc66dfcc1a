"""Entries of a bus's journal in words, and which of them are about one group or instance."""

from collections.abc import Container, Mapping
from typing import Final

from eventbus_core.monitoring import BusView, GroupView, InstanceView, JournalEntry

from .. import format
from ..table import Cell
from .journal_words import kind_cell, sentence
from .lines import Line

SHOWN: Final = 12
"""Newest entries on a detail screen."""


def names_of(view: BusView) -> dict[str, str]:
    """Incarnation -> instance id, of all that the view knows."""
    known = {each.key: each.id for each in view.instances}
    for group in view.groups:
        for one in group.snapshot.consumers:
            if one.instance:
                known.setdefault(one.incarnation, one.instance)
    for entry in view.snapshot.journal:
        if entry.kind == "declared dead" and entry.details.get("instance"):
            known.setdefault(entry.details.get("incarnation", ""), entry.details["instance"])
    return known


def about_group(view: BusView, group: GroupView) -> list[JournalEntry]:
    """Oldest first."""
    of = group.snapshot
    if of.event:
        return [each for each in view.snapshot.journal if _is_of_work(each, of.event, of.name)]
    lives = {one.incarnation for one in of.consumers}
    return [each for each in view.snapshot.journal if _is_of_inbox(each, of.name, lives)]


def about_instance(view: BusView, instance: InstanceView) -> list[JournalEntry]:
    """What it did and what was done to it; oldest first."""
    return [
        each
        for each in view.snapshot.journal
        if instance.key in (each.details.get("by"), each.details.get("incarnation"))
        or instance.key in _from(each)
        or (each.details.get("instance") == instance.id and "incarnation" not in each.details)
    ]


def takeovers_after(view: BusView, instance: InstanceView) -> list[JournalEntry]:
    """Takeovers of its messages since it was last seen; oldest first. An entry that does not say
    whose they were counts when it is of a group that this instance belonged to."""
    of = instance.snapshot
    mine = {f"{each.event} {each.group}" for each in of.subscriptions if each.group} if of else None

    def was_its(entry: JournalEntry) -> bool:
        if "from" in entry.details:
            return instance.key in _from(entry)
        return mine is None or entry.details.get("channel", "") in mine

    return [
        each
        for each in view.snapshot.journal
        if each.kind == "takeover" and each.at_ms >= instance.last_seen_ms and was_its(each)
    ]


def entry_line(entry: JournalEntry, names: Mapping[str, str]) -> Line:
    """``14:02:52  takeover  ship-8 took over 12 messages from ship-7 (shipping@orders)``."""
    time = Cell(f"{format.clock(entry.at_ms)}  ", "dim")
    return (time, kind_cell(entry), Cell(f"  {sentence(entry, names)}"))


def newest_lines(
    entries: list[JournalEntry], names: Mapping[str, str], *, limit: int = SHOWN
) -> tuple[Line, ...]:
    """The newest `limit`, newest first, and a word about what is left out."""
    lines = [entry_line(each, names) for each in reversed(entries[-limit:])]
    if len(entries) > limit:
        lines.append((Cell(f"{len(entries) - limit:,} older", "dim"),))
    return tuple(lines)


def _is_of_work(entry: JournalEntry, event: str, group: str) -> bool:
    details = entry.details
    if "channel" in details:
        return details["channel"] == f"{event} {group}"
    # A redrive says `to`; a rebuilt group is named with the key of its stream.
    named = details.get("group") or details.get("to")
    where = details.get("event", details.get("stream", event))
    return named == group and event in (where, where[-len(event) :])


def _is_of_inbox(entry: JournalEntry, name: str, lives: Container[str]) -> bool:
    """An entry about a channel of an inbox does not say which: its owner is who took part."""
    details = entry.details
    if details.get("channel") == "":
        return details.get("by", "") in lives
    named = (details.get("instance"), details.get("inbox"), details.get("to"))
    return name in named and not details.get("group")


def _from(entry: JournalEntry) -> list[str]:
    """The dead incarnations that a takeover is from."""
    return entry.details.get("from", "").split()
