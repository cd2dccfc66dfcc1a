"""What becomes of a bus's work when it closes, and when it dies."""

import asyncio
import time

from ...message import Message
from ..cases import Cases, needs
from ..handler_calls import Calls, emit_all
from ..kit import Kit

LEASE, HEARTBEAT = 0.5, 0.1
"""Seconds. All buses of a test share one loop: when it stalls, it stalls for all of them, and they
give each other another lease."""


class HandingBack(Cases, group="handing back"):
    async def test_close_hands_unstarted_work_to_others_before_newer(self, kit: Kit) -> None:
        first, second, calls = kit.make_bus(), kit.make_bus(), Calls(kit)
        go_on, ready = asyncio.Event(), asyncio.Event()

        async def work(message: Message) -> None:
            await (go_on.wait() if message.data == "long" else asyncio.sleep(0.012))

        # The other one is busy, and has room for no more.
        second.on("x", calls.handler(second, lambda message: ready.wait()))
        await second.init()
        await second.emit("x", "busy", target=second.id)
        await calls.until(1, second)
        first.on("x", calls.handler(first, work))
        await first.init()
        await first.emit("x", "short", mode="anycast")
        await kit.until(lambda: first.stats().handled == 1, "a handler known to be slow")
        await emit_all(first, "x", ["long", *range(5)], mode="anycast")
        await kit.until(lambda: first.stats().waiting == 1, "one fetched and not started")
        closing = asyncio.create_task(first.close())
        await kit.until(lambda: first.stats().waiting == 0 == first.stats().unsettled, "hand over")
        ready.set()
        await calls.until(6, second)
        assert not closing.done()
        go_on.set()
        await closing
        await calls.exactly(8)
        assert calls.attempts(second) == [("busy", 1), *((n, 1) for n in range(5))]

    async def test_a_closing_bus_takes_nothing_more(self, kit: Kit) -> None:
        first, second, calls, go_on = kit.make_bus(), kit.make_bus(), Calls(kit), asyncio.Event()
        first.on("x", calls.handler(first, lambda message: go_on.wait()), concurrency=9)
        await first.init()
        await first.emit("x", "running", mode="anycast")
        await calls.until(1)
        closing = asyncio.create_task(first.close())
        await kit.until(lambda: first.health().state == "closing", "closing")
        second.on("x", calls.handler(second))
        await second.init()
        await emit_all(second, "x", range(10), mode="anycast")
        await calls.until(10, second)
        assert not closing.done()
        go_on.set()
        await closing
        await calls.exactly(11)

    async def test_rolling_restarts_over_a_backlog_repeat_and_lose_nothing(self, kit: Kit) -> None:
        sender, calls = kit.make_bus(role="publisher"), Calls(kit)
        await sender.init()
        await emit_all(sender, "x", range(300), mode="anycast")
        running = []
        for life in range(6):
            bus = kit.make_bus()
            handler = calls.handler(bus, lambda message: asyncio.sleep(0.001))
            bus.on("x", handler, concurrency=3)
            await bus.init()
            running.append(bus)
            await calls.until(min(300, 30 * (life + 1)))
            if len(running) > 2:
                await running.pop(0).close()
        await calls.exactly(300)
        assert sorted(calls.attempts()) == [(n, 1) for n in range(300)]
        if kit.capabilities.redrive:
            assert list(await sender.dead_letters.list()) == []

    async def test_close_waits_for_the_handler_that_runs(self, kit: Kit) -> None:
        first, second, calls, ended = kit.make_bus(), kit.make_bus(), Calls(kit), []

        async def work(message: Message) -> None:
            await asyncio.sleep(0.05)
            ended.append(message.data)

        first.on("x", calls.handler(first, work))
        await first.init()
        await first.emit("x", "running", mode="anycast")
        await calls.until(1)
        second.on("x", calls.handler(second))
        await second.init()
        await first.close()
        assert ended == ["running"]
        await second.emit("x", "next", mode="anycast")
        await calls.exactly(2)
        assert calls.data(second) == ["next"]

    async def test_a_cancelled_handler_is_handed_back_uncharged(self, kit: Kit) -> None:
        first, second, calls = kit.make_bus(drain_timeout=0.05), kit.make_bus(), Calls(kit)
        first.on("x", calls.handler(first, lambda message: asyncio.Event().wait()))
        await first.init()
        await first.emit("x", "cut short", mode="anycast")
        await calls.until(1)
        second.on("x", calls.handler(second))
        await second.init()
        await first.close()
        await calls.exactly(2)
        assert calls.attempts(second) == [("cut short", 1)]

    @needs("failover")
    async def test_work_of_a_dead_bus_is_taken_over_in_time(self, kit: Kit) -> None:
        doomed = kit.make_bus(lease=LEASE, heartbeat_interval=HEARTBEAT)
        other = kit.make_bus(lease=LEASE, heartbeat_interval=HEARTBEAT)
        calls = Calls(kit)

        async def work(message: Message) -> None:
            # Slow enough to have its starts recorded, fast enough to be fetched for ahead.
            await (asyncio.sleep(0.002) if message.data < 0 else asyncio.Event().wait())

        doomed.on("x", calls.handler(doomed, work), concurrency=4)
        await doomed.init()
        await other.init()
        await emit_all(other, "x", range(-8, 0), mode="anycast")
        await kit.until(lambda: doomed.stats().handled == 8, "how long its handler takes")
        await emit_all(other, "x", range(10), mode="anycast")
        await kit.until(lambda: len(calls.all) == 12 and doomed.stats().waiting >= 1, "its hands")
        await kit.until(lambda: doomed.stats().unsettled == 0, "nothing in doubt")
        other.on("x", calls.handler(other))
        await other.ready()
        await kit.kill(doomed)
        died = time.monotonic()
        await calls.until(10, other)
        assert time.monotonic() - died <= LEASE + HEARTBEAT + 1
        await calls.exactly(22)
        # Oldest first; charged is what was started.
        taken_over = [(n, attempt) for n, attempt in calls.attempts(other) if n < 5]
        assert taken_over == [(0, 2), (1, 2), (2, 2), (3, 2), (4, 1)]
        assert sorted(calls.attempts(other)) == taken_over + [(n, 1) for n in range(5, 10)]
        assert other.stats().declared_dead == 1

    @needs("failover")
    async def test_a_long_handler_of_a_live_bus_is_not_taken_over(self, kit: Kit) -> None:
        buses = [kit.make_bus(lease=0.2, heartbeat_interval=0.05) for _ in range(2)]
        calls = Calls(kit)
        for bus in buses:
            bus.on("x", calls.handler(bus, lambda message: asyncio.sleep(0.6)))
            await bus.init()
        await buses[0].emit("x", "long", mode="anycast")
        await kit.until(lambda: sum(bus.stats().handled for bus in buses) >= 1, "its end")
        await calls.exactly(1)
        assert [bus.stats().declared_dead for bus in buses] == [0, 0]
