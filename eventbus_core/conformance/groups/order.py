"""In which order a channel gives what it has."""

import asyncio

import pytest

from ...modes import EventMode
from ...transport import Room
from ..cases import Cases, needs
from ..kit import SHORT, Kit
from ..peer import CHANNELS, texts, works


class Order(Cases, group="order"):
    @pytest.mark.parametrize("mode", list(EventMode))
    async def test_a_channel_gives_in_the_order_of_storing(self, kit: Kit, mode: EventMode) -> None:
        a = await kit.join("a", works())
        payloads = [str(number) for number in range(60)]
        for at in range(0, 60, 10):
            await a.send(mode, *payloads[at : at + 10])
        came: list[str] = []
        for size in (1, 7, 20, 2, 30):
            came += texts(await a.take(size, CHANNELS[mode]))
        assert came == payloads

    async def test_what_came_back_goes_oldest_first_before_newer(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast(*"12345678")
        one, two, three, four, five, _six = await a.take(6)
        await a.release(five, three)
        await a.fail(four)
        await a.release(two)
        await a.fail(one)
        assert texts(await b.take(7)) == [*"1234578"]

    async def test_an_inbox_gives_what_came_back_before_newer(self, kit: Kit) -> None:
        a = await kit.join("a")
        await a.unicast("a", *"12345")
        one, two, three = await a.mail(3)
        await a.release(three)
        await a.fail(two)
        await a.release(one)
        assert texts(await a.mail(5)) == [*"12345"]

    @pytest.mark.parametrize("mode", [EventMode.ANYCAST, EventMode.UNICAST])
    async def test_nothing_newer_goes_before_what_waits_for_a_slot(
        self, kit: Kit, mode: EventMode
    ) -> None:
        a, channel = await kit.join("a", works()), CHANNELS[mode]
        await a.send(mode, *"123456")
        await a.release(*await a.take(4, channel))
        assert texts(await a.fetch(channel, slots=0, limit=9, wait=0.1)) == []
        came: list[str] = []
        while len(came) < 6:
            deliveries = await a.collect({channel: Room(2, 9)}, 1)
            assert sum(delivery.again for delivery in deliveries) <= 2
            came += texts(deliveries)
        assert came == [*"123456"]

    async def test_what_is_due_again_goes_before_newer(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast("1", "2", "3", "4")
        one, two = await a.take(2)
        await a.fail(two, delay=0.01)
        await a.fail(one, delay=0.02)
        loop = asyncio.get_running_loop()
        due = loop.time() + 0.04
        await kit.until(lambda: loop.time() > due, "the end of the delays")
        assert texts(await b.take(4)) == ["1", "2", "3", "4"]

    @needs("failover")
    async def test_orphaned_released_and_failed_go_oldest_first(self, kit: Kit) -> None:
        dying, a = await kit.join("dying", works(), lease=SHORT), await kit.join("a", works())
        await a.anycast(*"1234567")
        first = await dying.take(1)
        two, three = await a.take(2)
        await dying.take(1)
        (five,) = await a.take(1)
        assert texts(first) == ["1"]
        await a.release(five, two)
        await a.fail(three)
        await dying.crash()
        await a.bury_dead(dying)
        b = await kit.join("b", works())
        came = await b.take(7)
        assert [(texts([d])[0], d.orphaned) for d in came] == [
            ("1", True),
            ("2", False),
            ("3", False),
            ("4", True),
            ("5", False),
            ("6", False),
            ("7", False),
        ]
