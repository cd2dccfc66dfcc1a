"""What a bus knows by name: the first of the two bursts of commands with which a monitor looks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from eventbus_core.transport import ChannelKind

from .commands import Commands, Entry
from .faults import ReplyError, mapped
from .keys import Keys
from .link import Arg
from .replies import fields, number, text

_JOURNAL: Final = 100


class Place(NamedTuple):
    """A stream of messages."""

    kind: ChannelKind
    name: str
    """Instance id of an inbox, event of a work stream, empty for the broadcasts."""
    stream: str
    counts: str


@dataclass(frozen=True, slots=True)
class Registries:
    """What a bus knows by name."""

    at_ms: int
    epoch: bytes | None
    """Another one means that data was lost."""
    options: Sequence[bytes]
    announced: bytes | None
    """Another number means that instances joined or changed their subscriptions."""
    written: tuple[int, int]
    """How many lines and records there are."""
    leases: Mapping[str, float]
    """Live incarnation -> end of its lease in ms."""
    vitals: Mapping[str, bytes]
    """Live incarnation -> what it told with its last heartbeat."""
    cursors: Mapping[str, bytes]
    """Instance id -> its place in the broadcasts."""
    inboxes: Mapping[str, str]
    """Instance id -> the consumer group of its inbox; those too that are being emptied."""
    remembered: Sequence[str]
    events: Sequence[str]
    groups: Mapping[str, int]
    """Work channel -> when it last had a live member, in ms."""
    totals: Mapping[str, int]
    journal: Sequence[Entry]
    """Its newest entries, oldest first."""
    server: Sequence[Any]
    """HELLO, and INFO of server, memory and clients; each may be a ReplyError."""
    arrived: Any
    """What is behind given positions of some streams, as XREAD answers; may be a ReplyError."""


async def registries(commands: Commands, keys: Keys, positions: Mapping[str, bytes]) -> Registries:
    """Read them all, and what has arrived behind these positions of streams. Raises
    TransportUnavailableError."""
    named: list[tuple[Arg, ...]] = [
        ("TIME",),
        ("GET", keys.epoch),
        ("HGETALL", keys.options),
        ("ZRANGE", keys.leases, 0, -1, "WITHSCORES"),
        ("HLEN", keys.incarnations),
        ("HLEN", keys.instances),
        ("HGETALL", keys.vitals),
        ("HGETALL", keys.cursors),
        ("HGETALL", keys.targets),
        ("HGETALL", keys.abandoned),
        ("ZRANGE", keys.remembered, 0, -1),
        ("SMEMBERS", keys.events),
        ("ZRANGE", keys.groups, 0, -1, "WITHSCORES"),
        ("HGETALL", keys.totals),
        ("XREVRANGE", keys.journal, "+", "-", "COUNT", _JOURNAL),
    ]
    server: list[tuple[Arg, ...]] = [
        ("HELLO",), ("INFO", "server"), ("INFO", "memory"), ("INFO", "clients"),
    ]  # fmt: skip
    arrived: tuple[Arg, ...] = ("XREAD", "COUNT", 1, "STREAMS", *positions, *positions.values())
    calls = [*named, *server, *([arrived] if positions else [])]
    link = await commands.link()
    replies = await commands.answers([link.call(*call) for call in calls])
    found, told = replies[: len(named)], replies[len(named) :]
    for reply in found:
        if isinstance(reply, ReplyError):
            raise mapped(reply, commands.where)
    (seconds, micros), epoch, options, leases, lines, records, vitals = found[:7]
    cursors, targets, abandoned, remembered, events, groups, totals, journal = found[7:]
    return Registries(
        at_ms=int(seconds) * 1000 + int(micros) // 1000,
        epoch=epoch,
        options=options,
        announced=fields(options).get("announced"),
        written=(lines, records),
        leases={name: float(ends) for name, ends in fields(leases).items()},
        vitals=fields(vitals),
        cursors=fields(cursors),
        inboxes=_inboxes(fields(targets), fields(abandoned)),
        remembered=list(map(text, remembered)),
        events=list(map(text, events)),
        groups={channel: number(at) for channel, at in fields(groups).items()},
        totals={cause: number(count) for cause, count in fields(totals).items()},
        journal=journal[::-1],
        server=told[: len(server)],
        arrived=told[len(server)] if positions else None,
    )


def message_places(
    keys: Keys, events: Sequence[bytes], targets: Sequence[bytes], abandoned: Sequence[bytes]
) -> list[Place]:
    """Every stream that messages are in, the broadcasts first, from the registries of that name."""
    inboxes = _inboxes(fields(targets), fields(abandoned))
    broadcast = Place(ChannelKind.BROADCAST, "", keys.broadcast, keys.broadcast_counts)
    return [broadcast, *places(keys, inboxes, map(text, events))]


def places(keys: Keys, inboxes: Iterable[str], events: Iterable[str]) -> list[Place]:
    """The streams with consumer groups: the inboxes, then the work, each sorted."""
    found = []
    for name in sorted(inboxes):
        inbox = keys.inbox(name)
        found.append(Place(ChannelKind.INBOX, name, inbox.stream, inbox.counts))
    for event in sorted(events):
        stream, counts = keys.work_stream(event), keys.work_counts(event)
        found.append(Place(ChannelKind.WORK, event, stream, counts))
    return found


def _inboxes(targets: Mapping[str, bytes], abandoned: Mapping[str, bytes]) -> dict[str, str]:
    given_up = {
        name[6:]: text(group) for name, group in abandoned.items() if name.startswith("inbox ")
    }
    return given_up | {name: text(group) for name, group in targets.items()}
