"""What happened, in a sentence: entries of a bus's journal for those who read them in passing."""

from collections.abc import Mapping
from typing import Final

from eventbus_core.monitoring import JournalEntry

from ..format import clean
from ..table import Cell, Level

_LEVELS: Final[Mapping[str, Level]] = {
    "dead letter": "crit",
    "declared dead": "crit",
    "loss": "crit",
    "takeover": "warn",
    "retry": "warn",
    "group rebuilt": "warn",
    "group dropped": "warn",
}
_UNSAID: Final = ("positions", "position", "starts")
"""Of use to those who look for one message."""


def kind_cell(entry: JournalEntry) -> Cell:
    """What kind of thing it was."""
    return Cell(clean(entry.kind), _LEVELS.get(entry.kind, ""))


def sentence(entry: JournalEntry, names: Mapping[str, str]) -> str:
    """Who did what to which; `names` gives the instance id of an incarnation. Harmless already."""
    details = entry.details
    by = _name(details.get("by", ""), names)
    match entry.kind:
        case "takeover" if by:
            dead = ", ".join(_name(each, names) for each in details.get("from", "").split())
            source = f" from {dead}" if dead else ""
            return f"{by} took over {_amount(details)}{source}{_channel(details)}"
        case "retry" if by:
            return f"{_amount(details)} failed at {by}, to be tried again{_channel(details)}"
        case "dead letter":
            return _death(details)
        case "redrive":
            return f"{clean(details.get('event', ''))} given back to {clean(details.get('to', ''))}"
        case "declared dead":
            return clean(details.get("instance", "") or details.get("incarnation", ""))
        case "group dropped" | "group rebuilt" if "event" in details:
            group, event = clean(details.get("group", "")), clean(details["event"])
            return f"{group}@{event}{_reason(details)}"
        case _:
            return _listed(details, names)


def _death(details: Mapping[str, str]) -> str:
    if "count" in details:
        whose = details.get("inbox") or details.get("group", "")
        kind = "the inbox" if "inbox" in details else "the group"
        return f"{_amount(details)} of {kind} {clean(whose)}{_reason(details)}"
    event, group = clean(details.get("event", "")), clean(details.get("group", ""))
    at = clean(details.get("instance", ""))
    return f"{event} for {group or at}{f' at {at}' if group and at else ''}{_reason(details)}"


def _reason(details: Mapping[str, str]) -> str:
    reason = clean(details.get("reason", ""))
    return f": {reason}" if reason else ""


def _amount(details: Mapping[str, str]) -> str:
    count = clean(details.get("count", "1"))
    return "1 message" if count == "1" else f"{count} messages"


def _channel(details: Mapping[str, str]) -> str:
    channel = details.get("channel")
    if channel is None:
        return ""
    event, _, group = channel.partition(" ")
    return f" ({clean(group)}@{clean(event)})" if channel else " (inbox)"


def _listed(details: Mapping[str, str], names: Mapping[str, str]) -> str:
    words = []
    for name, value in details.items():
        if name not in _UNSAID and value:
            words.append(f"{clean(name)} {_name(value, names)}")
    return ", ".join(words)


def _name(incarnation: str, names: Mapping[str, str]) -> str:
    return clean(names.get(incarnation, incarnation))
