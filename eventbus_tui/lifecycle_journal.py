"""What the journal tells of one message with one of those that get it. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from eventbus_core.monitoring import ChannelKind, DeliverySnapshot, JournalEntry, SampledMessage

from .format import clean
from .lifecycle_steps import Step, times


def past_of(
    message: SampledMessage,
    owner: str,
    delivery: DeliverySnapshot | None,
    journal: Sequence[JournalEntry],
    names: Mapping[str, str],
    *,
    copies: Sequence[str] = (),
) -> Iterator[Step]:
    """Retries, takeovers, deaths and redrives, oldest first. `owner` is the group or the instance,
    `copies` the positions of all stored copies: a redrive stores a new one."""
    places = {message.position, *copies}
    for entry in journal:
        if entry.at_ms < message.stored_ms - 1_000 or not _is_about(entry, message, owner, names):
            continue
        details = entry.details
        named = details.get("positions", details.get("position", "")).split()
        if not places.isdisjoint(named):
            yield from _told(entry, names)
        elif _may_be_meant(entry, named, delivery):
            yield from (_perhaps(step, entry, len(named)) for step in _told(entry, names))


def _is_about(
    entry: JournalEntry, message: SampledMessage, owner: str, names: Mapping[str, str]
) -> bool:
    """Whether an entry is about this stream and this owner: positions alone may repeat."""
    details = entry.details
    if entry.kind in ("retry", "takeover"):
        channel = details.get("channel", "")
        if message.kind is ChannelKind.WORK:
            return channel == f"{message.stream} {owner}"
        return not channel and names.get(details.get("by", ""), owner) == owner
    if entry.kind == "redrive":
        return details.get("to") == owner
    if entry.kind != "dead letter":
        return False
    if "count" in details:
        group = f"{message.stream} {owner}"
        return details.get("inbox") == owner or details.get("group") in (owner, group)
    if message.kind is ChannelKind.WORK:
        return details.get("group") == owner and details.get("event") == message.stream
    return details.get("instance") == owner


def _told(entry: JournalEntry, names: Mapping[str, str]) -> Iterator[Step]:
    details = entry.details
    by = _name(details.get("by", ""), names)
    match entry.kind:
        case "takeover":
            dead = ", ".join(_name(each, names) for each in details.get("from", "").split())
            source = f" from {dead}, which had died" if dead else " from one that had died"
            yield Step("taken over", f"by {by}{source}", entry.at_ms, "warn")
        case "retry":
            starts = details.get("starts", "")
            tried = ""
            if details.get("count") == "1" and starts.isdecimal() and int(starts):
                tried = f" (tried {times(int(starts))})"
            yield Step("retry", f"failed at {by}{tried}, set aside", entry.at_ms, "warn")
        case "redrive":
            yield Step("redriven", "given back, attempts counted from one", entry.at_ms)
        case _:
            reason = clean(details.get("reason", ""))
            yield Step("died", f"became a dead letter: {reason}", entry.at_ms, "crit")


def _may_be_meant(
    entry: JournalEntry, named: Sequence[str], delivery: DeliverySnapshot | None
) -> bool:
    """Only some of many are named: the one who has the message now took over such a lot."""
    if entry.kind != "takeover" or delivery is None or not delivery.holder:
        return False
    count = entry.details.get("count", "")
    more = count.isdecimal() and int(count) > len(named)
    return more and entry.details.get("by") == delivery.holder


def _perhaps(step: Step, entry: JournalEntry, named: int) -> Step:
    count = entry.details.get("count", "")
    text = f"perhaps, {step.text}: one of {clean(count)}, of which {named} are named"
    return step._replace(text=text)


def _name(incarnation: str, names: Mapping[str, str]) -> str:
    return clean(names.get(incarnation, incarnation)) or "somebody"
