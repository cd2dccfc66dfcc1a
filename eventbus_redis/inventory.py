"""Which keys a bus has: found through its registries, never with KEYS or SCAN."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from eventbus_core.options import FOREVER

from .commands import Commands
from .keys import BUSES, ChannelKeys, Keys, token

_CHUNK: Final = 200


class Stream(NamedTuple):
    """A work stream or an inbox."""

    keys: ChannelKeys
    """For a work stream only `stream` and `counts` mean something here."""
    groups: Sequence[tuple[str, str, str, str]]
    """Of each of its consumer groups: name, work channel ('' for an inbox), and the keys of its
    strays and of what is set aside."""


def chunks(keys: Sequence[str]) -> Iterator[list[str]]:
    """Few enough keys for one script."""
    for at in range(0, len(keys), _CHUNK):
        yield list(keys[at : at + _CHUNK])


async def streams(commands: Commands, keys: Keys) -> list[Stream]:
    """All work streams and inboxes."""
    found = []
    for event, groups in (await _groups(commands, keys)).items():
        named = []
        for group in groups:
            place = keys.work(event, group)
            named.append((group, token(event, group), place.strays, place.due))
        found.append(Stream(keys.work(event, ""), named))
    for instance_id, group in (await commands.fields(keys.targets)).items():
        inbox = keys.inbox(instance_id)
        found.append(Stream(inbox, [(group, "", inbox.strays, inbox.due)]))
    return found


async def all_keys(commands: Commands, keys: Keys) -> list[str]:
    """Every key that lives as long as the bus is in use."""
    found = keys.shared()
    for event, groups in (await _groups(commands, keys)).items():
        found += (keys.work_stream(event), keys.work_counts(event))
        for group in groups:
            place = keys.work(event, group)
            found += (place.strays, place.due, place.notes)
    for instance_id in await _inboxes(commands, keys):
        found += _inbox_keys(keys, instance_id)
    for incarnation in await commands.fields(keys.incarnations):
        found.append(keys.channels(incarnation))
    return found


async def rest(commands: Commands, keys: Keys) -> None:
    """After the last orderly close: what is idle expires after stream_ttl, what has unhandled
    work or belongs to a remembered id after backlog_ttl. A crash on the way leaves every key
    with the longer of the two. Stops when somebody joins."""
    stored = await commands.fields(keys.options)
    if "stream_ttl_ms" not in stored:
        return
    stream_ttl, backlog_ttl = int(stored["stream_ttl_ms"]), int(stored["backlog_ttl_ms"])
    longer = FOREVER if FOREVER in (stream_ttl, backlog_ttl) else max(stream_ttl, backlog_ttl)
    idle: list[str] = []
    busy: list[str] = []
    for event, groups in (await _groups(commands, keys)).items():
        beside = [keys.work_stream(event), keys.work_counts(event)]
        for group in groups:
            place = keys.work(event, group)
            beside += (place.strays, place.due, place.notes)
        unhandled = await _unhandled(commands, beside[0], beside[1])
        (busy if unhandled else idle).extend(beside)
    for instance_id in await _inboxes(commands, keys):
        # Whoever is here still is remembered; any other one has left with its keys.
        busy += _inbox_keys(keys, instance_id)
    # What tells about the busy keys lives as long as they do.
    (busy if busy else idle).extend(keys.shared())
    for some_keys, ttl in ((idle, stream_ttl), (busy, int(longer))):
        for some in chunks(some_keys):
            await commands.run("idle", [keys.leases, *some], [ttl])
    await commands.run("buses", [BUSES], [keys.bus, int(longer) if busy else stream_ttl])


async def _groups(commands: Commands, keys: Keys) -> dict[str, list[str]]:
    """The groups of each event that has a work stream."""
    events = sorted(await commands.members(keys.events))
    counted = await commands.ask_all([("HKEYS", keys.work_counts(event)) for event in events])
    return {
        event: [f[8:].decode() for f in fields if f.startswith(b"settled:")]
        for event, fields in zip(events, counted, strict=True)
    }


async def _inboxes(commands: Commands, keys: Keys) -> list[str]:
    """Ids with an inbox, those too that is being emptied."""
    given_up = await commands.fields(keys.abandoned)
    inboxes = set(await commands.fields(keys.targets))
    inboxes.update(field[6:] for field in given_up if field.startswith("inbox "))
    return sorted(inboxes)


def _inbox_keys(keys: Keys, instance_id: str) -> list[str]:
    place = keys.inbox(instance_id)
    attempts = keys.attempts(instance_id)
    return [place.stream, place.counts, place.strays, place.due, place.notes, attempts]


async def _unhandled(commands: Commands, stream: str, counts: str) -> bool:
    stored = await commands.fields(counts)
    added = int(stored.get("added", 0))
    settled = [int(n) for field, n in stored.items() if field.startswith("settled:")]
    if settled:
        return min(settled) < added
    return bool(await commands.ask("XLEN", stream))
