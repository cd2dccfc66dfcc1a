"""Whole buses at work: modes, payloads, concurrency, identity, refusals."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from ...errors import BacklogFullError, InstanceIdInUseError, TargetNotFoundError
from ...message import Message
from ...modes import EventMode
from ..cases import Cases
from ..handler_calls import Calls, emit_all
from ..kit import Kit

PAYLOAD = {
    "text": "żółw 🐢 \x00\r\n",
    "numbers": [0, -1, 2**53, 0.1, True, None],
    "nested": {"empty": {}, "list": [[], [{}]]},
    "long": "0123456789" * 20_000,
}
HEADERS = {"trace": "00-ab-cd", "empty": "", "text": "ünï"}


class WholeBuses(Cases, group="whole buses"):
    async def test_a_broadcast_is_handled_by_every_bus_and_the_sender(self, kit: Kit) -> None:
        buses, calls = [kit.make_bus() for _ in range(3)], Calls(kit)
        for bus in buses:
            bus.on("x", calls.handler(bus))
            await bus.init()
        await emit_all(buses[0], "x", range(20))
        await buses[1].emit("x", 20)
        await calls.until(63)
        assert [calls.data(bus) for bus in buses] == [[*range(21)]] * 3

    async def test_a_unicast_is_handled_by_its_target_alone(self, kit: Kit) -> None:
        buses, calls = [kit.make_bus(), kit.make_bus(), kit.make_bus("fixed")], Calls(kit)
        for bus in buses:
            bus.on("x", calls.handler(bus))
            await bus.init()
        for bus in buses:
            await emit_all(buses[0], "x", [f"{bus.id} {n}" for n in range(10)], target=bus.id)
        await emit_all(buses[0], "x", ["the last"])
        await calls.exactly(33)
        for bus in buses:
            mail = [data for data in calls.data(bus) if data != "the last"]
            assert mail == [f"{bus.id} {n}" for n in range(10)]

    @pytest.mark.parametrize("mode", list(EventMode))
    async def test_a_message_arrives_as_it_was_sent(self, kit: Kit, mode: EventMode) -> None:
        sender, bus, calls = kit.make_bus(), kit.make_bus(group="crew"), Calls(kit)
        bus.on("sent:whole", calls.handler(bus))
        await sender.init()
        await bus.init()
        target = bus.id if mode is EventMode.UNICAST else None
        sent = await sender.emit("sent:whole", PAYLOAD, mode=mode, target=target, headers=HEADERS)
        await calls.until(1)
        (message,) = calls.messages()
        assert (message.id, message.event, message.mode) == (sent, "sent:whole", mode)
        assert message.data == PAYLOAD
        assert dict(message.headers) == HEADERS
        assert (message.source, message.target, message.attempt) == (sender.id, target, 1)
        assert message.group == ("crew" if mode is EventMode.ANYCAST else None)
        assert message.timestamp.tzinfo is UTC
        assert abs(datetime.now(UTC) - message.timestamp) < timedelta(minutes=1)

    async def test_equal_buses_share_work_and_handle_each_once(self, kit: Kit) -> None:
        buses, calls = [kit.make_bus() for _ in range(3)], Calls(kit)
        for bus in buses:
            bus.on("x", calls.handler(bus, lambda message: asyncio.sleep(0.003)))
            await bus.init()
        sender = kit.make_bus(role="publisher")
        await sender.init()
        await emit_all(sender, "x", range(210), mode="anycast")
        await calls.exactly(210)
        shares = [len(calls.data(bus)) for bus in buses]
        assert sorted(calls.data()) == [*range(210)]
        assert max(shares) <= 2 * min(shares), shares

    async def test_what_two_buses_emit_at_once_is_handled_once_each(self, kit: Kit) -> None:
        senders, bus, calls = [kit.make_bus(), kit.make_bus()], kit.make_bus(), Calls(kit)
        bus.on("x", calls.handler(bus), concurrency=10)
        for each in (*senders, bus):
            await each.init()
        modes = ["broadcast", "anycast", "unicast"]
        emits = [
            sender.emit("x", n, mode=modes[n % 3], target=bus.id if n % 3 == 2 else None)
            for n in range(500)
            for sender in senders
        ]
        assert len(set(await asyncio.gather(*emits))) == 1000
        await calls.exactly(1000)
        assert Counter(calls.data()) == Counter([*range(500)] * 2)
        assert len({message.id for message in calls.messages()}) == 1000

    async def test_a_slow_handler_holds_one_message_more_than_it_runs(self, kit: Kit) -> None:
        slow, quick, calls, go_on = kit.make_bus(), kit.make_bus(), Calls(kit), asyncio.Event()

        async def work(message: Message) -> None:
            await (asyncio.sleep(0.03) if message.data < 4 else go_on.wait())

        slow.on("x", calls.handler(slow, work), concurrency=2)
        await slow.init()
        await quick.init()
        await emit_all(quick, "x", range(4), mode="anycast")
        await kit.until(lambda: slow.stats().handled == 4, "how long its handler takes")
        await emit_all(quick, "x", range(4, 30), mode="anycast")
        await kit.until(lambda: slow.stats().running == 2, "two that wait")
        quick.on("x", calls.handler(quick))
        await quick.ready()
        await calls.until(26 - 3, quick)
        held = slow.stats().running + slow.stats().waiting
        assert held <= 3, f"{held} held with concurrency=2"
        go_on.set()
        await calls.exactly(30)
        assert sorted(calls.data()) == [*range(30)]

    async def test_a_unicast_to_nobody_is_refused(self, kit: Kit) -> None:
        bus, gone = kit.make_bus(), kit.make_bus()
        await bus.init()
        with pytest.raises(TargetNotFoundError):
            await bus.emit("x", 1, target="nobody")
        await gone.init()
        await bus.emit("x", 2, target=gone.id)
        await gone.close()
        with pytest.raises(TargetNotFoundError):
            await bus.emit("x", 3, target=gone.id)

    async def test_work_beyond_the_backlog_is_refused_until_there_is_room(self, kit: Kit) -> None:
        bus, calls, go_on = kit.make_bus(max_backlog=5), Calls(kit), asyncio.Event()
        bus.on("x", calls.handler(bus, lambda message: go_on.wait()))
        await bus.init()
        for n in range(5):
            await bus.emit("x", n, mode="anycast")
        with pytest.raises(BacklogFullError):
            await bus.emit("x", "refused", mode="anycast")
        await bus.emit("y", "another event", mode="anycast")
        go_on.set()
        await kit.until(lambda: bus.stats().handled == 5, "the five")

        async def emitted() -> bool:
            try:
                await bus.emit("x", "last", mode="anycast")
            except BacklogFullError:
                return False
            return True

        await kit.eventually(emitted, bool, "room for one more")
        await calls.exactly(6)
        assert calls.data() == [*range(5), "last"]

    async def test_a_fixed_id_goes_on_where_it_was(self, kit: Kit) -> None:
        sender, calls = kit.make_bus(), Calls(kit)
        await sender.init()
        for life in range(3):
            bus = kit.make_bus("fixed")
            bus.on("x", calls.handler(bus))
            await bus.init()
            await sender.emit("x", f"heard in life {life}")
            await calls.until(3 * life + 1)
            await bus.close()
            await sender.emit("x", f"all after life {life}")
            await sender.emit("x", f"mail after life {life}", target="fixed")
        bus = kit.make_bus("fixed")
        bus.on("x", calls.handler(bus))
        await bus.init()
        await calls.exactly(9)
        what = ("heard in", "all after", "mail after")
        assert sorted(calls.data()) == sorted(f"{w} life {n}" for w in what for n in range(3))

    async def test_a_second_bus_under_a_live_id_is_refused(self, kit: Kit) -> None:
        first = kit.make_bus("same", lease=0.8, heartbeat_interval=0.1)
        calls = Calls(kit)
        first.on("x", calls.handler(first))
        await first.init()
        second = kit.make_bus("same", lease=0.8, heartbeat_interval=0.1)
        with pytest.raises(InstanceIdInUseError):
            await second.init()
        await first.emit("x", 1, target="same")
        await calls.until(1)
        assert first.stats().incarnations == 1
        assert first.health().ok
