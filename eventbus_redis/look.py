"""Looking at the streams of one bus again and again: the second of a monitor's two bursts.

What must fit together comes out of one step of the server: a stream with its groups is answered by
one call of a script, without the messages themselves; one call answers for many streams.

A stream that is as it was at the last look answers with one digit, and its `StreamLook` is that of
the last look. Whatever instances do is seen at once; so is what another program stores or deletes,
or does to a group that has something to do. Not before the next change of the stream, or its turn
to be looked at closely (every thirtieth look), is seen what another program does to who holds what
(XCLAIM), and to the groups or counters of a stream in which everything is handled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from eventbus_core.transport import ChannelKind

from .commands import Commands
from .faults import ReplyError, has_code
from .keys import DELAYED, Keys, split_token
from .registries import Place, Registries, places
from .replies import fields, numbers, text
from .scripts import script
from .sizes import Size, Sizes

_COUNTED: Final = 1000
"""Most entries of the broadcasts that are counted one by one: about a millisecond of the server's
time."""
_WORK: Final = 1500
"""Most work of one call of the script for streams (see look.lua), a microsecond or less each."""
_PLANNED: Final = 750
"""So much one call is given, by what its streams needed at the last look."""
_GLANCE, _STANDING, _CLOSE = 3, 13, 33
_TURNS: Final = 30
_DOUBTED: Final = ("groups rebuilt", "lost: work deleted")
"""Totals that change with steps after which a group may stand elsewhere although nothing was
stored or handed out."""


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


@dataclass(frozen=True, slots=True, eq=False)
class StreamLook:
    """One stream at one moment."""

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
    """What one look brings."""

    broadcast: StreamLook
    dead: StreamLook
    places: Sequence[tuple[Place, StreamLook]]
    sizes: Mapping[str, Size]
    """Bytes by key of a stream, as MEMORY USAGE answered at one of the last ten looks."""


@dataclass(slots=True, eq=False)
class _Seen:
    """What is known of a stream, and how to ask for it."""

    look: StreamLook
    standing: bytes
    known: Mapping[str, str]
    """Its groups that were known by name, with the key of what is set aside in them."""
    idle: bool
    """Its groups had nothing to do."""
    delayed: Sequence[str]
    """Groups with something set aside."""
    quiet: bool = False
    """It is idle, and where its groups stand needs no comparison."""
    stirred: bool = True
    """It had changed when it was looked at."""


class _Question(NamedTuple):
    place: Place
    known: Mapping[str, str]
    cost: int
    keys: Sequence[str]
    args: Sequence[str | bytes | int]


class Streams:
    """Looks at the streams of one bus."""

    def __init__(self, commands: Commands, keys: Keys) -> None:
        self._commands = commands
        self._keys = keys
        self._seen: dict[str, _Seen] = {}  # by key of the stream
        self._sizes = Sizes()
        self._turn = 0
        self._epoch: bytes | None = None
        self._doubts: Sequence[int | None] = ()
        self._named: tuple[object, ...] = ()
        self._places: list[Place] = []
        self._aside: dict[tuple[ChannelKind, str], dict[str, str]] = {}
        self.broadcast = Place(ChannelKind.BROADCAST, "", keys.broadcast, keys.broadcast_counts)
        # That their count is the bus's is told by the totals, as for no other stream.
        self._dead = Place(ChannelKind.BROADCAST, "", keys.dead, keys.totals)

    async def look(self, known: Registries) -> Looks:
        """Look at all of them. Raises TransportUnavailableError; what the server refuses of one
        stream stands in its StreamLook. Calls may overlap, and may be cancelled."""
        self._recall(known)
        turn, self._turn = self._turn, self._turn + 1
        asked = [self._dead, *self._places]
        # The answers are about what was known when they were asked for.
        before = {place.stream: self._seen.get(place.stream) for place in asked}
        questions = [
            self._question(place, before[place.stream], (turn + at) % _TURNS == 0)
            for at, place in enumerate(asked)
        ]
        link = await self._commands.link()
        sized = self._sizes.turn([self.broadcast.stream, *(p.stream for p in self._places)])
        keys = [self.broadcast.stream, self.broadcast.counts, self._keys.cursors]
        chunks = list(_chunked(questions))
        broadcast, *replies = await self._commands.answers(
            [
                script("look_broadcast").read(link, keys, [_COUNTED]),
                *map(self._ask, chunks),
                *(link.call("MEMORY", "USAGE", stream) for stream in sized),
            ]
        )
        answers = await self._all(chunks, replies)
        looks = {
            question.place.stream: self._take(question, before[question.place.stream], answer)
            for question, answer in zip(questions, answers, strict=True)
        }
        looks[self.broadcast.stream] = _broadcast_look(broadcast)
        lengths = {stream: look.length for stream, look in looks.items()}
        self._sizes.note(lengths, zip(sized, replies[len(chunks) :], strict=True))
        return Looks(
            looks[self.broadcast.stream],
            looks[self._dead.stream],
            [(place, looks[place.stream]) for place in self._places],
            self._sizes.known,
        )

    def _recall(self, known: Registries) -> None:
        """Keep of what is known only what is still true."""
        if known.epoch != self._epoch:
            self._epoch = known.epoch
            self._seen.clear()
        doubts = [known.totals.get(cause) for cause in _DOUBTED]
        if doubts != self._doubts:
            self._doubts = doubts
            for seen in self._seen.values():
                seen.quiet = False
        events = frozenset(known.events)
        named = (known.inboxes, events, known.groups.keys())
        if named == self._named:
            return
        self._named = (known.inboxes, events, frozenset(known.groups))
        self._places = places(self._keys, known.inboxes, events)
        aside: dict[tuple[ChannelKind, str], dict[str, str]] = {}
        for name, group in known.inboxes.items():
            aside[ChannelKind.INBOX, name] = {group: self._keys.inbox(name).due}
        for channel in known.groups:
            event, group = split_token(channel)
            due = self._keys.work(event, group).due
            aside.setdefault((ChannelKind.WORK, event), {})[group] = due
        self._aside = aside
        current = {place.stream for place in self._places} | {self._dead.stream}
        self._seen = {stream: seen for stream, seen in self._seen.items() if stream in current}

    def _question(self, place: Place, seen: _Seen | None, its_turn: bool) -> _Question:
        known = self._aside.get(place[:2], {})
        if seen is None or seen.known != known or (its_turn and not seen.idle):
            keys = [place.stream, place.counts, *known.values()]
            return _Question(place, known, _CLOSE, keys, ["", "", "", len(known), *known])
        keys = [place.stream, place.counts, *(known[group] for group in seen.delayed)]
        if seen.stirred:
            blank: list[str | bytes | int] = ["", "", "", len(seen.delayed), *seen.delayed]
            return _Question(place, known, _CLOSE, keys, blank)
        quiet = seen.quiet and not its_turn
        cost, standing = (_GLANCE, b"") if quiet else (_STANDING, seen.standing)
        asked: list[str | bytes | int] = [
            seen.look.length,
            seen.look.newest,
            standing,
            len(seen.delayed),
            *seen.delayed,
        ]
        return _Question(place, known, cost, keys, asked)

    async def _ask(self, questions: Sequence[_Question]) -> Any:
        keys = [key for question in questions for key in question.keys]
        args = [arg for question in questions for arg in question.args]
        link = await self._commands.link()
        return await script("look").read(link, keys, [_WORK, DELAYED, *args])

    async def _all(
        self, chunks: Sequence[Sequence[_Question]], replies: Sequence[Any]
    ) -> Sequence[Any]:
        """The answers to all questions; what a call left over is asked again."""
        answers: list[Any] = []
        for chunk, first in zip(chunks, replies, strict=False):
            reply, rest = first, chunk
            while True:
                if isinstance(reply, ReplyError):
                    if len(rest) > 1 and has_code(reply, "NOPERM"):
                        # One of its streams may not be read: which one, each tells for itself.
                        alone = [[question] for question in rest]
                        told = await self._commands.answers(list(map(self._ask, alone)))
                        answers += await self._all(alone, told)
                    else:
                        answers += [reply] * len(rest)
                    break
                answers += reply
                rest = rest[len(reply) :]
                if not rest:
                    break
                (reply,) = await self._commands.answers([self._ask(rest)])
        return answers

    def _take(self, question: _Question, before: _Seen | None, answer: Any) -> StreamLook:
        """The look that an answer means; it is remembered for the next one."""
        stream = question.place.stream
        if answer == 0 and before is not None:
            before.stirred = False
            if question.args[2]:  # its groups were compared
                before.quiet = before.idle
            return before.look
        if isinstance(answer, ReplyError):
            self._seen.pop(stream, None)
            return StreamLook(fault=answer)
        standing, length, oldest, newest, counts, groups = answer
        look = StreamLook(
            length=length,
            oldest=oldest,
            newest=newest,
            counts=fields(counts),
            groups=[
                GroupLook(text(name), lag, first, numbers(shares), due)
                for name, lag, first, shares, due in groups
            ],
        )
        idle = all(group.lag == 0 and not group.shares for group in look.groups)
        delayed = [g.name for g in look.groups if DELAYED in g.shares and g.name in question.known]
        self._seen[stream] = _Seen(look, standing, question.known, idle, delayed, quiet=idle)
        return look


def _chunked(questions: Sequence[_Question]) -> Sequence[Sequence[_Question]]:
    """Those that go into one call of the script."""
    chunks: list[list[_Question]] = [[]]
    left = _PLANNED
    for question in questions:
        if left < question.cost and chunks[-1]:
            chunks.append([])
            left = _PLANNED
        chunks[-1].append(question)
        left -= question.cost
    return chunks


def _broadcast_look(reply: Any) -> StreamLook:
    if isinstance(reply, ReplyError):
        return StreamLook(fault=reply)
    length, oldest, newest, counts, passed = reply
    return StreamLook(
        length=length, oldest=oldest, newest=newest, counts=fields(counts), passed=numbers(passed)
    )
