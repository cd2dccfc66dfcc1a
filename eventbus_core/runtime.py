"""One life of a bus, from `init` to `close`: its parts, its tasks, and the order of ending."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from ._version import __version__
from .clock import Clock
from .deadline import Deadline
from .dispatcher import Dispatcher
from .errors import TransportUnavailableError
from .ids import new_incarnation
from .inhand import InHand
from .intake import Intake
from .lane import Lane
from .membership import Membership
from .options import Options
from .publisher import Publisher
from .registry import Binding, Registry
from .reports import vitals_of
from .settler import Settler
from .stats import Counters
from .store_state import StoreState
from .threads import HandlerThreads
from .transport import FencedError, Member, Transport

log = logging.getLogger("eventbus_core")

_TAIL_SECONDS = 1.0
"""Kept of `publish_timeout` for withdrawing, after the last settlements."""
_CLOSE_SECONDS = 0.5
"""For closing sockets, which asks nobody."""


class Runtime:
    """Everything that exists while a bus is started."""

    def __init__(
        self,
        *,
        options: Options,
        instance_id: str,
        transport: Transport,
        registry: Registry,
        counters: Counters,
        incident: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self.options = options
        self.transport = transport
        self.clock: Clock = transport.clock
        self.loop = asyncio.get_running_loop()
        self.abort = asyncio.Event()
        """Set: do not wait for handlers any longer."""
        self._instance_id = instance_id
        self._registry = registry
        self._tasks: list[asyncio.Task[None]] = []
        self.store = StoreState(self.clock, lambda kind, text: incident(kind, {"text": text}))
        self.membership = Membership(
            bus=options.name,
            clock=self.clock,
            transport=transport,
            registry=registry,
            store=self.store,
            counters=counters,
            heartbeat_interval=_s(options.heartbeat_interval),
            describe=self._member,
            incident=incident,
        )
        self.settler = Settler(
            clock=self.clock, membership=self.membership, store=self.store, counters=counters
        )
        self.publisher = Publisher(
            bus=options.name,
            clock=self.clock,
            membership=self.membership,
            store=self.store,
            counters=counters,
            timeout=_s(options.publish_timeout),
            max_backlog=options.max_backlog,
        )
        self.threads = HandlerThreads(options.handler_threads, name=options.name)
        self.dispatcher = Dispatcher(
            clock=self.clock,
            registry=registry,
            membership=self.membership,
            settler=self.settler,
            counters=counters,
            threads=self.threads,
            fixed_id=options.instance_id is not None,
            lease=_s(options.lease),
            debug=options.debug,
            incident=incident,
        )
        self.intake = Intake(
            clock=self.clock,
            membership=self.membership,
            dispatcher=self.dispatcher,
            store=self.store,
        )
        self.membership.announced = self.intake.kick
        self.membership.vitals = partial(vitals_of, counters, self.dispatcher, self.settler)
        self.dispatcher.kick = self.intake.kick

    # Start

    async def start(self) -> None:
        """Connect and join. Raises TransportUnavailableError after `connect_timeout`, or
        InstanceIdInUseError; then nothing is left behind."""
        try:
            await self._connect_and_join()
        except BaseException:
            await self._give_up()
            raise
        self._log_replay()
        loops: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("heartbeat", self.membership.run()),
            ("announce", self.membership.announce()),
            ("settle", self.settler.run()),
            ("publish", self.publisher.run()),
            ("publish-watch", self.publisher.watch()),
        ]
        if self.options.role != "publisher":
            loops.append(("intake", self.intake.run()))
        for name, loop in loops:
            task = asyncio.create_task(loop, name=f"eventbus-{name}:{self._instance_id}")
            task.add_done_callback(_report_crash)
            self._tasks.append(task)

    async def _connect_and_join(self) -> None:
        limit = _s(self.options.connect_timeout)
        deadline = self.clock.monotonic() + limit
        connected = False
        while True:
            try:
                if not connected:
                    left = max(0.01, deadline - self.clock.monotonic())
                    async with Deadline(self.clock, left):
                        await self.transport.connect()
                    connected = True
                await self.membership.join()
            except (TransportUnavailableError, TimeoutError) as exc:
                left = deadline - self.clock.monotonic()
                if left <= 0:
                    raise TransportUnavailableError(
                        f"no connection to the store within connect_timeout={limit:g} s: {exc}"
                    ) from exc
                await self.clock.sleep(min(self.store.failed("connect", exc), left))
            else:
                self.store.worked("connect")
                return

    async def _give_up(self) -> None:
        # A join whose answer was lost leaves an incarnation that ends with its lease.
        await self._withdraw(_TAIL_SECONDS)

    def _member(self, incarnation: str | None) -> Member:
        options = self.options
        return Member(
            instance_id=self._instance_id,
            incarnation=incarnation or new_incarnation(),
            fixed=options.instance_id is not None,
            role=options.role,
            group=options.group,
            lease=_s(options.lease),
            only_new=options.only_new,
            subscriptions=self._registry.announced(),
            options=options.shared(),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            started_ms=int(self.clock.time() * 1000),
        )

    def _log_replay(self) -> None:
        session = self.membership.session
        if session is not None and session.replayed:
            log.info(
                "new instance %r replays %d retained broadcasts; a fixed instance_id resumes "
                "where it was, and only_new=True skips them",
                self._instance_id,
                session.replayed,
            )

    # End

    async def close(self, spare: tuple[Binding, InHand] | None) -> None:
        """Drain and withdraw, within `drain_timeout` + `publish_timeout`. Does not wait for
        `spare`, the handler that closes the bus."""
        deadline = self.clock.monotonic() + _s(self.options.drain_timeout)
        rest = _s(self.options.publish_timeout)
        tail = min(_TAIL_SECONDS, rest / 2)
        lanes: tuple[Lane, ...] = ()
        try:
            await self._end_task("intake")
            await self._stop_taking(tail / 2)
            lanes = tuple(self.dispatcher.lanes.values())
            if spare is not None:
                self.dispatcher.spare(*spare)
            self.dispatcher.stop()
            await self._drain(lanes, deadline)
            left = deadline + rest - self.clock.monotonic()
            await self._flush(lanes, min(rest, left) - tail)
        finally:
            for lane in lanes:
                lane.abort()
            for name in ("publish", "publish-watch", "settle", "announce", "heartbeat"):
                await self._end_task(name)
            self.publisher.abandon()
            await self._withdraw(tail)

    async def _stop_taking(self, seconds: float) -> None:
        """What others can have must not wait here for running handlers."""
        session = self.membership.session
        if session is None:
            return
        try:
            async with Deadline(self.clock, seconds):
                await session.stop()
        except (FencedError, TransportUnavailableError, TimeoutError) as exc:
            log.debug("the store was not told to give nothing more: %r", exc)
        except Exception:
            # A fault of the transport must not keep the bus from closing.
            log.exception("the transport did not stop taking messages; closing all the same")

    async def _drain(self, lanes: tuple[Lane, ...], deadline: float) -> None:
        """Wait for running handlers until the deadline or `abort`."""
        while running := {task for lane in lanes for task in lane.unfinished}:
            left = deadline - self.clock.monotonic()
            if left <= 0 or self.abort.is_set():
                return
            aborted = asyncio.ensure_future(self.abort.wait())
            timer = asyncio.ensure_future(self.clock.sleep(left))
            try:
                await asyncio.wait({*running, aborted, timer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for waiter in (aborted, timer):
                    waiter.cancel()
                await asyncio.gather(aborted, timer, return_exceptions=True)

    async def _flush(self, lanes: tuple[Lane, ...], seconds: float) -> None:
        """Cancel what still runs and get the last settlements and emits to the store."""
        cancelled = {task for lane in lanes for task in lane.abort()}
        try:
            async with Deadline(self.clock, seconds):
                if cancelled:
                    await asyncio.wait(cancelled)
                await self.publisher.drained()
                await self.settler.drained()
        except TimeoutError:
            names = {lane.binding.name for lane in lanes if lane.unfinished}
            log.error(
                "closing without an answer of the store for %d settlements%s",
                self.settler.unsettled,
                f"; these handlers ignored their cancellation: {', '.join(names)}" if names else "",
            )

    async def _withdraw(self, seconds: float) -> None:
        try:
            async with Deadline(self.clock, seconds):
                await self.membership.leave()
        except (TransportUnavailableError, TimeoutError) as exc:
            log.warning("could not withdraw from the store; the lease will run out: %s", exc)
        finally:
            self.threads.close()
            try:
                async with Deadline(self.clock, _CLOSE_SECONDS):
                    await self.membership.close_sessions()
                    await self.transport.close()
            except TimeoutError:
                log.error("the transport did not close within %g s", _CLOSE_SECONDS)

    def crashed(self) -> list[str]:
        """Names of loops that have ended, which they never should."""
        return [task.get_name() for task in self._tasks if task.done()]

    async def _end_task(self, name: str) -> None:
        full = f"eventbus-{name}:{self._instance_id}"
        for task in [task for task in self._tasks if task.get_name() == full]:
            self._tasks.remove(task)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _report_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("%s ended: this is a bug in the library", task.get_name(), exc_info=error)


def _s(value: Any) -> float:
    """An option that was validated to be float seconds."""
    return float(value)
