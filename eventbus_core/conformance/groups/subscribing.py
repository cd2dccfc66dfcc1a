"""Whole buses: on, once, off, ready, and their races."""

import asyncio
from collections import Counter

import pytest

from ...message import Message
from ...modes import EventMode
from ..cases import Cases
from ..handler_calls import Calls, emit_all
from ..kit import Kit

MODES = pytest.mark.parametrize("mode", list(EventMode))


class Subscribing(Cases, group="subscribing"):
    async def test_what_is_emitted_after_init_reaches_its_subscriptions(self, kit: Kit) -> None:
        sender, calls = kit.make_bus(), Calls(kit)
        await sender.init()
        for number in range(5):
            # It takes only what is stored from now on: nothing hides that it was not live.
            bus = kit.make_bus(only_new=True, group=f"group-{number}")
            bus.on("x", calls.handler(bus))
            await bus.init()
            await sender.emit("x", "all")
            await sender.emit("x", "one", mode="anycast")
            await sender.emit("x", "it", target=bus.id)
            await calls.until(3, bus)
            assert sorted(calls.data(bus)) == ["all", "it", "one"]
            await bus.close()

    async def test_what_others_emit_after_ready_reaches_a_new_subscription(self, kit: Kit) -> None:
        sender, bus, calls = kit.make_bus(), kit.make_bus(only_new=True), Calls(kit)
        await sender.init()
        await bus.init()
        for number in range(5):
            bus.on(f"x{number}", calls.handler(bus))
            await bus.ready()
            await sender.emit(f"x{number}", f"all {number}")
            await sender.emit(f"x{number}", f"one {number}", mode="anycast")
        expected = sorted(f"{what} {number}" for what in ("all", "one") for number in range(5))
        await calls.until(10)
        assert sorted(calls.data()) == expected

    async def test_a_later_subscription_sees_no_broadcast_from_before_ready(self, kit: Kit) -> None:
        sender, bus, calls = kit.make_bus(), kit.make_bus(), Calls(kit)
        await sender.init()
        await bus.init()
        await emit_all(sender, "x", ["before 1", "before 2"])
        bus.on("x", calls.handler(bus))
        await bus.ready()
        await emit_all(sender, "x", ["after 1", "after 2"])
        await kit.until(lambda: "after 2" in calls.data(), "what was stored after ready")
        assert calls.data() == ["after 1", "after 2"]

    async def test_a_handler_subscribes_another_one(self, kit: Kit) -> None:
        bus, calls = kit.make_bus(), Calls(kit)

        async def subscribe(message: Message) -> None:
            bus.on("inner", calls.handler(bus))
            await bus.ready()
            await emit_all(bus, "inner", [f"inner {message.data} {n}" for n in range(2)])

        bus.on("outer", subscribe)
        await bus.init()
        await bus.emit("outer", "a", mode="anycast")
        await calls.until(2)
        assert calls.data() == ["inner a 0", "inner a 1"]

    async def test_off_starts_nothing_more_and_hands_unstarted_work_to_the_group(
        self, kit: Kit
    ) -> None:
        first, second, calls, go_on = kit.make_bus(), kit.make_bus(), Calls(kit), asyncio.Event()

        async def work(message: Message) -> None:
            if message.data == "long":
                await go_on.wait()

        first.on("x", calls.handler(first, work))
        await first.init()
        await second.init()
        # Handlers that take no time let it fetch far ahead of the one that takes long.
        await emit_all(second, "x", [f"quick {n}" for n in range(3)], mode="anycast")
        await kit.until(lambda: first.stats().handled == 3, "the quick ones")
        await emit_all(second, "x", ["long", *(f"more {n}" for n in range(6))], mode="anycast")
        await kit.until(lambda: first.stats().waiting >= 6, "six that are fetched and not started")
        second.on("x", calls.handler(second))
        await second.ready()
        assert first.off("x") == 1
        started = calls.data(first)
        await calls.until(6, second)
        go_on.set()
        await kit.until(lambda: first.stats().handled == 4, "the end of the long one")
        assert calls.data(first) == started == ["quick 0", "quick 1", "quick 2", "long"]
        assert calls.attempts(second) == [(f"more {n}", 1) for n in range(6)]

    @MODES
    async def test_once_starts_one_of_fifty(self, kit: Kit, mode: EventMode) -> None:
        bus, first, rest = kit.make_bus(), Calls(kit), Calls(kit)
        target = bus.id if mode is EventMode.UNICAST else None
        bus.once("x", first.handler(bus, lambda message: asyncio.sleep(0.01)))
        await bus.init()
        await emit_all(bus, "x", range(50), mode=mode, target=target)
        await kit.until(lambda: bus.stats().handled >= 1, "the first")
        bus.on("x", rest.handler(bus))
        await bus.ready()
        await bus.emit("x", 50, mode=mode, target=target)
        # Work waits for the next handler; what else found none here was settled.
        left = {*range(1, 51)} if mode is EventMode.ANYCAST else {50}
        await kit.until(lambda: left <= set(rest.data()), "the rest")
        assert first.data() == [0]
        assert max(Counter(rest.data()).values()) == 1

    async def test_once_on_two_instances_takes_one_each(self, kit: Kit) -> None:
        buses, calls, rest = [kit.make_bus(), kit.make_bus()], Calls(kit), Calls(kit)
        for bus in buses:
            bus.once("x", calls.handler(bus))
            await bus.init()
        await emit_all(buses[0], "x", range(20), mode="anycast")
        await calls.until(2)
        third = kit.make_bus()
        third.on("x", rest.handler(third))
        await third.init()
        await rest.until(18)
        assert [len(calls.data(bus)) for bus in buses] == [1, 1]
        assert sorted(calls.data() + rest.data()) == [*range(20)]
