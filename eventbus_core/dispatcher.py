"""From a delivery to its handlers: decodes, finds who handles it, keeps count of what is held."""

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from . import codec
from .clock import Clock
from .envelope import Envelope, NewerFormatError, unpack
from .errors import DecodeError
from .gate import Gate
from .inhand import InHand
from .lane import Lane
from .membership import Membership
from .message import NO_HEADERS, Message
from .modes import EventMode
from .progress import read_note
from .registry import Binding, Registry
from .settler import Settler
from .stats import Counters
from .threads import HandlerThreads
from .transport import (
    BROADCASTS,
    INBOX,
    Channel,
    ChannelKind,
    Death,
    Delivery,
    Outcome,
    Room,
    Session,
    Settlement,
    work,
)

log = logging.getLogger("eventbus_core")

MOST_HELD: Mapping[ChannelKind, int] = {ChannelKind.BROADCAST: 1_000, ChannelKind.INBOX: 500}
"""Deliveries with handlers that have not ended, of the channels that only this instance reads."""
MOST_UNSETTLED = 5_000
"""Nothing is fetched while so many settlements wait for the store."""
MOST_BYTES = 32 * 1024 * 1024
"""Bytes held of one channel, as far as the mean size so far tells."""


class _Held:
    """What is in hand of one channel."""

    __slots__ = ("bytes", "count", "mean_size")

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self.mean_size = 1.0

    def add(self, size: int) -> None:
        self.count += 1
        self.bytes += size
        self.mean_size += 0.1 * (size - self.mean_size)

    def remove(self, size: int) -> None:
        self.count -= 1
        self.bytes -= size

    def room(self, limit: int) -> int:
        by_size = int((MOST_BYTES - self.bytes) / max(self.mean_size, 1.0))
        # One large message must always get through.
        return min(limit, max(by_size, 0 if self.count else 1))


class Dispatcher:
    """The handlers of one bus at work. The `Workplace` of its lanes."""

    def __init__(
        self,
        *,
        clock: Clock,
        registry: Registry,
        membership: Membership,
        settler: Settler,
        counters: Counters,
        threads: HandlerThreads,
        fixed_id: bool,
        lease: float,
        debug: bool,
        incident: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self.clock = clock
        self.registry = registry
        self.counters = counters
        self.threads = threads
        self.gate = Gate(clock, lambda: self.kick())
        self.lease = lease
        self.lanes: dict[Binding, Lane] = {}
        self.room_changed: Callable[[Channel], None] = lambda channel: None
        """Called when a channel may have room again."""
        self.kick: Callable[[], None] = lambda: None
        """Called when any channel may have."""
        self._membership = membership
        self._settler = settler
        self._fixed_id = fixed_id
        self._debug = debug
        self._incident = incident
        self._held: dict[Channel, _Held] = {}
        self._closing = False
        self._choked = False
        settler.progressed = self._unchoke
        membership.session_lost = self._session_lost

    # Room

    def _unchoke(self) -> None:
        if self._choked and self._settler.unsettled < MOST_UNSETTLED:
            self._choked = False
            self.kick()

    def room(self) -> dict[Channel, Room]:
        """What to fetch now, by channel; channels without room are left out."""
        if self._closing:
            return {}
        if self._settler.unsettled >= MOST_UNSETTLED:
            self._choked = True
            return {}
        room: dict[Channel, Room] = {}
        for channel in (BROADCASTS, INBOX):
            held = self._held_of(channel)
            limit = held.room(MOST_HELD[channel.kind] - held.count)
            if limit > 0:
                room[channel] = Room(slots=limit, limit=limit)
        if self.gate.closed:
            return room
        for event, group in self.registry.work_channels():
            slots, limit = self._work_room(event, group)
            channel = work(event, group)
            limit = self._held_of(channel).room(limit)
            if limit > 0:
                room[channel] = Room(slots=min(slots, limit), limit=limit)
        return room

    def _work_room(self, event: str, group: str) -> tuple[int, int]:
        lanes = [self.lane(binding) for binding in self.registry.workers(event, group)]
        if not lanes:
            return 0, 0
        return min(lane.slots for lane in lanes), min(lane.limit for lane in lanes)

    def _held_of(self, channel: Channel) -> _Held:
        held = self._held.get(channel)
        if held is None:
            held = self._held[channel] = _Held()
        return held

    # Deliveries

    def deliver(self, session: Session, delivery: Delivery) -> None:
        """Give one delivery to its handlers, or settle it when there is nothing to do."""
        self.counters.received += 1
        if delivery.orphaned:
            self.counters.taken_over += 1
        try:
            envelope = unpack(delivery.data)
            bindings = self._handlers_of(delivery, envelope)
            if not bindings:
                self._nobody(session, delivery, envelope)
                return
            message = self._message(delivery, envelope)
        except NewerFormatError as exc:
            self._newer(session, delivery, exc)
            return
        except DecodeError as exc:
            self._undecodable(session, delivery, "undecodable", exc)
            return
        except Exception as exc:
            # A fault of ours must neither end the reading nor strand the message.
            log.exception("a message could not be dispatched")
            self._undecodable(session, delivery, "could not be dispatched", exc)
            return
        if message.attempt > 1:
            self.counters.repeats += 1
        if self._debug:
            log.debug(
                "deliver id=%s event=%s mode=%s source=%s target=%s size=%d attempt=%d",
                message.id, message.event, message.mode, message.source, message.target,
                len(delivery.data), message.attempt,
            )  # fmt: skip
        item = InHand(session, delivery, message, len(bindings), self._settle)
        self._held_of(delivery.channel).add(item.size)
        for binding in bindings:
            self.lane(binding).put(item)

    def _handlers_of(self, delivery: Delivery, envelope: Envelope) -> Sequence[Binding]:
        channel = delivery.channel
        if channel.kind is ChannelKind.WORK:
            found = self.registry.workers(envelope.event, channel.group)
        else:
            # A redriven broadcast comes through the inbox: the envelope's mode decides.
            found = self.registry.listeners(envelope.event, envelope.mode)
        if delivery.position:
            found = tuple(b for b in found if b.since < delivery.position)
        if delivery.note and found:
            finished = set(read_note(delivery.note).finished)
            # If the code changed and no name fits any more, all of them run.
            found = tuple(b for b in found if b.name not in finished) or found
        return found

    def _message(self, delivery: Delivery, envelope: Envelope) -> Message:
        if envelope.codec != "json":
            raise DecodeError(f"the message has codec {envelope.codec!r}; this instance has 'json'")
        headers = envelope.headers
        return Message(
            id=envelope.id,
            event=envelope.event,
            data=codec.decode(envelope.body),
            mode=envelope.mode,
            source=envelope.source,
            target=envelope.target,
            timestamp_ms=envelope.timestamp_ms,
            headers=NO_HEADERS if headers is None else MappingProxyType(dict(headers)),
            attempt=delivery.starts + 1,
            group=delivery.channel.group or None,
        )

    def _nobody(self, session: Session, delivery: Delivery, envelope: Envelope) -> None:
        if delivery.channel.kind is ChannelKind.WORK:
            # `off` came while it was on its way: others of the group take it.
            self._hand_back(session, delivery)
            return
        if envelope.mode is EventMode.BROADCAST:
            self.counters.skipped += 1
        else:
            self.counters.unhandled += 1
            log.debug("unicast %s of %r has no handler here", envelope.id, envelope.event)
        self._settle(session, Settlement(delivery, Outcome.DONE))

    def _newer(self, session: Session, delivery: Delivery, exc: DecodeError) -> None:
        self.counters.newer_format += 1
        if self.counters.newer_format == 1:
            log.error("a message was left alone: %s", exc)
            self._incident("newer format", {"error": str(exc)})
        if delivery.channel.kind is ChannelKind.BROADCAST:
            self._settle(session, Settlement(delivery, Outcome.DONE))
            return
        # Set aside, uncharged: an updated instance may take it, or this one after an update.
        self._settle(
            session,
            Settlement(
                delivery,
                Outcome.FAILED,
                delay=self.lease,
                note=delivery.note,
                starts=delivery.starts,
            ),
        )

    def _undecodable(
        self, session: Session, delivery: Delivery, reason: str, exc: Exception
    ) -> None:
        error = str(exc).encode("utf-8", "backslashreplace").decode()
        self._incident("dead letter", {"reason": reason, "error": error})
        log.error("a message became a dead letter: %s: %s", reason, error)
        death = Death(reason=reason, error=error, attempts=delivery.starts)
        self._settle(session, Settlement(delivery, Outcome.DEAD, death=death))

    def _hand_back(self, session: Session, delivery: Delivery) -> None:
        self._settle(
            session,
            Settlement(delivery, Outcome.RELEASED, starts=delivery.starts, note=delivery.note),
        )

    def _settle(self, session: Session, settlement: Settlement) -> None:
        if settlement.outcome is Outcome.RELEASED:
            self.counters.released += 1
        elif settlement.outcome is Outcome.DEAD:
            self.counters.dead_lettered += 1
        self._settler.add(session, settlement)

    # Lanes

    def lane(self, binding: Binding) -> Lane:
        lane = self.lanes.get(binding)
        if lane is None:
            lane = self.lanes[binding] = Lane(binding, self)
        return lane

    def remove(self, event: str, handler: object | None) -> int:
        """`off`: returns how many subscriptions it removed; nothing of them starts any more."""
        bindings = self.registry.remove(event, handler)  # type: ignore[arg-type]
        # A `once` that waits to try its message again has left the registry already.
        waiting = [
            binding
            for binding, lane in self.lanes.items()
            if binding.once
            and binding.removed
            and binding not in bindings
            and not lane.stopped
            and binding.event == event
            and (handler is None or binding.handler == handler)
        ]
        for binding in (*bindings, *waiting):
            if (lane := self.lanes.get(binding)) is not None:
                lane.remove()
                self._drop_idle(lane)
        return len(bindings) + len(waiting)

    def spare(self, binding: Binding, item: InHand) -> None:
        """The handler `binding` of `item` closes the bus."""
        if (lane := self.lanes.get(binding)) is not None:
            lane.spare(item)

    def stop(self) -> None:
        """Start nothing more and give back what has not started."""
        self._closing = True
        for lane in tuple(self.lanes.values()):
            lane.stop()

    def _session_lost(self) -> None:
        for lane in tuple(self.lanes.values()):
            lane.session_lost()

    def _drop_idle(self, lane: Lane) -> None:
        if lane.binding.removed and not lane.queue and not lane.running:
            self.lanes.pop(lane.binding, None)

    # The Workplace of the lanes

    @property
    def session(self) -> Session | None:
        return self._membership.session

    @property
    def lease_until(self) -> float:
        return self._membership.lease_until

    async def lease_renewed(self, session: Session) -> None:
        await self._membership.lease_renewed(session)

    def counts_starts(self, kind: ChannelKind) -> bool:
        return kind is not ChannelKind.BROADCAST or self._fixed_id

    def fenced(self, session: Session) -> None:
        self._membership.fenced(session)

    def retire(self, binding: Binding) -> None:
        if not binding.removed:
            self.registry.remove_binding(binding)
            self._membership.subscriptions_changed()

    def restore(self, binding: Binding) -> None:
        self.registry.add(binding)
        self._membership.subscriptions_changed()

    def settled(self, item: InHand) -> None:
        channel = item.delivery.channel
        self._held_of(channel).remove(item.size)
        if channel.kind is not ChannelKind.WORK:
            self.room_changed(channel)

    def freed(self, item: InHand, lane: object) -> None:
        assert isinstance(lane, Lane)
        if lane.work_channel is not None:
            self.room_changed(lane.work_channel)
        if lane.binding.removed:
            self._drop_idle(lane)

    def incident(self, kind: str, item: InHand, binding: Binding, text: str) -> None:
        message = item.message
        log.warning(
            "%s: handler %s, message %s of %r: %s",
            kind, binding.name, message.id, message.event, text,
        )  # fmt: skip
        self._incident(
            kind,
            {
                "message": message.id,
                "event": message.event,
                "mode": str(message.mode),
                "group": message.group or "",
                "handler": binding.name,
                "text": text,
            },
        )
