"""What is left in the process, and in the store, after an end."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from ...errors import BusClosedError, TransportUnavailableError
from ...message import Message
from ...transport import Published
from ..cases import Cases, faults
from ..handler_calls import Calls
from ..held import nothing_left
from ..kit import Kit
from ..peer import WORK, works


async def twice(kit: Kit, use: Callable[[], Awaitable[None]]) -> None:
    """What the first use of a library keeps for ever is no leak: what a second one adds is."""
    await use()
    async with nothing_left(kit):
        await use()


class Leaks(Cases, group="leaks"):
    async def test_a_closed_bus_leaves_nothing_in_the_process(self, kit: Kit) -> None:
        async def use() -> None:
            bus, calls = kit.make_bus(), Calls(kit)
            bus.on("x", calls.handler(bus))
            bus.on("y", lambda message: None)  # in a thread
            await bus.init()
            await bus.emit("x", 1)
            await bus.emit("x", 2, mode="anycast")
            await bus.emit("y", 3, target=bus.id)
            await kit.until(lambda: bus.stats().handled >= 3, "three handled")
            await bus.close()

        await twice(kit, use)

    async def test_twenty_connections_leave_nothing_in_the_process(self, kit: Kit) -> None:
        async def use() -> None:
            for n in range(20):
                peer = await kit.join(f"peer-{n}", works())
                await peer.anycast(str(n))
                assert await peer.texts(1, WORK) == [str(n)]
                await peer.leave()

        await twice(kit, use)

    async def test_a_start_that_is_given_up_leaves_nothing_in_the_process(self, kit: Kit) -> None:
        await kit.join("same")  # for a whole minute

        async def use() -> None:
            bus = kit.make_bus("same")
            starting = asyncio.create_task(bus.init())
            await asyncio.sleep(0.05)  # it was told who has the id, and waits for the lease's end
            await bus.close()
            with pytest.raises(BusClosedError):
                await starting

        await twice(kit, use)

    @faults("cut")
    async def test_a_failed_start_leaves_nothing_in_the_process(self, kit: Kit) -> None:
        await kit.faults.cut()

        async def use() -> None:
            transport = kit.transport()
            with pytest.raises(TransportUnavailableError):
                await transport.connect()
            await transport.close()
            bus = kit.make_bus(connect_timeout=0.05)
            with pytest.raises(TransportUnavailableError):
                await bus.init()

        await twice(kit, use)

    async def test_who_has_closed_is_forgotten_at_once(self, kit: Kit) -> None:
        other, bus = await kit.join("other"), kit.make_bus()
        await bus.init()
        assert await other.unicast(bus.id, "mail") == [Published.STORED]
        await bus.close()
        assert await other.unicast(bus.id, "late") == [Published.TARGET_NOT_FOUND]
        assert await other.suspects() == []
        await kit.join(bus.id)
        if kit.capabilities.monitoring:
            snapshot = await kit.monitor().snapshot(kit.bus)
            assert sorted(each.id for each in snapshot.instances) == sorted(["other", bus.id])

    async def test_a_bus_closes_in_time_while_its_fetch_waits(self, kit: Kit) -> None:
        async def use() -> None:
            bus, calls = kit.make_bus(drain_timeout=0.0, publish_timeout=1.0), Calls(kit)
            bus.on("x", calls.handler(bus))
            await bus.init()
            await bus.emit("x", 1, mode="anycast")
            # After it the bus waits for more.
            await kit.until(lambda: bus.stats().handled >= 1, "the one message")
            began = time.monotonic()
            await bus.close()
            assert time.monotonic() - began <= 0.0 + 1.0 + 1.0

        await twice(kit, use)

    async def test_a_bus_closes_in_time_whatever_its_handlers_do(self, kit: Kit) -> None:
        bus, calls = kit.make_bus(drain_timeout=0.1, publish_timeout=0.4), Calls(kit)

        async def clings(message: Message) -> None:
            while not over.is_set():
                try:
                    await over.wait()
                except asyncio.CancelledError:
                    continue

        over = asyncio.Event()
        bus.on("x", calls.handler(bus, clings), concurrency=3)
        await bus.init()
        for mode in ("broadcast", "anycast"):
            await bus.emit("x", mode, mode=mode)
        await calls.until(2)
        began = time.monotonic()
        try:
            await bus.close()
        finally:
            over.set()
        assert time.monotonic() - began <= 0.1 + 0.4 + 1.0
        assert bus.health().state == "closed"
