"""One bus in one transaction: its books, and through `Rows` its messages."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..options import FOREVER, SharedOptions, most_generous
from ..transport import (
    BROADCASTS,
    INBOX,
    Channel,
    ChannelKind,
    Death,
    Delivery,
    Holder,
    Member,
    Outcome,
    Outgoing,
    Published,
    Redriven,
    Room,
    Settlement,
    Suspect,
    Vitals,
)
from .books import Life, Queue, queue_of, read, stream_of
from .place import Place
from .rows import Back, Held, Rows, Whole

MOST_SUSPECTS = 100
TURN_SECONDS = 1.0


class Announced(msgspec.Struct, frozen=True):
    """What an incarnation learns when it announces itself."""

    newest: int
    """Position of the newest message stored."""
    replayed: int
    """Broadcasts that it is given because its id was new."""
    lost: int
    """Broadcasts that it has lost so far."""


class BusTransaction(Rows):
    """Keeps what follows from the books; what happens to messages is up to `Rows`."""

    def __init__(self, bus: str, now: float, document: bytes | None) -> None:
        self.bus = bus
        self.now = now
        """Unix seconds of the store's clock."""
        self.books = read(document)

    def document(self) -> bytes | None:
        """What is to be stored of the books; None when nothing is left of the bus."""
        books = self.books
        left = books.lives or books.queues or books.dead_letters
        return msgspec.json.encode(books) if left else None

    def look_at(self) -> float:
        """When somebody has to `maintain` the bus, if nobody uses it until then."""
        options = self.books.options
        used = max([self.books.used, *(life.until for life in self.books.lives.values())])
        ttls = [ttl for ttl in (options.stream_ttl, options.backlog_ttl) if ttl != FOREVER]
        # Later there is nothing left but dead letters.
        ends = [used + ttl for ttl in ttls if used + ttl > self.now]
        return min(ends, default=self.now + options.dead_letter_retention)

    def takes_turn(self, incarnation: str) -> bool:
        """Whether it is to do the maintenance: not when somebody else has just done it."""
        books, since = self.books, self.now - self.books.maintained
        if books.maintainer != incarnation and 0 <= since < TURN_SECONDS:
            return False
        books.maintainer, books.maintained = incarnation, self.now
        return True

    def count(self, cause: str, n: int = 1) -> None:
        """Add to the totals that monitors show."""
        if n:
            self.books.totals[cause] = self.books.totals.get(cause, 0) + n

    # Who lives

    def holder(self, instance_id: str) -> Holder | None:
        """Who has the id, its lease expired or not; None when nobody has."""
        life = self.books.lives.get(instance_id)
        if life is None:
            return None
        expired = life.until <= self.now
        return Holder(life.member.incarnation, life.member.lease, str(life.renewals), expired)

    def announce(self, member: Member, place: Place, vitals: Vitals | None = None) -> Announced:
        """Announce an incarnation, or announce it again: its lease lasts from now, its channels
        are open. A new id gets the broadcasts that are kept and not settled at its place; if it
        has none, all of them, or none if the member said `only_new`."""
        books = self.books
        life = books.lives.setdefault(member.instance_id, Life(member))
        self._note_seen(life)
        life.member = member
        life.until = self.now + member.lease
        life.renewals += 1
        life.vitals = vitals or life.vitals
        start = books.position if member.only_new else 0
        replayed = 0
        for queue in life.queues():
            if queue.key in books.queues:
                continue
            books.queues[queue.key] = queue
            if queue.kind is not ChannelKind.INBOX:
                books.log(queue.kind, queue.name)
            broadcasts = queue.kind is ChannelKind.BROADCAST
            resumes = broadcasts and place.value is not None
            after, but = (place.value or 0, place.ahead) if resumes else (start, ())
            queue.backlog = self.fill(queue.key, queue.log, after, but)
            if broadcasts and not resumes:
                replayed = queue.backlog
        self.refresh_options()
        return Announced(books.position, replayed, life.lost)

    def end(self, instance_id: str, *, died: bool) -> None:
        """End an incarnation: what it holds comes back, an id that is not fixed is forgotten."""
        books = self.books
        life = books.lives.pop(instance_id)
        self._note_seen(life)
        books.used = max(books.used, min(self.now, life.until))
        self.hand_back(life.member.incarnation, orphaned=died)
        for queue in life.queues():
            if queue.kind is not ChannelKind.WORK and not life.member.fixed:
                self.drop(books.queues[queue.key], "instance died" if died else "instance closed")
        self.count("declared dead", died)

    def suspects(self) -> list[Suspect]:
        """Incarnations whose lease has run out."""
        lives = [life for life in self.books.lives.values() if life.until <= self.now]
        members = [life.member for life in lives[:MOST_SUSPECTS]]
        return [Suspect(m.incarnation, m.instance_id, m.lease) for m in members]

    def living(self) -> list[Life]:
        """Those whose lease reaches beyond now."""
        return [life for life in self.books.lives.values() if life.until > self.now]

    def refresh_options(self) -> SharedOptions:
        """Put the most generous options of the living in force; return those in force."""
        if living := self.living():
            self.books.options = most_generous([life.member.options for life in living])
        return self.books.options

    def limit_leases(self) -> None:
        """Let nobody live for longer than a lease because the clock was set back."""
        for life in self.books.lives.values():
            life.until = min(life.until, self.now + life.member.lease)

    def _note_seen(self, life: Life) -> None:
        for queue in life.queues():
            if (known := self.books.queues.get(queue.key)) is not None:
                known.seen = max(known.seen, min(self.now, life.until))

    # Queues

    def left(self, queue: Queue, n: int) -> int:
        """Note that messages have left a queue; returns how many."""
        queue.backlog -= n
        queue.settled += n
        return n

    def drop(self, queue: Queue, reason: str) -> None:
        """Remove a queue; what it has of inbox or work becomes dead letters."""
        name, work = queue.key, queue.kind is ChannelKind.WORK
        if queue.kind is not ChannelKind.BROADCAST:
            instance, group = ("", queue.owner) if work else (queue.owner, None)
            death = Death(reason)
            self._died(self.bury(Whole(name), death, instance=instance, group=group, home=name))
        self.delete(Whole(name))
        del self.books.queues[queue.key]
        if work and not self.books.readers(queue.kind, queue.name):
            # What only the last group had to handle goes with it.
            self.delete(Whole(queue.log))
            self.books.queues.pop(queue.log, None)

    def _died(self, n: int) -> None:
        self.books.dead_letters += n
        self.count("dead letters", n)

    # Messages

    def store(self, message: Outgoing) -> Published:
        """Store one message, or say why not."""
        books, (kind, name) = self.books, stream_of(message)
        queues = books.readers(kind, name)
        if kind is ChannelKind.INBOX and not queues:
            return self._refused(Published.TARGET_NOT_FOUND)
        # Where there is no group, all work waits for the first one.
        logs = [] if kind is ChannelKind.INBOX else [books.log(kind, name)]
        longest = max(queue.backlog for queue in queues or logs)
        if kind is not ChannelKind.BROADCAST and longest >= books.options.max_backlog:
            return self._refused(Published.BACKLOG_FULL)
        names = [queue.key for queue in queues + logs]
        self.add(names, self._next_position(), message.event, message.data)
        for queue in queues + logs:
            queue.backlog += 1
        return Published.STORED

    def _next_position(self) -> int:
        # Positions are times, so that they go on when the store has lost its data.
        self.books.position = max(self.books.position + 1, int(self.now * 1e6))
        return self.books.position

    def _refused(self, answer: Published) -> Published:
        self.count(f"refused: {answer}")
        return answer

    def waiting(self, member: Member, channels: Iterable[Channel]) -> bool:
        """Whether there is anything to take, or there may be."""
        names = [queue_of(channel, member.instance_id).key for channel in channels]
        return any(self.free(name) for name in names)

    def receive(self, member: Member, channel: Channel, room: Room) -> list[Delivery]:
        """Take from one channel."""
        name = queue_of(channel, member.instance_id).key
        # To the next life of a fixed id a broadcast is as new as it was to this one.
        counted = channel != BROADCASTS
        deliveries = []
        for taken in self.take(name, member.incarnation, room, counted=counted):
            held = Held(name, taken.position, member.incarnation, taken.handouts + counted)
            self.count("taken over", taken.orphaned)
            deliveries.append(
                Delivery(
                    channel=channel,
                    data=taken.data,
                    token=held,
                    starts=taken.starts,
                    again=taken.handouts > 0,
                    orphaned=bool(taken.orphaned),
                    note=taken.note,
                    position=0 if counted else taken.position,
                )
            )
        return deliveries

    def settle(self, member: Member, settlement: Settlement) -> None:
        """Settle one delivery that the member holds. If somebody has deleted it behind our backs,
        it may be done none the less."""
        delivery, held = settlement.delivery, settlement.delivery.token
        if settlement.outcome is Outcome.DONE:
            self.delete(held)
            gone = 1
        elif settlement.outcome is Outcome.DEAD:
            instance, group = member.instance_id, delivery.channel.group or None
            home = held.queue if group else queue_of(INBOX, instance).key
            death = settlement.death or Death("unknown")
            gone = self.bury(held, death, instance=instance, group=group, home=home)
            self._died(gone)
        else:
            # A broadcast is for the next life of this instance: it stays in hand until then.
            keep = delivery.channel == BROADCASTS
            back = Back(settlement.starts, settlement.note, self.now + settlement.delay)
            n = self.put_back(held, back, keep=keep)
            self.count("retries", n if settlement.outcome is Outcome.FAILED else 0)
            return
        queue = queue_of(delivery.channel, member.instance_id)
        if (known := self.books.queues.get(queue.key)) is not None:
            self.left(known, gone)

    def untake(self, delivery: Delivery) -> None:
        """Put back what was taken and not given to anybody."""
        back = Back(delivery.starts, delivery.note, self.now, delivery.orphaned)
        self.put_back(delivery.token, back, keep=delivery.channel == BROADCASTS)

    # Dead letters

    def redrive(self, dead_letter_id: str) -> Redriven:
        """As `Session.redrive`."""
        home = self.home(dead_letter_id)
        if home is None:
            return Redriven.UNKNOWN
        queue = self.books.queues.get(home)
        if queue is None:
            return Redriven.NO_OWNER
        self.restore(dead_letter_id, self._next_position())
        queue.backlog += 1
        self.books.dead_letters -= 1
        self.count("redriven")
        return Redriven.DONE

    def discard(self, dead_letter_id: str) -> bool:
        """As `Session.discard`."""
        gone = self.delete_letter(dead_letter_id)
        self.books.dead_letters -= gone
        self.count("discarded", gone)
        return gone > 0
