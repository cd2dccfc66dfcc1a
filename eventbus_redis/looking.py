"""Looking at the streams of one bus again and again: the second of a monitor's two bursts.

What must fit together comes out of one step of the server: a stream with its groups is answered by
one call of a script, without the messages themselves; one call answers for many streams.

A stream that is as it was at the last look answers with one digit, and its `StreamLook` is that of
the last look. Of the streams in which everything is handled, one command of the first burst tells
whether anything was stored since. So everything that an instance does to a message is seen at once.
Seen late is

- what retention, or somebody else, removes from a stream in which everything is handled: at most
  five looks later;
- what another program does to the groups or the counters of such a stream, and to who holds what
  (XCLAIM): at the stream's next change, at most thirty looks later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from eventbus_core.transport import ChannelKind

from . import stream_ids
from .commands import Commands
from .faults import ReplyError, has_code
from .keys import DELAYED, Keys, split_token
from .look import Looks, StreamLook, broadcast_look, stream_look
from .registries import Place, Registries, places
from .scripts import script
from .sizes import Sizes

_COUNTED: Final = 1000
"""Most entries of the broadcasts that are counted one by one: about a millisecond of the server's
time."""
_WORK: Final = 1000
"""Most work of one call of the script for streams (see look.lua), a microsecond or less each."""
_PLANNED: Final = 400
"""So much one call is given, by what its streams needed at the last look."""
_GLANCE, _STANDING, _CLOSE = 3, 13, 33
_GLANCES: Final = 5
_TURNS: Final = 30


@dataclass(slots=True, eq=False)
class _Seen:
    """What is known of a stream, and how to ask for it."""

    look: StreamLook
    standing: bytes
    known: Mapping[str, str]
    """Its groups that were known by name, with the key of what is set aside in them."""
    after: bytes
    """The first id behind its newest entry."""
    idle: bool
    """Its groups had nothing to do."""
    delayed: Sequence[str]
    """Groups with something set aside."""
    quiet: bool
    """It is idle, and where its groups stand needs no comparison."""
    changes: int
    """At how many looks in a row it had changed."""
    glance: "_Question | None" = None
    """How to ask while it is quiet; made once."""


class Resting(NamedTuple):
    """Streams in which everything was handled at the last look."""

    seen: Mapping[str, _Seen]
    """By key."""
    positions: Mapping[str, bytes]
    """Their newest entries."""


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
        self._doubts: object = None
        self._named: tuple[object, ...] = ()
        self._places: list[Place] = []
        # Of each stream its groups that are known by name: see _Seen.
        self._known: dict[str, dict[str, str]] = {}
        self.broadcast = Place(ChannelKind.BROADCAST, "", keys.broadcast, keys.broadcast_counts)
        # That their count is the bus's is told by the totals, as for no other stream.
        self._dead = Place(ChannelKind.BROADCAST, "", keys.dead, keys.totals)

    def resting(self) -> Resting:
        """Those of which it is enough to know whether anything has arrived."""
        self._turn += 1
        found = {
            place.stream: seen
            for at, place in enumerate(self._places, 1)
            if (seen := self._seen.get(place.stream)) is not None
            and seen.quiet
            and seen.changes < 1
            and (self._turn + at) % _GLANCES
        }
        # Dead letters are discarded one by one: they are never among them.
        return Resting(found, {key: s.look.newest or stream_ids.ZERO for key, s in found.items()})

    async def look(self, known: Registries, resting: Resting) -> Looks:
        """Look at all of them, but those of `resting` of which the registries say that nothing has
        arrived. Raises TransportUnavailableError; what the server refuses of one stream stands in
        its StreamLook. Calls may overlap, and may be cancelled."""
        self._recall(known)
        turn = self._turn
        # The answers are about what was known when they were asked for.
        before = {place.stream: self._seen.get(place.stream) for place in self._places}
        before[self._dead.stream] = self._seen.get(self._dead.stream)
        still = self._still(known, resting)
        questions = [
            self._question(place, before[place.stream], (turn + at) % _TURNS == 0)
            for at, place in enumerate([self._dead, *self._places])
            if place.stream not in still
        ]
        link = await self._commands.link()
        sized = self._sizes.turn([self.broadcast.stream, *(p.stream for p in self._places)])
        cursors = sorted({*known.cursors.values()})
        chunks = list(_chunked(questions))
        broadcast, *replies = await self._commands.answers(
            [
                script("look_broadcast").read(
                    link, [self.broadcast.stream, self.broadcast.counts], [_COUNTED, *cursors]
                ),
                *map(self._ask, chunks),
                *(link.call("MEMORY", "USAGE", stream) for stream in sized),
            ]
        )
        answers = await self._all(chunks, replies)
        looks = {
            question.place.stream: self._take(question, before[question.place.stream], answer)
            for question, answer in zip(questions, answers, strict=True)
        }
        looks |= {stream: seen.look for stream, seen in still.items()}
        looks[self.broadcast.stream] = broadcast_look(broadcast, cursors)
        lengths = {stream: look.length for stream, look in looks.items()}
        self._sizes.note(lengths, zip(sized, replies[len(chunks) :], strict=True))
        return Looks(
            looks[self.broadcast.stream],
            looks[self._dead.stream],
            [(place, looks[place.stream]) for place in self._places],
            self._sizes.known,
        )

    def _still(self, known: Registries, resting: Resting) -> Mapping[str, _Seen]:
        """The streams that are known to be as they were."""
        if isinstance(known.arrived, ReplyError):
            return {}
        arrived = {stream for stream, _ in known.arrived or ()}
        return {
            stream: seen
            for stream, seen in resting.seen.items()
            # Unless something else is known of it by now.
            if self._seen.get(stream) is seen
            and seen.quiet
            and stream.encode() not in arrived
            and seen.known == self._known[stream]
        }

    def _recall(self, known: Registries) -> None:
        """Keep of what is known only what is still true."""
        if known.epoch != self._epoch:
            self._epoch = known.epoch
            self._seen.clear()
        doubts = _doubts(known)
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
        self._known = {place.stream: aside.get(place[:2], {}) for place in self._places}
        self._known[self._dead.stream] = {}
        self._seen = {stream: seen for stream, seen in self._seen.items() if stream in self._known}

    def _question(self, place: Place, seen: _Seen | None, its_turn: bool) -> _Question:
        known = self._known[place.stream]
        quiet = seen is not None and seen.quiet and not its_turn
        if seen is not None and quiet and seen.glance is not None and seen.known == known:
            return seen.glance
        if (
            seen is None
            or seen.known != known
            or seen.changes > 1  # it will have changed again
            or (its_turn and not seen.idle)
        ):
            keys = [place.stream, place.counts, *known.values()]
            return _Question(place, known, _CLOSE, keys, ["", "", "", len(known), *known])
        keys = [place.stream, place.counts, *(known[group] for group in seen.delayed)]
        cost, standing = (_GLANCE, b"") if quiet else (_STANDING, seen.standing)
        asked: list[str | bytes | int] = [
            seen.look.length,
            seen.after,
            standing,
            len(seen.delayed),
            *seen.delayed,
        ]
        question = _Question(place, known, cost, keys, asked)
        if quiet:
            seen.glance = question
        return question

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
            before.changes = 0
            if question.args[2]:  # its groups were compared
                before.quiet = before.idle
            return before.look
        if isinstance(answer, ReplyError):
            self._seen.pop(stream, None)
            return StreamLook(fault=answer)
        standing, look = answer[0], stream_look(answer)
        changes = 0
        if before is not None:
            if standing == before.standing and look == before.look:
                look = before.look
            else:
                changes = before.changes + 1
        idle = all(group.lag == 0 and not group.shares for group in look.groups)
        delayed = [g.name for g in look.groups if DELAYED in g.shares and g.name in question.known]
        self._seen[stream] = _Seen(
            look, standing, question.known, stream_ids.after(look.newest or stream_ids.ZERO),
            idle, delayed, idle, changes,
        )  # fmt: skip
        return look


def _doubts(known: Registries) -> object:
    """What changes with the steps after which a group may stand elsewhere although nothing was
    stored or handed out: it was made again or removed, or its counters were put right."""
    made = (at for at, flat in reversed(known.journal) if flat[1].startswith(b"group "))
    return known.totals.get("lost: work deleted"), next(made, None)


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
