"""The store goes away, comes back, loses data; its clock jumps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ...bus import EventBus
from ...errors import TransportUnavailableError
from ...modes import EventMode
from ...transport import BROADCASTS, INBOX, FencedError, Published, Room
from ..cases import Cases, faults, needs
from ..handler_calls import Calls, emit_all
from ..kit import IO_TIMEOUT, Kit
from ..peer import QUIET, WORK, Peer, outgoing, texts, works
from ..refusals import CALLS, LETTERS

LEASE, HEARTBEAT = 0.4, 0.1


async def fault_of(call: Awaitable[Any]) -> str:
    """What a call raises, by name; it gives up by itself."""
    try:
        async with asyncio.timeout(IO_TIMEOUT + 1):
            await call
    except Exception as exc:
        return type(exc).__name__
    return "nothing"


async def at_last(kit: Kit, call: Callable[[], Awaitable[Any]]) -> Any:
    """What it returns once the store answers again."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + kit.deadline
    while True:
        try:
            return await call()
        except TransportUnavailableError:
            if loop.time() >= ends:
                raise
            await asyncio.sleep(0.01)


async def mended(kit: Kit, *buses: EventBus) -> None:
    """End the cut, and wait until all are well again."""
    await kit.faults.mend()
    await kit.until(lambda: all(bus.health().ok for bus in buses), "all well again")


class Outages(Cases, group="outages"):
    @faults("cut")
    async def test_while_the_store_is_away_every_call_says_so(self, kit: Kit) -> None:
        peer, leaving = await kit.join("a", works()), await kit.join("b")
        connected = await kit.connect()
        await peer.anycast("held")
        (delivery,) = await peer.take(1)
        waiting = asyncio.create_task(
            fault_of(peer.session.fetch({WORK: Room(9, 9), BROADCASTS: Room(9, 9)}, 60.0))
        )
        await asyncio.sleep(0.05)  # it has begun to wait
        await kit.faults.cut()
        found = {"a fetch that waits": await waiting}
        for name, call in (CALLS | (LETTERS if kit.capabilities.redrive else {})).items():
            found[name] = await fault_of(call(peer, delivery))
        found["connect"] = await fault_of(kit.transport().connect())
        found["join"] = await fault_of(connected.join(kit.member("c")))
        found["leave"] = await fault_of(leaving.session.leave())
        assert {name: fault for name, fault in found.items() if "Unavailable" not in fault} == {}
        assert set(found.values()) == {TransportUnavailableError.__name__}
        await kit.faults.mend()
        await at_last(kit, lambda: peer.done(delivery))
        await at_last(kit, lambda: peer.anycast("after"))
        assert texts(await at_last(kit, lambda: peer.take(1))) == ["after"]

    @faults("cut")
    async def test_a_batch_in_doubt_is_stored_once(self, kit: Kit) -> None:
        sender, peer = await kit.join("sender"), await kit.join("a", works())
        for n in range(8):

            async def publish(n: int = n) -> list[Published]:
                return await sender.publish(outgoing(f"{n}"), batch=1_000_000 + n)

            doubtful = asyncio.create_task(fault_of(publish()))
            for _ in range(n):
                await asyncio.sleep(0)
            await kit.faults.cut()
            assert await doubtful in ("nothing", TransportUnavailableError.__name__)
            await kit.faults.mend()
            assert await at_last(kit, publish) == [Published.STORED]
            await kit.faults.cut()
            assert await fault_of(publish()) == TransportUnavailableError.__name__
            await kit.faults.mend()
            assert await at_last(kit, publish) == [Published.STORED]
        taken = await at_last(kit, lambda: peer.take(8))
        assert texts(taken) == [f"{n}" for n in range(8)]
        await peer.nothing()

    @faults("cut")
    async def test_buses_go_on_when_the_store_is_back(self, kit: Kit) -> None:
        timeout = kit.deadline
        sender, bus = kit.make_bus(publish_timeout=timeout), kit.make_bus(publish_timeout=timeout)
        calls = Calls(kit)
        bus.on("x", calls.handler(bus))
        await sender.init()
        await bus.init()
        await emit_all(sender, "x", ["before"], mode="anycast")
        await calls.until(1)
        await kit.faults.cut()
        during = [
            asyncio.create_task(sender.emit("x", f"{mode} {n}", mode=mode, target=target))
            for mode, target in (("broadcast", None), ("anycast", None), ("unicast", bus.id))
            for n in range(5)
        ]
        await kit.until(
            lambda: not (sender.health().store_reachable or bus.health().store_reachable),
            "the outage noticed by both",
        )
        await mended(kit, sender, bus)
        await asyncio.gather(*during)
        await emit_all(sender, "x", ["after"], mode="anycast")
        await calls.exactly(17)
        assert len(set(calls.data())) == 17

    @faults("cut")
    async def test_an_emit_that_is_not_confirmed_in_time_says_so(self, kit: Kit) -> None:
        bus = kit.make_bus(publish_timeout=0.2)
        await bus.init()
        await kit.faults.cut()
        began = asyncio.get_running_loop().time()
        with pytest.raises(TransportUnavailableError):
            await bus.emit("x", 1)
        assert asyncio.get_running_loop().time() - began >= 0.2 - 0.005
        await kit.faults.mend()
        await at_last(kit, lambda: bus.emit("x", 2))
        await mended(kit, bus)

    @faults("cut")
    async def test_an_outage_longer_than_the_lease_kills_nobody(self, kit: Kit) -> None:
        buses = [kit.make_bus(lease=LEASE, heartbeat_interval=HEARTBEAT) for _ in range(2)]
        calls, go_on = Calls(kit), asyncio.Event()
        for bus in buses:
            bus.on("x", calls.handler(bus, lambda message: go_on.wait()))
            await bus.init()
        await buses[0].emit("x", "running", mode="anycast")
        await calls.until(1)
        await kit.faults.cut()
        await kit.until(lambda: all(b.health().lease_left == 0 for b in buses), "leases over")
        await mended(kit, *buses)
        go_on.set()
        await emit_all(buses[0], "x", range(4), mode="anycast")
        await calls.exactly(5)
        assert sorted(map(str, calls.data())) == ["0", "1", "2", "3", "running"]
        assert [(b.stats().incarnations, b.stats().declared_dead) for b in buses] == [(1, 0)] * 2

    @needs("durable")
    @faults("restart")
    async def test_what_was_confirmed_survives_a_restart_of_the_store(self, kit: Kit) -> None:
        sender, bus, calls = kit.make_bus(), kit.make_bus("fixed"), Calls(kit)
        await sender.init()
        await bus.init()
        await bus.close()
        confirmed: list[str] = []
        enough = asyncio.Event()

        async def emit(mode: str, target: str | None) -> None:
            number = 0
            while not enough.is_set():
                number += 1
                try:
                    await sender.emit("x", f"{mode} {number}", mode=mode, target=target)
                except TransportUnavailableError:
                    continue  # it may or may not be stored
                confirmed.append(f"{mode} {number}")

        async with asyncio.TaskGroup() as emitters:
            for mode, target in (("broadcast", None), ("anycast", None), ("unicast", "fixed")):
                emitters.create_task(emit(mode, target))
            await kit.until(lambda: len(confirmed) >= 50, "fifty before it")
            await kit.faults.restart()
            before = len(confirmed)
            await kit.until(lambda: len(confirmed) >= before + 50, "fifty after it")
            enough.set()
        bus.on("x", calls.handler(bus))
        await bus.init()
        await kit.until(lambda: set(confirmed) <= set(calls.data()), "all that was confirmed")
        await calls.exactly(len(calls.all))
        assert len(set(calls.data())) == len(calls.all)

    @faults("flush")
    async def test_a_loss_of_all_data_fences_every_session(self, kit: Kit) -> None:
        peer, other = await kit.join("a", works()), await kit.join("b")
        await peer.anycast("lost")
        waiting = asyncio.create_task(fault_of(peer.session.fetch({INBOX: Room(9, 9)}, 60.0)))
        await asyncio.sleep(0.05)  # it has begun to wait
        await kit.faults.flush()
        assert await waiting == FencedError.__name__
        await peer.fenced()
        assert await fault_of(other.anycast("late")) == FencedError.__name__
        again = await kit.join("a", works(), transport=peer.transport)
        await again.anycast("new")
        assert await again.texts(1) == ["new"]
        await again.nothing()

    @faults("flush")
    async def test_buses_go_on_after_a_loss_of_all_data(self, kit: Kit) -> None:
        buses, calls = [kit.make_bus(), kit.make_bus()], Calls(kit)
        for bus in buses:
            bus.on("x", calls.handler(bus))
            await bus.init()
        await buses[0].emit("x", "before")
        await calls.until(2)
        await kit.faults.flush()
        await kit.until(
            lambda: all(b.stats().incarnations == 2 and b.health().ok for b in buses), "new lives"
        )
        await buses[0].emit("x", "to all")
        await buses[1].emit("x", "to one", mode="anycast")
        await buses[0].emit("x", "to it", target=buses[1].id)
        await calls.exactly(6)
        assert sorted(calls.data()) == sorted(["before", "to all"] * 2 + ["to one", "to it"])

    @faults("trim")
    async def test_broadcasts_deleted_behind_its_back_are_a_loss_and_no_more(
        self, kit: Kit
    ) -> None:
        sender, peer = await kit.join("sender", role="publisher"), await kit.join("a")
        await sender.broadcast("1", "2")
        assert await peer.hear(2) == ["1", "2"]
        await sender.broadcast("3", "4", "5")
        await kit.faults.trim(kit.bus)
        await sender.broadcast("6")
        assert await peer.hear(1) == ["6"]
        await sender.broadcast("7")
        assert await peer.hear(1) == ["7"]
        await self._until_known(kit, peer, 3)

    @faults("trim")
    @pytest.mark.parametrize("mode", [EventMode.ANYCAST, EventMode.UNICAST])
    async def test_work_deleted_behind_its_back_is_a_loss_and_no_more(
        self, kit: Kit, mode: EventMode
    ) -> None:
        sender, peer = await kit.join("sender"), await kit.join("a", works())
        channel, target = (WORK, None) if mode is EventMode.ANYCAST else (INBOX, "a")

        async def send(*payloads: str) -> None:
            await sender.publish(*(outgoing(p, mode, target) for p in payloads))

        await send("held", "back", "aside", "unread 1", "unread 2")
        held, back, aside = await peer.take(3, channel)
        await peer.release(back)
        await peer.fail(aside, delay=0.02)
        await kit.faults.trim(kit.bus)
        await peer.done(held)
        await send("new")
        assert await peer.texts(1, channel) == ["new"]
        assert texts(await peer.rest(channel)) == []
        await self._until_known(kit, peer, 4)

    @faults("skew_clock")
    @pytest.mark.parametrize("seconds", [600.0, -600.0])
    async def test_a_clock_that_jumps_loses_no_message(self, kit: Kit, seconds: float) -> None:
        sender, peer = await kit.join("sender"), await kit.join("a", works())
        await peer.anycast("held", "work")
        (held,) = await peer.take(1)
        await sender.broadcast("all")
        await sender.unicast("a", "mail")
        await kit.faults.skew_clock(seconds)
        await peer.maintain()
        await sender.maintain()
        await peer.done(held)
        assert await peer.texts(1) == ["work"]
        assert await peer.hear(1) == ["all"]
        assert await peer.texts(1, INBOX) == ["mail"]
        await sender.broadcast("all new")
        await sender.anycast("fails", "new")
        (fails,) = await peer.take(1)
        await peer.fail(fails, delay=0.02)
        assert sorted(await peer.texts(2)) == ["fails", "new"]
        assert await peer.hear(1) == ["all new"]
        everything = {channel: Room(9, 9) for channel in (WORK, INBOX, BROADCASTS)}
        assert texts(await peer.session.fetch(everything, QUIET)) == []

    @faults("skew_clock")
    async def test_a_clock_that_steps_back_kills_nobody(self, kit: Kit) -> None:
        buses = [kit.make_bus(lease=LEASE, heartbeat_interval=HEARTBEAT) for _ in range(2)]
        calls, peer = Calls(kit), await kit.join("peer")
        for bus in buses:
            bus.on("x", calls.handler(bus))
            await bus.init()
        await kit.faults.skew_clock(-600.0)
        assert await peer.suspects() == []
        for n in range(3):
            await buses[0].emit("x", f"all {n}")
            await buses[1].emit("x", f"one {n}", mode="anycast")
            await calls.until(3 * (n + 1))
            await asyncio.sleep(HEARTBEAT)
        await calls.exactly(9)
        assert [(b.stats().incarnations, b.stats().declared_dead) for b in buses] == [(1, 0)] * 2

    async def _until_known(self, kit: Kit, peer: Peer, count: int) -> None:
        """Wait until so many are counted as lost: told to who lost them, or in the totals."""
        told = 0

        async def known() -> int:
            nonlocal told
            await peer.session.maintain()
            told += sum((await peer.session.renew()).lost.values())
            if not kit.capabilities.monitoring:
                return told
            totals = (await kit.monitor().snapshot(kit.bus)).totals
            return max(told, sum(n for cause, n in totals.items() if cause.startswith("lost")))

        lost = await kit.eventually(known, lambda lost: lost >= count, f"{count} known as lost")
        assert lost == count
