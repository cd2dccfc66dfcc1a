"""The public face: `EventBus`."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Self, TypeVar, overload

from .capabilities import Capabilities
from .dead_letters import DeadLetters
from .deadline import Deadline
from .durations import Duration
from .emission import log_emit, make_outgoing
from .errors import (
    BusClosedError,
    InvalidOptionError,
    NotStartedError,
    TransportUnavailableError,
    UnsupportedError,
)
from .handler_call import running_handler
from .ids import MessageIds, new_instance_id
from .inhand import InHand
from .modes import EventMode
from .names import check_event
from .options import Options, Role
from .plugins import observer_manager, open_transport
from .registry import Binding, Handler, Registry, make_binding
from .reports import health_of, stats_of
from .retry import RetryPolicy
from .runtime import Runtime
from .signals import stop_signals
from .stats import BusHealth, BusStats, Counters
from .transport import Session, Transport

log = logging.getLogger("eventbus_core")

H = TypeVar("H", bound=Handler)


class EventBus:
    """A connection of this process to a bus: emit messages, subscribe handlers.

    `transport` is a URL whose scheme picks the transport, or a transport's typed config; None
    takes ``$EVENTBUS_URL``, else ``memory://``. All other options are keywords; docs/options.md
    describes them. The constructor does no I/O and needs no running loop.

    Everything here belongs to the event loop that called `init`.

    Raises InvalidOptionError, UnknownTransportError or PluginLoadError.
    """

    def __init__(
        self,
        transport: object = None,
        *,
        name: str = "default",
        instance_id: str | None = None,
        group: str = "default",
        role: Role = "both",
        only_new: bool = False,
        message_retention: Duration = timedelta(minutes=5),
        max_message_count: int = 5_000,
        max_backlog: int = 100_000,
        stream_ttl: Duration | None = timedelta(hours=1),
        backlog_ttl: Duration | None = timedelta(days=7),
        dead_letter_retention: Duration = timedelta(days=7),
        max_dead_letters: int = 10_000,
        retry: RetryPolicy | None = None,
        heartbeat_interval: Duration = 2.0,
        lease: Duration = 10.0,
        drain_timeout: Duration = 30.0,
        publish_timeout: Duration = 5.0,
        connect_timeout: Duration = 10.0,
        max_message_bytes: int = 1_048_576,
        handler_threads: int = 8,
        codec: str = "json",
        plugins: Iterable[object] = (),
        debug: bool = False,
    ) -> None:
        self._options = Options(
            name=name,
            instance_id=instance_id,
            group=group,
            role=role,
            only_new=only_new,
            message_retention=message_retention,
            max_message_count=max_message_count,
            max_backlog=max_backlog,
            stream_ttl=stream_ttl,
            backlog_ttl=backlog_ttl,
            dead_letter_retention=dead_letter_retention,
            max_dead_letters=max_dead_letters,
            retry=RetryPolicy() if retry is None else retry,
            heartbeat_interval=heartbeat_interval,
            lease=lease,
            drain_timeout=drain_timeout,
            publish_timeout=publish_timeout,
            connect_timeout=connect_timeout,
            max_message_bytes=max_message_bytes,
            handler_threads=handler_threads,
            codec=codec,
            debug=debug,
        )
        self._target = transport or os.environ.get("EVENTBUS_URL") or "memory://"
        self.id: str = self._options.instance_id or new_instance_id()
        """The instance's id: what others give as `target`, and see as `Message.source`."""
        self.name: str = self._options.name
        """The bus's name."""
        if isinstance(plugins, str | bytes) or not isinstance(plugins, Iterable):
            raise InvalidOptionError(f"plugins={plugins!r} must be a list of observers")
        self._observers = observer_manager(plugins)
        self._registry = Registry()
        self._counters = Counters()
        self._runtime: Runtime | None = None
        self._ids: MessageIds | None = None
        self._state = "new"
        self._starting = asyncio.Lock()
        self._start: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        # Built now, though used by `init`, so that a wrong URL is reported where it is written.
        self._next_transport: Transport | None = self._open()
        self.capabilities: Capabilities = self._next_transport.capabilities
        """What the transport can do."""
        self.dead_letters = DeadLetters(_Sessions(self), self.name, self.capabilities)
        """The messages that could not be handled: list, redrive, discard."""

    def __repr__(self) -> str:
        return f"<EventBus {self.name!r} id={self.id!r} {self._state}>"

    def _open(self) -> Transport:
        timeout = self._options.publish_timeout
        assert isinstance(timeout, float)
        return open_transport(self._target, bus=self.name, io_timeout=timeout)

    # Life

    async def init(self) -> None:
        """Connect and join; when it returns, the subscriptions made so far are live. Does
        nothing on a started bus; a closed one starts again.

        Raises TransportUnavailableError after `connect_timeout`, InstanceIdInUseError when a
        live process keeps the id for longer than its lease and one heartbeat, and BusClosedError
        when `close` was called meanwhile.
        """
        async with self._starting:
            if self._closing is not None:
                await asyncio.shield(self._closing)
            if self._runtime is not None:
                return
            self._state = "starting"
            transport, self._next_transport = self._next_transport or self._open(), None
            runtime = Runtime(
                options=self._options,
                instance_id=self.id,
                transport=transport,
                registry=self._registry,
                counters=self._counters,
                incident=self._incident,
            )
            # A task of its own, so that `close` can end it.
            self._start = asyncio.create_task(runtime.start(), name=f"eventbus-start:{self.id}")
            try:
                await self._start
            except asyncio.CancelledError:
                self._state = "closed"
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    await _ended(self._start)
                    raise
                raise BusClosedError("init") from None
            except BaseException:
                self._state = "closed"
                raise
            finally:
                self._start = None
            # Ids go on rising over restarts of one bus object.
            self._ids = self._ids or MessageIds(runtime.clock)
            self._runtime = runtime
            self._state = "live"

    async def close(self) -> None:
        """Stop taking messages, let running handlers finish for at most `drain_timeout`, hand
        back the rest, withdraw. Idempotent; ends a start that is under way. Cancelled, it stops
        waiting for handlers, ends properly and is then cancelled. Called by a handler, it does
        not wait for that handler, whose message counts as handled."""
        if self._start is not None:
            self._start.cancel()
            await _ended(self._start)
        runtime = self._runtime
        if self._closing is None:
            if runtime is None:
                self._state = "closed"
                return
            self._state = "closing"
            self._closing = asyncio.create_task(
                self._close(runtime, running_handler.get()), name=f"eventbus-close:{self.id}"
            )
        closing = self._closing
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            if closing.done() or runtime is None:
                raise
            runtime.abort.set()
            await asyncio.wait((closing,))
            raise

    async def _close(self, runtime: Runtime, spare: tuple[Binding, InHand] | None) -> None:
        try:
            await runtime.close(spare)
        finally:
            self._runtime = None
            self._closing = None
            self._state = "closed"
            self._stop.set()

    async def __aenter__(self) -> Self:
        await self.init()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def run(self) -> None:
        """Init, serve until SIGINT, SIGTERM or `stop()`, then close. A second signal ends the
        wait for running handlers. Signals are only seen in the main thread."""
        self._stop.clear()
        signalled = 0

        def on_signal() -> None:
            nonlocal signalled
            signalled += 1
            self._stop.set()
            if signalled > 1 and self._runtime is not None:
                log.warning("second signal: running handlers are cancelled")
                self._runtime.abort.set()

        with stop_signals(on_signal):
            stopped = asyncio.create_task(self._stop.wait(), name=f"eventbus-stop:{self.id}")
            starting = asyncio.create_task(self.init(), name=f"eventbus-init:{self.id}")
            try:
                await asyncio.wait((stopped, starting), return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
                    await stopped
            finally:
                stopped.cancel()
                starting.cancel()
                await _ended(starting)
                await self.close()

    def stop(self) -> None:
        """Make `run` close the bus and return."""
        self._stop.set()

    # Sending

    async def emit(
        self,
        event: str,
        data: Any = None,
        *,
        mode: EventMode | str | None = None,
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Send one message; return its id when the store has it.

        `mode` is UNICAST when `target` is given, else BROADCAST, unless said. Raises, before
        anything is sent: InvalidMessageError, EncodeError, MessageTooLargeError, NotStartedError,
        BusClosedError, UnsupportedError. Refused by the store: BacklogFullError,
        TargetNotFoundError. After `publish_timeout`: TransportUnavailableError; then the message
        may or may not be stored.
        """
        runtime = self._started("emit")
        if self._options.role == "consumer":
            raise UnsupportedError(
                "an instance with role='consumer' does not emit; use role='both'"
            )
        assert self._ids is not None
        message = make_outgoing(
            event,
            data,
            mode=mode,
            target=target,
            headers=headers,
            source=self.id,
            ids=self._ids,
            max_bytes=self._options.max_message_bytes,
        )
        if self._options.debug:
            log_emit(message, self.id)
        await runtime.publisher.submit(message)
        return message.id

    # Subscribing

    @overload
    def on(
        self,
        event: str,
        handler: H,
        *,
        group: str | None = None,
        modes: Iterable[EventMode | str] | None = None,
        concurrency: int = 1,
        retry: RetryPolicy | None = None,
        timeout: Duration | None = None,
    ) -> H: ...

    @overload
    def on(
        self,
        event: str,
        *,
        group: str | None = None,
        modes: Iterable[EventMode | str] | None = None,
        concurrency: int = 1,
        retry: RetryPolicy | None = None,
        timeout: Duration | None = None,
    ) -> Callable[[H], H]: ...

    def on(
        self,
        event: str,
        handler: Handler | None = None,
        *,
        group: str | None = None,
        modes: Iterable[EventMode | str] | None = None,
        concurrency: int = 1,
        retry: RetryPolicy | None = None,
        timeout: Duration | None = None,
    ) -> Any:
        """Call `handler` with every message of `event`; also a decorator. Returns the handler.

        `modes` limits what it sees (all three modes by default); `group` shares its anycast work
        (the bus's group by default); `concurrency` handlers run at once; `retry` and `timeout`
        (seconds or timedelta, for one attempt) are its own. May be called at any time; `ready`
        tells when it is live. Raises InvalidMessageError, InvalidOptionError, UnsupportedError.
        """

        def subscribe(function: Any) -> Any:
            self._subscribe(
                event, function, group=group, modes=modes, concurrency=concurrency,
                retry=retry, timeout=timeout, once=False,
            )  # fmt: skip
            return function

        self._check_subscribes(event)
        return subscribe if handler is None else subscribe(handler)

    @overload
    def once(
        self,
        event: str,
        handler: H,
        *,
        group: str | None = None,
        modes: Iterable[EventMode | str] | None = None,
        retry: RetryPolicy | None = None,
        timeout: Duration | None = None,
    ) -> H: ...

    @overload
    def once(
        self,
        event: str,
        *,
        group: str | None = None,
        modes: Iterable[EventMode | str] | None = None,
        retry: RetryPolicy | None = None,
        timeout: Duration | None = None,
    ) -> Callable[[H], H]: ...

    def once(
        self,
        event: str,
        handler: Handler | None = None,
        *,
        group: str | None = None,
        modes: Iterable[EventMode | str] | None = None,
        retry: RetryPolicy | None = None,
        timeout: Duration | None = None,
    ) -> Any:
        """Like `on`, for exactly one message, its retries included."""

        def subscribe(function: Any) -> Any:
            self._subscribe(
                event, function, group=group, modes=modes, concurrency=1,
                retry=retry, timeout=timeout, once=True,
            )  # fmt: skip
            return function

        self._check_subscribes(event)
        return subscribe if handler is None else subscribe(handler)

    def off(self, event: str, handler: Handler | None = None) -> int:
        """Remove the subscriptions of `event`, or those of one handler; return how many. None
        of them starts after this; what runs goes on to its end."""
        check_event(event)
        if self._runtime is None:
            return len(self._registry.remove(event, handler))
        removed = self._runtime.dispatcher.remove(event, handler)
        if removed:
            self._changed()
        return removed

    async def ready(self) -> None:
        """Return when every subscription made so far is live and visible to publishers."""
        await self._started("ready").membership.ready()

    def _check_subscribes(self, event: str) -> None:
        check_event(event)
        if self._options.role == "publisher":
            raise UnsupportedError(
                "an instance with role='publisher' takes no messages; use role='both'"
            )

    def _subscribe(self, event: str, handler: object, **arguments: Any) -> None:
        arguments["retry"] = arguments["retry"] or self._options.retry
        binding = make_binding(event, handler, default_group=self._options.group, **arguments)
        self._registry.add(binding)
        self._changed()

    def _changed(self) -> None:
        # While the bus starts, what was announced is compared at its end.
        if self._runtime is None:
            return
        self._runtime.membership.subscriptions_changed()
        self._runtime.intake.kick()

    # Looking

    def stats(self) -> BusStats:
        """What this bus has counted."""
        return stats_of(self._counters, self._runtime)

    def health(self) -> BusHealth:
        """Whether it does its work now, and what is wrong."""
        return health_of(self._state, self._runtime)

    # Inside

    def _started(self, call: str) -> Runtime:
        runtime = self._runtime
        if runtime is None:
            raise BusClosedError(call) if self._state == "closed" else NotStartedError(call)
        if asyncio.get_running_loop() is not runtime.loop:
            raise UnsupportedError(
                f"{call} was called on another event loop than init(); a bus belongs to one loop"
            )
        return runtime

    def _incident(self, kind: str, details: Mapping[str, str]) -> None:
        if not self._observers.get_plugins():
            return
        try:
            self._observers.hook.eventbus_incident(
                bus=self.name, instance=self.id, kind=kind, details=details
            )
        except Exception:
            log.exception("an observer failed on %r", kind)


class _Sessions:
    """The live session for `DeadLetters`, waited for as long as for an emit."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    async def live(self, call: str) -> Session:
        runtime = self._bus._started(call)
        limit = float(self._bus._options.publish_timeout)  # type: ignore[arg-type]
        try:
            async with Deadline(runtime.clock, limit):
                return await runtime.membership.alive(call)
        except TimeoutError:
            raise TransportUnavailableError(
                f"{call}: the instance did not come back within publish_timeout={limit:g} s"
            ) from None

    def fenced(self, session: Session) -> None:
        if self._bus._runtime is not None:
            self._bus._runtime.membership.fenced(session)


async def _ended(task: "asyncio.Task[None]") -> None:
    """Wait for a task's end, whatever it is."""
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()
