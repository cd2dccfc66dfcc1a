"""What a test works with: connections, sessions, buses, processes. All are ended after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from ..bus import EventBus
from ..capabilities import Capabilities
from ..errors import TransportUnavailableError
from ..monitoring import Monitor, open_monitor
from ..options import SharedOptions
from ..plugins import open_transport
from ..testing import wait_until
from ..transport import Holder, Member, Session, Subscription, Transport
from .crash import crash
from .faults import FaultDriver
from .peer import GROUP, Peer
from .processes import Process

LONG: Final = 60.0
"""Seconds: the lease of a session that is not to expire within a test."""
SHORT: Final = 0.3
"""Seconds: the lease of a session that is to expire. It ends nothing by itself: an incarnation is
dead only once a test has declared it dead, so a busy machine makes such a test slow, not wrong."""
BUS_LEASE: Final = 1.5
HEARTBEAT: Final = 0.3
"""Seconds: of whole buses."""
IO_TIMEOUT: Final = 5.0
KEPT: Final = {"stream_ttl": 600.0, "backlog_ttl": 600.0, "dead_letter_retention": 600.0}
"""Seconds: what a test leaves in the store is gone after ten minutes."""
BUS: Final = {"lease": BUS_LEASE, "heartbeat_interval": HEARTBEAT, **KEPT}
"""Options of whole buses."""


class Kit:
    """One test's world, on a bus of its own."""

    def __init__(
        self,
        target: object,
        *,
        capabilities: Capabilities,
        faults: FaultDriver,
        deadline: float,
    ) -> None:
        self.target: Any = target
        self.capabilities = capabilities
        self.faults = faults
        self.deadline = deadline
        """Seconds to wait for what must come."""
        self.bus = f"kit-{uuid4().hex[:12]}"
        self._runner = asyncio.Runner()
        self._transports: list[Transport] = []
        self._peers: list[Peer] = []
        self._buses: list[EventBus] = []
        self._monitors: list[Monitor] = []
        self._processes: list[Process] = []
        self._hung = 0

    # Running

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.end()
        self._runner.close()

    def run(self, test: Coroutine[Any, Any, None]) -> None:
        """Run a test to its end, and end everything that it made."""
        self._runner.run(self._run(test))

    async def _run(self, test: Coroutine[Any, Any, None]) -> None:
        try:
            # A last resort: whatever waits inside has a deadline of its own.
            async with asyncio.timeout(6 * self.deadline):
                await test
        finally:
            await self.faults.mend()
            await self.end()
        assert not self._hung, f"{self._hung} endings took longer than {2 * self.deadline:g} s"

    async def end(self) -> None:
        """End everything that was made so far."""
        for process in self._processes:
            process.end()
        for bus in self._buses:
            await self._within(bus.close())
        for peer in self._peers:
            await self._within(peer.end())
        for monitor in self._monitors:
            await self._within(monitor.close())
        for transport in self._transports:
            await self._within(transport.close())
        for made in (self._buses, self._peers, self._monitors, self._transports):
            made.clear()

    async def _within(self, ending: Awaitable[None]) -> None:
        # What a test has broken may not end in order; the test itself has said so.
        with suppress(TransportUnavailableError):
            try:
                async with asyncio.timeout(2 * self.deadline):
                    await ending
            except TimeoutError:
                self._hung += 1

    async def until(
        self, predicate: Callable[[], object], what: str, *, extra: float = 0.0
    ) -> None:
        """Wait for a condition. Raises AssertionError after the deadline and `extra` seconds: for
        what takes its time by itself."""
        await wait_until(predicate, timeout=self.deadline + extra, what=what)

    async def eventually(
        self,
        ask: Callable[[], Awaitable[Any]],
        good: Callable[[Any], object],
        what: str,
        *,
        extra: float = 0.0,
    ) -> Any:
        """Ask again until the answer is good; return it. Raises AssertionError as `until` does."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.deadline + extra
        while not good(answer := await ask()):
            assert loop.time() < ends, f"{what} did not come true; the last answer was {answer!r}"
            await asyncio.sleep(0.01)
        return answer

    @asynccontextmanager
    async def turns(self) -> AsyncIterator[Callable[[], int]]:
        """Count the turns of the event loop: gives a function that tells how many there were."""
        count = 0

        async def turn() -> None:
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        turning = asyncio.create_task(turn())
        try:
            yield lambda: count
        finally:
            turning.cancel()

    # At the boundary

    def transport(self, bus: str | None = None) -> Transport:
        """A transport that is not connected yet."""
        transport = open_transport(self.target, bus=bus or self.bus, io_timeout=IO_TIMEOUT)
        self._transports.append(transport)
        return transport

    async def connect(self, bus: str | None = None) -> Transport:
        """A connection of its own, as another process would have it."""
        transport = self.transport(bus)
        await transport.connect()
        return transport

    async def join(
        self,
        instance_id: str | None = None,
        *subscriptions: Subscription,
        transport: Transport | None = None,
        bus: str | None = None,
        replace: Holder | None = None,
        **announced: Any,
    ) -> Peer:
        """Join over a connection of its own, or the given one. Fails if the id is held."""
        if transport is None:
            transport = await self.connect(bus)
        member = self.member(instance_id, *subscriptions, **announced)
        session = await transport.join(member, replace)
        assert not isinstance(session, Holder), f"the id is held: {session}"
        return self.peer(transport, member, session)

    async def holder(self, instance_id: str, **announced: Any) -> Holder:
        """The holder of an id that is in use."""
        transport = await self.connect()
        joined = await transport.join(self.member(instance_id, **announced))
        assert isinstance(joined, Holder), "the id is free"
        return joined

    def peer(self, transport: Transport, member: Member, session: Session) -> Peer:
        """A session that was joined by hand; ended after the test like any other."""
        peer = Peer(self, transport, member, session)
        self._peers.append(peer)
        return peer

    def member(
        self,
        instance_id: str | None = None,
        *subscriptions: Subscription,
        fixed: bool = False,
        role: str = "both",
        group: str = GROUP,
        lease: float = LONG,
        only_new: bool = False,
        **options: Any,
    ) -> Member:
        """What an instance announces; `options` are those of the bus (see SharedOptions)."""
        return Member(
            instance_id=instance_id or uuid4().hex[:16],
            incarnation=uuid4().hex[:20],
            fixed=fixed,
            role=role,
            group=group,
            lease=lease,
            only_new=only_new,
            subscriptions=frozenset(subscriptions),
            options=SharedOptions(**(KEPT | options)),
        )

    # Whole buses

    def make_bus(self, instance_id: str | None = None, **options: Any) -> EventBus:
        """A bus that is not started, with short leases."""
        options = BUS | {"drain_timeout": self.deadline} | options
        bus = EventBus(self.target, name=self.bus, instance_id=instance_id, **options)
        self._buses.append(bus)
        return bus

    async def kill(self, bus: EventBus) -> None:
        """End a bus in this process like a killed one: nothing is said to the store."""
        await crash(bus)

    def spawn(self, **settings: Any) -> Process:
        """Start a process with a bus of its own on this kit's bus: see `child.Settings`."""
        options = BUS | settings.pop("options", {})
        process = Process(self.deadline, url=self.target, bus=self.bus, options=options, **settings)
        self._processes.append(process)
        return process

    def monitor(self) -> Monitor:
        """A monitor of the store."""
        monitor = open_monitor(self.target, io_timeout=IO_TIMEOUT)
        self._monitors.append(monitor)
        return monitor
