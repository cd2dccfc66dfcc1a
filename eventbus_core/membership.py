"""Being alive: joining, renewing the lease, being fenced and coming back, judging others."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from .clock import Clock, wait_event
from .errors import InstanceIdInUseError, TransportUnavailableError
from .options import SharedOptions, differing
from .registry import NOT_LIVE, Registry
from .stats import Counters
from .store_state import StoreState
from .transport import FencedError, Holder, Member, Renewal, Session, Transport

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
        describe: Callable[[], Member],
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
        self._member = describe()
        self._alive = asyncio.Event()
        self._renewed = asyncio.Event()
        self._beat = asyncio.Event()
        self._gap_free_since = 0.0
        self._options: SharedOptions | None = None
        self._changed = asyncio.Event()
        self._synced = asyncio.Event()
        self._synced.set()
        self._version = 0
        self._ended: list[Session] = []
        self._joined = False

    # Joining

    async def join(self) -> None:
        """Announce this instance. Raises InstanceIdInUseError when a live process keeps its id
        for longer than its lease and one heartbeat, and TransportUnavailableError."""
        self._member = member = self._describe()
        version = self._version
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
                raise InstanceIdInUseError(member.instance_id, bus=self._bus)
            await self._clock.sleep(min(_HOLDER_POLL, self._interval, max(0.0, deadline - sent)))
        self._entered(joined, sent, version)

    def _entered(self, session: Session, sent: float, version: int) -> None:
        self._counters.incarnations += 1
        self.session = session
        self.lease_until = sent + self._member.lease
        self._gap_free_since = sent
        self._alive.set()
        self._renewed.set()
        for binding in self._registry.all():
            # After a loss of data positions start again from low numbers.
            if binding.since != NOT_LIVE or not self._joined:
                binding.since = 0
        self._joined = True
        if version == self._version:
            self._synced.set()
        else:
            self._changed.set()

    async def alive(self) -> Session:
        """The live session; waits for one after a fencing."""
        while self.session is None:
            await self._alive.wait()
        return self.session

    async def lease_renewed(self) -> None:
        """Wait until the lease reaches into the future."""
        while self._clock.monotonic() >= self.lease_until:
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
        self._alive.clear()
        self._ended.append(session)
        session.wake()
        self._beat.set()

    # Heartbeats

    async def run(self) -> None:
        """Renew for ever; join again when fenced."""
        lease = self._member.lease
        while True:
            slept_from = self._clock.monotonic()
            await wait_event(self._clock, self._beat, self._interval)
            self._beat.clear()
            overslept = self._clock.monotonic() - slept_from - self._interval
            if overslept > lease:
                self._counters.loop_stalls += 1
                log.error(
                    "the event loop was blocked, or the process stopped, for %.1f s, longer than "
                    "the lease of %.1f s: others take this instance for dead. Run blocking code "
                    "in `def` handlers", overslept, lease,
                )  # fmt: skip
                self._incident("loop stalled", {"seconds": f"{overslept:.1f}"})
            while not await self._beat_once():
                pass

    async def _beat_once(self) -> bool:
        """Renew, or join again; False: the store did not answer, and a delay has passed."""
        session = self.session
        try:
            if session is None:
                await self._close_ended()
                await self.join()
                log.info("instance %r is alive again", self._member.instance_id)
                return True
            sent = self._clock.monotonic()
            renewal = await session.renew()
            self._store.worked()
            await self._renewed_at(session, sent, renewal)
        except FencedError:
            if session is not None:
                self.fenced(session)
        except InstanceIdInUseError as exc:
            log.error("cannot go on: %s", exc)
            await self._clock.sleep(self._interval)
            return False
        except TransportUnavailableError as exc:
            await self._clock.sleep(self._store.failed(exc))
            return False
        except Exception:
            # A fault of the transport must not end the heartbeats.
            log.exception("a heartbeat failed; trying again")
            await self._clock.sleep(min(1.0, self._interval))
            return False
        return True

    async def _renewed_at(self, session: Session, sent: float, renewal: Renewal) -> None:
        if sent >= self.lease_until:
            # For a time nobody could have renewed: others get a whole lease to come back.
            self._gap_free_since = sent
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
                f"{name}={theirs:g} (here {mine:g})" for name, (mine, theirs) in different.items()
            )
            log.warning(
                "instances of bus %r differ in options; the most generous hold: %s",
                self._bus, shown,
            )  # fmt: skip
            self._incident("options differ", {"options": shown})

    # Subscriptions

    def subscriptions_changed(self) -> None:
        """The registry has changed: tell the store soon."""
        self._version += 1
        self._synced.clear()
        self._changed.set()

    async def ready(self) -> None:
        """Wait until every subscription made so far is announced."""
        await self._synced.wait()

    async def announce(self) -> None:
        """Keep the announced subscriptions like the registry, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            session = await self.alive()
            version, bindings = self._version, self._registry.all()
            try:
                position = await session.subscribe(self._registry.announced())
            except FencedError:
                self.fenced(session)
                self._changed.set()
                continue
            except TransportUnavailableError as exc:
                self._changed.set()
                await self._clock.sleep(self._store.failed(exc))
                continue
            except Exception:
                log.exception("announcing the subscriptions failed; trying again")
                self._changed.set()
                await self._clock.sleep(1.0)
                continue
            for binding in bindings:
                # A subscription made after init() starts with what is stored from now on.
                if binding.since == NOT_LIVE:
                    binding.since = position
            if version == self._version:
                self._synced.set()

    async def leave(self) -> None:
        """Withdraw in an orderly way, if alive. Raises TransportUnavailableError."""
        session, self.session = self.session, None
        self._synced.set()
        try:
            if session is not None:
                await session.leave()
        except FencedError:
            log.debug("declared dead while leaving")
        finally:
            if session is not None:
                self._ended.append(session)
            await self._close_ended()

    async def _close_ended(self) -> None:
        while self._ended:
            await self._ended.pop().close()
