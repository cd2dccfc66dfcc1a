"""Messages as they are stored, and where one of them stands."""

from collections.abc import Sequence

from eventbus_core.snapshots import DeliverySnapshot, StoredMessage
from eventbus_core.transport import ChannelKind

from . import stream_ids
from .commands import Commands
from .faults import ReplyError, mapped
from .keys import DELAYED, RELEASED, ChannelKeys, Keys
from .registries import message_places
from .replies import fields, number, text
from .sampling import in_order


async def messages(
    commands: Commands, keys: Keys, limit: int, since_ms: int, until_ms: int | None
) -> Sequence[StoredMessage]:
    """See MonitorSource.messages."""
    events, targets, abandoned = await commands.ask_all(
        [("SMEMBERS", keys.events), ("HGETALL", keys.targets), ("HGETALL", keys.abandoned)]
    )
    places = message_places(keys, events, targets, abandoned)
    newest = "+" if until_ms is None else max(0, until_ms)
    replies = await commands.ask_all(
        [("XREVRANGE", place.stream, newest, max(0, since_ms), "COUNT", limit) for place in places]
    )
    return in_order(list(zip(places, replies, strict=True)))[-limit:]


async def deliveries(
    commands: Commands, keys: Keys, message: StoredMessage
) -> Sequence[DeliverySnapshot]:
    """See MonitorSource.deliveries."""
    if message.kind is ChannelKind.BROADCAST:
        return []
    # Who was handed how much is asked before who has what: a message that is handed out in between
    # is found in hand, and none looks settled that is not.
    handed, alive = await _owners(commands, keys, message)
    return await _standing(commands, keys, message, handed, alive)


async def _owners(
    commands: Commands, keys: Keys, message: StoredMessage
) -> tuple[dict[str, bool], set[str]]:
    """The consumer groups that get the message, and whether it was handed out in them; and who is
    alive."""
    place, entry_id = _place(keys, message, ""), message.position.encode()
    link = await commands.link()
    replies = await commands.answers(
        [
            link.call("XINFO", "GROUPS", place.stream),
            link.call("XRANGE", place.stream, entry_id, entry_id),
            link.call("HGETALL", place.counts),
            link.call("HGET", keys.targets, message.name),
            link.call("ZRANGE", keys.leases, 0, -1),
        ]
    )
    if isinstance(replies[0], ReplyError) and "no such key" in replies[0].text:
        return {}, set()
    for reply in replies:
        if isinstance(reply, ReplyError):
            raise mapped(reply, commands.where)
    groups, stored, flat_counts, reader, leases = replies
    only_for = fields(stored[0][1]).get("g", b"") if stored else b""
    counts = fields(flat_counts)
    handed = {}
    for flat in groups:
        group = dict(zip(flat[::2], flat[1::2], strict=False))
        name: bytes = group[b"name"]
        # A group made for new messages only never gets what was stored before.
        start = counts.get(f"made:{text(name)}", b"").partition(b" ")[2]
        if message.kind is ChannelKind.INBOX:
            wanted = name == reader
        else:
            wanted = only_for in (b"", name) and not (start and _reaches(start, entry_id))
        if wanted:
            handed[text(name)] = _reaches(group[b"last-delivered-id"], entry_id)
    return handed, set(map(text, leases))


async def _standing(
    commands: Commands, keys: Keys, message: StoredMessage, handed: dict[str, bool], alive: set[str]
) -> list[DeliverySnapshot]:
    position, link = message.position, await commands.link()
    places = {name: _place(keys, message, name) for name in sorted(handed)}
    pending = [
        link.call("XPENDING", place.stream, name, position, position, 1)
        for name, place in places.items()
    ]
    due = [link.call("ZSCORE", place.due, position) for place in places.values()]
    (seconds, micros), *replies = await commands.answers([link.call("TIME"), *pending, *due])
    now_ms, found = int(seconds) * 1000 + int(micros) // 1000, []
    for name, rows, due_ms in zip(places, replies, replies[len(places) :], strict=False):
        group = message.name if message.kind is ChannelKind.INBOX else name
        if isinstance(rows, ReplyError) or not rows:  # an error: removed in between
            state = "settled" if handed[name] else "new"
            found.append(_delivery(group, state))
            continue
        consumer = text(rows[0][1])
        starts = max(0, rows[0][3] - 1)
        if consumer == DELAYED and number(due_ms) > now_ms:
            found.append(_delivery(group, "delayed", starts=starts, due_ms=number(due_ms)))
        elif consumer in alive:
            found.append(_delivery(group, "pending", consumer, starts))
        else:
            holder = "" if consumer in (RELEASED, DELAYED) else consumer
            found.append(_delivery(group, "waiting", holder, starts))
    return found


def _delivery(
    group: str, state: str, holder: str = "", starts: int | None = None, due_ms: int | None = None
) -> DeliverySnapshot:
    return DeliverySnapshot(group=group, state=state, holder=holder, starts=starts, due_ms=due_ms)


def _place(keys: Keys, message: StoredMessage, group: str) -> ChannelKeys:
    if message.kind is ChannelKind.INBOX:
        return keys.inbox(message.name)
    return keys.work(message.name, group)


def _reaches(last: bytes, entry_id: bytes) -> bool:
    return stream_ids.position(last) >= stream_ids.position(entry_id)
