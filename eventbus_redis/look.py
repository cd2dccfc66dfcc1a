"""One look at the streams of a bus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .faults import ReplyError
from .registries import Place
from .replies import fields, numbers, text
from .sizes import Size


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
    """One stream at one moment. It is the same object while nothing changes."""

    fault: ReplyError | None = None
    """Why nothing else of it is known."""
    length: int = 0
    oldest: bytes = b""
    """Id of its oldest entry; empty without any."""
    newest: bytes = b""
    counts: Mapping[str, bytes] = field(default_factory=dict)
    groups: Sequence[GroupLook] = ()
    passed: Mapping[bytes, int] = field(default_factory=dict)
    """Of the broadcasts: cursor -> number that is behind it."""


class Looks(NamedTuple):
    """What one look brings."""

    broadcast: StreamLook
    dead: StreamLook
    places: Sequence[tuple[Place, StreamLook]]
    sizes: Mapping[str, Size]
    """Bytes by key of a stream, as MEMORY USAGE answered at one of the last twenty looks."""


def stream_look(answer: Sequence[Any]) -> StreamLook:
    """From what look.lua answers of a stream that it looked at closely."""
    _, length, oldest, newest, counts, groups = answer
    return StreamLook(
        length=length,
        oldest=oldest,
        newest=newest,
        counts=fields(counts),
        groups=[
            GroupLook(text(name), lag, first, numbers(shares), due)
            for name, lag, first, shares, due in groups
        ],
    )


def broadcast_look(reply: Any, cursors: Sequence[bytes]) -> StreamLook:
    """From the reply of look_broadcast.lua."""
    if isinstance(reply, ReplyError):
        return StreamLook(fault=reply)
    length, oldest, newest, counts, passed = reply
    return StreamLook(
        length=length,
        oldest=oldest,
        newest=newest,
        counts=fields(counts),
        passed={cursor: n for cursor, n in zip(cursors, passed, strict=True) if n >= 0},
    )
