"""Being alive: joining, renewing the lease, being fenced and coming back, judging others."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from .clock import Clock, wait_event
from .errors import BusClosedError, InstanceIdInUseError, TransportUnavailableError
from .options import FOREVER, SharedOptions, differing
from .registry import NOT_LIVE, Binding, Registry
from .stats import Counters
from .store_state import StoreState
from .transport import FencedError, Holder, Member, Renewal, Session, Transport, Vitals

log = logging.getLogger("eventbus_core")

_HOLDER_POLL = 0.25
"""Seconds between two looks at the lease of the process that holds our id."""


class Membership:
    """One bus's sessions, one after the other, and the loops that keep them alive."""

    def __init__(
        self,
        *,
        bus: str,
        clock: Clock,
        transport: Transport,
        registry: Registry,
        store: StoreState,
        counters: Counters,
        heartbeat_interval: float,
        describe: Callable[[str | None], Member],
        incident: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self.session: Session | None = None
        self.lease_until = 0.0
        self._bus = bus
        self._clock = clock
        self._transport = transport
        self._registry = registry
        self._store = store
        self._counters = counters
        self._interval = heartbeat_interval
        self._describe = describe
        self._incident = incident
        self._member = describe(None)
        self._alive = asyncio.Event()
        self._renewed = asyncio.Event()
        self._beat = asyncio.Event()
        self._gap_free_since = 0.0
        self._last_sent = 0.0
        self._gap = False
        self._options: SharedOptions | None = None
        self._changed = asyncio.Event()
        self._announced = -1
        """Version of the registry that the store knows."""
        self._synced = asyncio.Event()
        self._ended: list[Session] = []
        self._joined = False
        self._joining: str | None = None
        self._over = False
        self.session_lost: Callable[[], None] = lambda: None
        """Called when the session has been fenced, before there is another one."""
        self.vitals: Callable[[], Vitals] = Vitals
        """What heartbeats tell monitors."""
        self.announced: Callable[[], None] = lambda: None
        """Called when the store has been told of changed subscriptions."""

    # Joining

    async def join(self) -> None:
        """Announce this instance. Raises InstanceIdInUseError when a live process keeps its id
        for longer than its lease and one heartbeat, and TransportUnavailableError."""
        # The same incarnation until there is an answer: a join whose answer was lost may have
        # been stored, and must not be taken for another process.
        self._member = member = self._describe(self._joining)
        self._joining = member.incarnation
        version, known = self._registry.version, self._registry.all()
        deadline: float | None = None
        seen: Holder | None = None
        seen_at = 0.0
        while True:
            sent = self._clock.monotonic()
            # Judged only after watching for one whole lease: the store may have been away.
            watched = seen is not None and sent - seen_at >= seen.lease
            joined = await self._transport.join(member, replace=seen if watched else None)
            if not isinstance(joined, Holder):
                break
            if deadline is None:
                deadline = sent + joined.lease + self._interval
                log.info("instance id %r has a live lease; waiting for its end", member.instance_id)
            if seen is None or seen.renewals != joined.renewals:
                seen, seen_at = joined, sent
            if sent >= deadline:
                self._joining = None
                raise InstanceIdInUseError(member.instance_id, bus=self._bus)
            await self._clock.sleep(min(_HOLDER_POLL, self._interval, max(0.0, deadline - sent)))
        self._joining = None
        self._entered(joined, sent, version, known)

    def _entered(
        self, session: Session, sent: float, version: int, known: Sequence[Binding]
    ) -> None:
        self._counters.incarnations += 1
        self.session = session
        self.lease_until = sent + self._member.lease
        self._gap_free_since = self._last_sent = sent
        self._alive.set()
        self._renewed.set()
        for binding in known:
            # After a loss of data positions start again from low numbers.
            if binding.since != NOT_LIVE or not self._joined:
                binding.since = 0
        self._joined = True
        if all(binding.since != NOT_LIVE for binding in known):
            self._announced = version
        self.subscriptions_changed()

    async def alive(self, call: str = "this call") -> Session:
        """The live session; waits for one after a fencing. Raises BusClosedError after the end."""
        while self.session is None:
            if self._over:
                raise BusClosedError(call)
            self._alive.clear()
            await self._alive.wait()
        return self.session

    async def lease_renewed(self, session: Session) -> None:
        """Wait until the lease of `session` reaches into the future, or it has ended."""
        while session is self.session and self._clock.monotonic() >= self.lease_until:
            self._renewed.clear()
            await self._renewed.wait()

    def fenced(self, session: Session) -> None:
        """The store refused `session`: give it up; the heartbeat loop joins again."""
        if session is not self.session:
            return
        log.error(
            "instance %r was declared dead, or the store lost its data; what it had in hand goes "
            "to others, and it goes on as a new incarnation",
            self._member.instance_id,
        )
        self._incident("fenced", {"incarnation": self._member.incarnation})
        self.session = None
        self.lease_until = 0.0
        self._ended.append(session)
        self._renewed.set()
        self.session_lost()
        session.wake()
        self._beat.set()

    # Heartbeats

    async def run(self) -> None:
        """Renew for ever; join again when fenced."""
        while True:
            slept_from = self._clock.monotonic()
            await wait_event(self._clock, self._beat, self._interval)
            self._beat.clear()
            if (asleep := self._clock.monotonic() - slept_from) > self._member.lease:
                self._counters.loop_stalls += 1
                log.error(
                    "the event loop was blocked, or the process stopped, for %.1f s, longer than "
                    "the lease of %.1f s: others take this instance for dead. Run blocking code "
                    "in `def` handlers", asleep, self._member.lease,
                )  # fmt: skip
                self._incident("loop stalled", {"seconds": f"{asleep:.1f}"})
            while not await self._beat_once():
                pass

    async def _beat_once(self) -> bool:
        """Renew, or join again; False: the store did not answer, and a delay has passed."""
        session = self.session
        try:
            if session is None:
                await self.close_sessions()
                await self.join()
                log.info("instance %r is alive again", self._member.instance_id)
                return True
            sent = self._clock.monotonic()
            renewal = await session.renew(self.vitals())
            self._store.worked("renew")
            await self._renewed_at(session, sent, renewal)
        except FencedError:
            if session is not None:
                self.fenced(session)
        except InstanceIdInUseError as exc:
            log.error("cannot go on: %s", exc)
            await self._clock.sleep(self._interval)
            return False
        except TransportUnavailableError as exc:
            self._gap = True
            await self._clock.sleep(self._store.failed("renew", exc))
            return False
        except Exception:
            # A fault of the transport must not end the heartbeats.
            self._gap = True
            log.exception("a heartbeat failed; trying again")
            await self._clock.sleep(min(1.0, self._interval))
            return False
        return True

    async def _renewed_at(self, session: Session, sent: float, renewal: Renewal) -> None:
        if session is not self.session:
            return
        if self._gap or sent - self._last_sent > 2 * self._interval:
            # For a time others may not have been able to renew: they get a whole lease for it.
            self._gap_free_since = sent
        self._gap = False
        self._last_sent = sent
        self.lease_until = sent + self._member.lease
        self._renewed.set()
        for cause, count in renewal.lost.items():
            if not self._counters.lost[cause]:
                log.error("%d messages were lost: %s", count, cause)
            self._counters.lost[cause] += count
            self._incident("lost", {"cause": cause, "count": str(count)})
        if renewal.options is not None:
            self._note_options(renewal.options)
        gap_free = self._clock.monotonic() - self._gap_free_since
        judged = [s for s in renewal.suspects if gap_free >= max(self._member.lease, s.lease)]
        if judged:
            for suspect in await session.declare_dead(judged):
                self._counters.declared_dead += 1
                log.warning(
                    "instance %r is dead: its lease ran out; its work is taken over",
                    suspect.instance_id,
                )
                self._incident("declared dead", {"instance": suspect.instance_id})
        await session.maintain()

    def _note_options(self, in_force: SharedOptions) -> None:
        if in_force == self._options:
            return
        self._options = in_force
        if different := differing(self._member.options, in_force):
            shown = ", ".join(
                f"{name}={_shown(theirs)} (here {_shown(mine)})"
                for name, (mine, theirs) in different.items()
            )
            log.warning(
                "instances of bus %r differ in options; the most generous hold: %s",
                self._bus, shown,
            )  # fmt: skip
            self._incident("options differ", {"options": shown})

    # Subscriptions

    def subscriptions_changed(self) -> None:
        """The registry may have changed: tell the store soon."""
        if self._announced == self._registry.version:
            self._synced.set()
        else:
            self._synced.clear()
            self._changed.set()

    async def ready(self) -> None:
        """Wait until every subscription made so far is announced. Raises BusClosedError."""
        version = self._registry.version
        while self._announced < version:
            if self._over:
                raise BusClosedError("ready")
            self._synced.clear()
            await self._synced.wait()

    async def announce(self) -> None:
        """Keep the announced subscriptions like the registry, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            session = await self.alive()
            version, bindings = self._registry.version, self._registry.all()
            try:
                position = await session.subscribe(self._registry.announced())
            except FencedError:
                self.fenced(session)
                self._changed.set()
                continue
            except TransportUnavailableError as exc:
                self._changed.set()
                await self._clock.sleep(self._store.failed("subscribe", exc))
                continue
            except Exception:
                log.exception("announcing the subscriptions failed; trying again")
                self._changed.set()
                await self._clock.sleep(1.0)
                continue
            self._store.worked("subscribe")
            for binding in bindings:
                # A subscription made after init() starts with what is stored from now on.
                if binding.since == NOT_LIVE:
                    binding.since = position
            self._announced = max(self._announced, version)
            self._synced.set()
            self.announced()

    async def leave(self) -> None:
        """Withdraw in an orderly way, if alive; nobody waits for a session any more. Raises
        TransportUnavailableError."""
        session, self.session = self.session, None
        self._over = True
        self._alive.set()
        self._synced.set()
        if session is not None:
            self._ended.append(session)
            try:
                await session.leave()
            except FencedError:
                log.debug("declared dead while leaving")

    async def close_sessions(self) -> None:
        """Free what sessions that have ended hold in this process."""
        while self._ended:
            await self._ended.pop().close()


def _shown(value: float) -> str:
    return "never" if value == FOREVER else f"{value:g}"
