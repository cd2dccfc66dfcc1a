"""What one bus holds: a plain model, without a store, a lock or a wait."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from eventbus_core.modes import EventMode
from eventbus_core.options import SharedOptions
from eventbus_core.transport import (
    INBOX,
    Channel,
    ChannelKind,
    Outcome,
    Outgoing,
    Published,
    Redriven,
    Settlement,
)
from tests.model.broadcasts import Place, Reader
from tests.model.queues import Fate, Message, Queue, State, Work


@dataclass(eq=False)
class Life:
    """One incarnation."""

    name: str
    incarnation: str
    fixed: bool
    consumes: bool
    only_new: bool
    channels: frozenset[Channel]
    """The work that it is subscribed to."""
    expires: tuple[float, float] = (0.0, 0.0)
    """When its lease runs out: not before, at the latest."""
    reader: Reader | None = None
    over: bool = False


@dataclass(eq=False)
class Stream:
    """The anycast messages of one event."""

    kept: list[Message]
    groups: dict[str, Queue]
    redriven: int = 0
    """Messages given back to one group: a store may keep them with the others."""


@dataclass(frozen=True)
class Letter:
    """One dead letter. An empty reason is the transport's own text."""

    payload: str
    event: str
    instance: str
    group: str | None
    attempts: int
    reason: str
    step: int
    """Letters of one step may be in any order."""


class Model:
    """One bus."""

    def __init__(self, options: SharedOptions, *, takes_at_once: bool, trims_at_once: bool) -> None:
        self._takes_at_once = takes_at_once
        self._trims_at_once = trims_at_once
        self.log: list[Message] = []
        self.inboxes: dict[str, Queue] = {}
        self.streams: dict[str, Stream] = {}
        self.lives: list[Life] = []
        """Those that are not over."""
        self.remembered: dict[str, Place] = {}
        self.letters: list[Letter] = []
        self._options = options
        self._numbers = count(1)
        self.step = 0
        """Raised by whoever makes the next call."""

    # Lives

    def holder(self, name: str) -> Life | None:
        """The life that has this instance id."""
        return next((life for life in self.lives if life.name == name), None)

    def start(self, life: Life, earlier: Place | None) -> tuple[int, int]:
        """A life begins, at `earlier` when its transport had one of that name before. Returns how
        many broadcasts are replayed: at least, at most."""
        replayed = (0, 0)
        if life.consumes:
            self.inboxes.setdefault(life.name, Queue())
            place, replayed = self._place(life, earlier)
            life.reader = Reader(self.log, place, fixed=life.fixed)
        self.lives.append(life)
        self.open_groups(life)
        return replayed

    def _place(self, life: Life, earlier: Place | None) -> tuple[Place, tuple[int, int]]:
        known = self.remembered.pop(life.name, None)
        if known is not None:
            if earlier is None or earlier.cursor >= known.cursor:
                return known, (0, 0)
            # Another process was further under this id; its own place is as good.
            between = {m.number for m in self.log if m.number <= known.cursor}
            return replace(known, cursor=earlier.cursor, settled=known.settled | between), (0, 0)
        if earlier is not None:
            return earlier, (0, 0)
        if life.only_new:
            return Place(self.newest, frozenset(), {}, {}), (0, 0)
        fates = [message.fate for message in self.log]
        kept = fates.count(Fate.KEPT)
        return Place(0, frozenset(), {}, {}), (kept, kept + fates.count(Fate.DOUBTFUL))

    def open_groups(self, life: Life) -> None:
        """Every group that it works for has a queue from now on."""
        for channel in life.channels:
            stream = self.streams.setdefault(channel.event, Stream([], {}))
            if channel.group not in stream.groups:
                queue = stream.groups[channel.group] = Queue()
                if not life.only_new:
                    queue.works = [
                        Work(message, maybe=message.fate is Fate.DOUBTFUL)
                        for message in stream.kept
                    ]
                    queue.given_to_others = 0 if self._takes_at_once else stream.redriven

    def subscribe(self, life: Life, channels: frozenset[Channel]) -> None:
        """It works for these groups from now on."""
        for channel in life.channels - channels:
            queue = self.queue(channel, life.name)
            queue.released_unseen = queue.released_unseen or life.incarnation in queue.readers
        life.channels = channels
        self.open_groups(life)

    def end(self, life: Life, *, died: bool) -> None:
        """It left, or was declared dead."""
        queues = [q for stream in self.streams.values() for q in stream.groups.values()]
        for queue in [*queues, *self.inboxes.values()]:
            queue.ended(life.incarnation, died=died)
        life.over = True
        self.lives.remove(life)
        if life.reader is None:
            return
        if life.fixed:
            self.remembered[life.name] = life.reader.place()
            return
        for work in self.inboxes.pop(life.name).works:
            message = work.message
            self.letters.append(
                Letter(message.payload, message.event, life.name, None, work.starts, "", self.step)
            )

    # Storing

    @property
    def newest(self) -> int:
        """Number of the newest broadcast."""
        return self.log[-1].number if self.log else 0

    def may_answer(self, message: Outgoing) -> set[Published]:
        """What may become of a message."""
        if message.mode is EventMode.BROADCAST:
            return {Published.STORED}
        if message.mode is EventMode.UNICAST:
            if message.target not in self.inboxes:
                return {Published.TARGET_NOT_FOUND}
            least, most = self.inboxes[message.target].backlog
        else:
            least, most = self._backlog(message.event)
        answers = set()
        if least < self._options.max_backlog:
            answers.add(Published.STORED)
        if most >= self._options.max_backlog:
            answers.add(Published.BACKLOG_FULL)
        return answers

    def store(self, outgoing: Outgoing, now: float) -> None:
        """A message was stored."""
        message = Message(outgoing.data.decode(), outgoing.event, next(self._numbers), now)
        if outgoing.mode is EventMode.BROADCAST:
            self.log.append(message)
            self._trim_log(now, Fate.DOUBTFUL)
        elif outgoing.mode is EventMode.UNICAST:
            assert outgoing.target is not None
            self.inboxes[outgoing.target].works.append(Work(message))
        else:
            stream = self.streams.setdefault(outgoing.event, Stream([], {}))
            stream.kept.append(message)
            for queue in stream.groups.values():
                queue.works.append(Work(message))

    def _backlog(self, event: str) -> tuple[int, int]:
        stream = self.streams.get(event, Stream([], {}))
        if not stream.groups:
            return len(stream.kept), len(stream.kept)
        least, most = zip(*(queue.backlog for queue in stream.groups.values()), strict=True)
        return max(least), max(most)

    # Work

    def queue(self, channel: Channel, name: str) -> Queue:
        """The queue behind a channel of an instance."""
        if channel == INBOX:
            return self.inboxes[name]
        return self.streams[channel.event].groups[channel.group]

    def settle_work(self, life: Life, work: Work, settlement: Settlement, now: float) -> None:
        """One message of an inbox or of a group was settled by its holder."""
        channel = settlement.delivery.channel
        if settlement.outcome in (Outcome.RELEASED, Outcome.FAILED):
            aside = settlement.outcome is Outcome.FAILED and settlement.delay > 0
            work.state, work.holder = State.ASIDE if aside else State.BACK, ""
            work.due = now + settlement.delay
            work.starts, work.note = settlement.starts, settlement.note
            return
        self.queue(channel, life.name).works.remove(work)
        if settlement.outcome is Outcome.DEAD:
            group = channel.group if channel.kind is ChannelKind.WORK else None
            self._bury_settled(life, work.message, group, settlement)

    def settle_broadcast(self, life: Life, message: Message, settlement: Settlement) -> None:
        """One broadcast was settled."""
        assert life.reader is not None
        if settlement.outcome is Outcome.RELEASED:
            life.reader.release(message.number, settlement.starts, settlement.note)
            return
        life.reader.settle(message.number)
        if settlement.outcome is Outcome.DEAD:
            self._bury_settled(life, message, None, settlement)

    # Retention

    def maintain(self, now: float) -> None:
        """Trim what is handled and old or too many."""
        fate = Fate.GONE if self._trims_at_once else Fate.DOUBTFUL
        self._trim_log(now, fate)
        for stream in self.streams.values():
            self._trim_stream(stream, now, fate)

    def _trim_log(self, now: float, fate: Fate) -> None:
        self._trim(self._surplus_broadcasts(now, sure=False), Fate.DOUBTFUL)
        if fate is Fate.GONE:
            self._trim(self._surplus_broadcasts(now, sure=True), fate)

    def _surplus_broadcasts(self, now: float, *, sure: bool) -> list[Message]:
        """What must be trimmed (`sure`), or may be."""
        limit = self._options.max_backlog
        kept = [message for message in self.log if message.fate is not Fate.GONE]
        readers = [life.reader for life in self.lives if life.reader is not None]
        least = min((reader.cursor for reader in readers), default=self.newest)
        most = min((reader.furthest_cursor for reader in readers), default=self.newest)
        unhandled = sum(message.number > (most if sure else least) for message in kept)
        handled = [message for message in kept if message.number <= (least if sure else most)]
        surplus = self._beyond(handled, self._options.max_message_count, now)
        # A store that does not trim at once may know less well who has passed what.
        if unhandled > limit or not (sure or self._trims_at_once):
            surplus += kept[:-limit]
        return surplus

    def _trim_stream(self, stream: Stream, now: float, fate: Fate) -> None:
        if not stream.groups:
            return
        unhandled = {
            work.message
            for queue in stream.groups.values()
            for work in queue.works
            if not work.maybe
        }
        handled = [message for message in stream.kept if message not in unhandled]
        most = self._options.max_message_count
        if fate is Fate.GONE:
            self._trim(self._beyond(handled, most, now), fate)
        # What was redriven may count as stored, and so may what is not handled where a store
        # does not trim at once.
        counted = handled if self._trims_at_once else stream.kept
        spared = max(0, most - stream.redriven)
        newest = counted[max(0, len(counted) - spared) :]
        beyond = [message for message in handled if message not in newest]
        self._trim([m for m in beyond if m.fate is not Fate.GONE], Fate.DOUBTFUL)
        stream.kept = [message for message in stream.kept if message.fate is not Fate.GONE]

    def _beyond(self, handled: list[Message], most: int, now: float) -> list[Message]:
        older = now - self._options.message_retention
        too_many = handled[: max(0, len(handled) - most)]
        return too_many + [message for message in handled if message.stored_at < older]

    def _trim(self, messages: Sequence[Message], fate: Fate) -> None:
        for message in messages:
            message.fate = fate

    # Dead letters

    def redrive(self, letter: Letter, now: float) -> Redriven:
        """Give a letter back to the one it belongs to."""
        if letter.group is not None:
            stream = self.streams[letter.event]
            queue: Queue | None = stream.groups[letter.group]
            stream.redriven += 1
            for other in stream.groups.values():
                other.given_to_others += other is not queue and not self._takes_at_once
        else:
            queue = self.inboxes.get(letter.instance)
        if queue is None:
            return Redriven.NO_OWNER
        self.letters.remove(letter)
        message = Message(letter.payload, letter.event, next(self._numbers), now)
        queue.works.append(Work(message, redriven=True))
        return Redriven.DONE

    def _bury_settled(
        self, life: Life, message: Message, group: str | None, settlement: Settlement
    ) -> None:
        death = settlement.death
        assert death is not None
        self.letters.append(
            Letter(
                message.payload, message.event, life.name, group, death.attempts, death.reason,
                self.step,
            )
        )  # fmt: skip
