"""What a monitor reads of one bus: two bursts of commands, the registries and then the streams.

What must fit together comes out of one step of the server: a stream with its groups is one script,
and a script answers without the messages themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from eventbus_core.transport import ChannelKind

from .commands import Commands, Entry
from .faults import ReplyError, mapped
from .keys import Keys, split_token
from .link import Arg, Link
from .scripts import script

_JOURNAL: Final = 100
_COUNTED: Final = 1000
"""Most entries that one script counts one by one: about a millisecond of the server's time."""


def text(raw: bytes) -> str:
    """A text; what another program wrote must not stop a monitor."""
    return raw.decode("utf-8", "replace")


def number(raw: bytes | None) -> int:
    """An integer; 0 where there is none."""
    try:
        return int(raw or 0)
    except ValueError:
        return 0


def fields(flat: Sequence[bytes]) -> dict[str, bytes]:
    """A flat reply of names and values."""
    return dict(zip(map(text, flat[::2]), flat[1::2], strict=False))


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
    options: Sequence[bytes]
    leases: Mapping[str, float]
    """Live incarnation -> end of its lease in ms."""
    lines: Mapping[str, bytes]
    """Live incarnation -> its line (see records.py)."""
    records: Mapping[str, bytes]
    """Instance id -> what it announced."""
    vitals: Mapping[str, bytes]
    """Live incarnation -> what it told with its last heartbeat."""
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


@dataclass(frozen=True, slots=True)
class GroupLook:
    """Where one consumer group stands."""

    name: str
    lag: int = 0
    oldest: bytes = b""
    """Id of its oldest pending entry; empty without any."""
    shares: Mapping[str, int] = field(default_factory=dict)
    """Consumer -> number of entries that it has pending."""
    due: int = 0
    """Of those that are set aside, how many are due again."""


@dataclass(frozen=True, slots=True)
class StreamLook:
    """One stream at one moment."""

    size: int | ReplyError | None
    """Its bytes."""
    fault: ReplyError | None = None
    """Why nothing else of it is known."""
    length: int = 0
    oldest: bytes = b""
    """Id of its oldest entry; empty without any."""
    newest: bytes = b""
    counts: Mapping[str, bytes] = field(default_factory=dict)
    groups: Sequence[GroupLook] = ()
    passed: Mapping[str, int] = field(default_factory=dict)
    """Of the broadcasts: instance id -> number that it has not passed."""


class Looks(NamedTuple):
    """What the second burst brings."""

    broadcast: StreamLook
    dead: StreamLook
    places: Mapping[Place, StreamLook]


async def registries(commands: Commands, keys: Keys) -> Registries:
    """The first burst."""
    named: list[tuple[Arg, ...]] = [
        ("TIME",),
        ("HGETALL", keys.options),
        ("ZRANGE", keys.leases, 0, -1, "WITHSCORES"),
        ("HGETALL", keys.incarnations),
        ("HGETALL", keys.instances),
        ("HGETALL", keys.vitals),
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
    link = await commands.link()
    replies = await commands.answers([link.call(*call) for call in [*named, *server]])
    found = replies[: len(named)]
    for reply in found:
        if isinstance(reply, ReplyError):
            raise mapped(reply, commands.where)
    (seconds, micros), options, leases, lines, records, vitals, targets, abandoned = found[:8]
    remembered, events, groups, totals, journal = found[8:]
    return Registries(
        at_ms=int(seconds) * 1000 + int(micros) // 1000,
        options=options,
        leases={name: float(ends) for name, ends in fields(leases).items()},
        lines=fields(lines),
        records=fields(records),
        vitals=fields(vitals),
        inboxes=_inboxes(fields(targets), fields(abandoned)),
        remembered=list(map(text, remembered)),
        events=list(map(text, events)),
        groups={channel: number(at) for channel, at in fields(groups).items()},
        totals={cause: number(count) for cause, count in fields(totals).items()},
        journal=journal[::-1],
        server=replies[len(named) :],
    )


async def streams(commands: Commands, keys: Keys, known: Registries) -> Looks:
    """The second burst."""
    places = _places(keys, known.inboxes, known.events)
    named: list[tuple[str, list[str], list[str]]] = [
        ("look_broadcast", [keys.broadcast, keys.broadcast_counts, keys.cursors], []),
        ("look", [keys.dead], []),
    ]
    aside = _aside(keys, known)
    for place in places:
        groups = aside.get(place[:2], {})
        named.append(("look", [place.stream, place.counts, *groups.values()], [*groups]))
    link = await commands.link()
    replies = await commands.answers(
        [script(name).read(link, of, [_COUNTED, *groups]) for name, of, groups in named]
        + [_size(link, of[0]) for _, of, _ in named]
    )
    looks = list(map(_look, replies[: len(named)], replies[len(named) :]))
    return Looks(looks[0], looks[1], dict(zip(places, looks[2:], strict=True)))


async def message_places(commands: Commands, keys: Keys) -> list[Place]:
    """Every stream that messages are in."""
    events, targets, abandoned = await commands.ask_all(
        [("SMEMBERS", keys.events), ("HGETALL", keys.targets), ("HGETALL", keys.abandoned)]
    )
    inboxes = _inboxes(fields(targets), fields(abandoned))
    broadcast = Place(ChannelKind.BROADCAST, "", keys.broadcast, keys.broadcast_counts)
    return [broadcast, *_places(keys, inboxes, map(text, events))]


def _inboxes(targets: Mapping[str, bytes], abandoned: Mapping[str, bytes]) -> dict[str, str]:
    given_up = {
        name[6:]: text(group) for name, group in abandoned.items() if name.startswith("inbox ")
    }
    return given_up | {name: text(group) for name, group in targets.items()}


def _places(keys: Keys, inboxes: Iterable[str], events: Iterable[str]) -> list[Place]:
    found = []
    for name in sorted(inboxes):
        inbox = keys.inbox(name)
        found.append(Place(ChannelKind.INBOX, name, inbox.stream, inbox.counts))
    for event in sorted(events):
        stream, counts = keys.work_stream(event), keys.work_counts(event)
        found.append(Place(ChannelKind.WORK, event, stream, counts))
    return found


async def _size(link: Link, stream: str) -> Any:
    return await link.call("MEMORY", "USAGE", stream)


def _aside(keys: Keys, known: Registries) -> dict[tuple[ChannelKind, str], dict[str, str]]:
    """Of each stream its consumer groups, with the keys of what is set aside in them."""
    found: defaultdict[tuple[ChannelKind, str], dict[str, str]] = defaultdict(dict)
    for name, group in known.inboxes.items():
        found[ChannelKind.INBOX, name][group] = keys.inbox(name).due
    for channel in known.groups:
        event, group = split_token(channel)
        found[ChannelKind.WORK, event][group] = keys.work(event, group).due
    return found


def _look(reply: Any, size: int | ReplyError | None) -> StreamLook:
    if isinstance(reply, ReplyError):
        return StreamLook(size, fault=reply)
    length, oldest, newest, counts, passed, groups = reply
    return StreamLook(
        size,
        length=length,
        oldest=oldest,
        newest=newest,
        counts=fields(counts),
        passed=_numbers(passed),
        groups=[
            GroupLook(text(name), lag, first, _numbers(shares), due)
            for name, lag, first, shares, due in groups
        ],
    )


def _numbers(flat: Sequence[Any]) -> dict[str, int]:
    return {text(name): int(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}
