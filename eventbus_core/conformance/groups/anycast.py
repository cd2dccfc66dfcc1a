"""Work that the members of a group share, and how `fetch` waits for it."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import pytest

from ...modes import EventMode
from ...transport import BROADCASTS, INBOX, Channel, Room, work
from ..cases import Cases
from ..kit import Kit
from ..peer import CHANNELS, MOMENT, WORK, Peer, outgoing, texts, works

OTHER = work("other", "crew")


class Anycast(Cases, group="anycast"):
    async def test_members_share_all_of_it_and_nothing_twice(self, kit: Kit) -> None:
        members = [await kit.join(f"m{number}", works()) for number in range(4)]
        publisher = await kit.join("publisher")
        came: list[str] = []

        async def take_part(member: Peer) -> None:
            while len(came) < 200:
                deliveries = await member.fetch(slots=3, limit=7, wait=0.05)
                came.extend(texts(deliveries))
                await member.done(*deliveries)

        async def publish() -> None:
            for number in range(20):
                await publisher.anycast(*(f"{number} {n}" for n in range(10)))

        async with asyncio.timeout(kit.deadline):
            await asyncio.gather(publish(), *map(take_part, members))
        await asyncio.gather(*(member.nothing() for member in members))
        assert Counter(came) == Counter(f"{number} {n}" for number in range(20) for n in range(10))

    async def test_only_those_subscribed_are_given_work(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works("other"))
        await a.anycast("1")
        await b.nothing()
        assert await a.texts(1) == ["1"]

    async def test_work_waits_for_its_first_group(self, kit: Kit) -> None:
        a = await kit.join("a")
        await a.anycast("1", "2")
        await a.nothing()
        await a.leave()
        b = await kit.join("b", works())
        assert await b.texts(2) == ["1", "2"]

    async def test_two_events_do_not_mix(self, kit: Kit) -> None:
        a = await kit.join("a", works(), works("other"))
        await a.publish(*(outgoing(f"{e} {n}", event=e) for n in "12" for e in ("job", "other")))
        assert await a.texts(2, OTHER) == ["other 1", "other 2"]
        assert await a.texts(2) == ["job 1", "job 2"]

    # Room

    async def test_one_fetch_takes_from_several_channels(self, kit: Kit) -> None:
        a = await kit.join("a", works(), works("other"))
        await a.anycast("w1", "w2")
        await a.anycast("o1", "o2", event="other")
        await a.unicast("a", "u1", "u2")
        await a.broadcast("b1", "b2")
        room = {channel: Room(1, 2) for channel in (WORK, OTHER, INBOX, BROADCASTS)}
        found: dict[Channel, list[str]] = {}
        for delivery in await a.collect(room, 8):
            found.setdefault(delivery.channel, []).extend(texts([delivery]))
        assert found == {
            WORK: ["w1", "w2"],
            OTHER: ["o1", "o2"],
            INBOX: ["u1", "u2"],
            BROADCASTS: ["b1", "b2"],
        }

    @pytest.mark.parametrize("mode", list(EventMode))
    async def test_no_more_comes_than_there_is_room_for(self, kit: Kit, mode: EventMode) -> None:
        a = await kit.join("a", works())
        await a.send(mode, *"abcdefghij")
        came: list[str] = []
        while len(came) < 10:
            deliveries = await a.collect({CHANNELS[mode]: Room(1, 3)}, 1)
            assert len(deliveries) <= 3
            came += texts(deliveries)
        assert came == [*"abcdefghij"]

    @pytest.mark.parametrize(
        "full", [{}, {OTHER: Room(0, 0), INBOX: Room(0, 0), BROADCASTS: Room(0, 0)}],
        ids=["left out", "no room"],
    )  # fmt: skip
    async def test_full_channels_hold_up_no_other(
        self, kit: Kit, full: Mapping[Channel, Room]
    ) -> None:
        a = await kit.join("a", works(), works("other"))
        await a.anycast("1", "2", event="other")
        await a.unicast("a", "3", "4")
        await a.broadcast("5", "6")
        for channel in (OTHER, INBOX, BROADCASTS):
            await a.take(1, channel)
        waiting = asyncio.ensure_future(a.collect({**full, WORK: Room(9, 9)}, 1))
        await a.anycast("7")
        assert texts(await waiting) == ["7"]

    # Waiting

    @pytest.mark.parametrize("mode", list(EventMode))
    async def test_a_fetch_that_waits_is_ended_by_a_message(
        self, kit: Kit, mode: EventMode
    ) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        waiting = asyncio.ensure_future(a.fetch(CHANNELS[mode], wait=9 * kit.deadline))
        await b.fetch(INBOX, wait=MOMENT)
        await b.publish(outgoing("1", mode, "a" if mode is EventMode.UNICAST else None))
        async with asyncio.timeout(kit.deadline):
            assert texts(await waiting) == ["1"]

    async def test_a_fetch_that_waits_is_ended_by_work_that_becomes_due(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast("1")
        (one,) = await a.take(1)
        waiting = asyncio.ensure_future(b.fetch(wait=9 * kit.deadline))
        await a.fetch(INBOX, wait=MOMENT)
        await a.fail(one, delay=0.1)
        async with asyncio.timeout(kit.deadline):
            assert texts(await waiting) == ["1"]

    async def test_reading_ahead_needs_no_free_handler(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("1", "2")
        assert texts(await a.collect({WORK: Room(slots=0, limit=2)}, 2)) == ["1", "2"]

    async def test_a_fetch_with_nothing_to_give_lasts_as_long_as_it_may(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(kit.deadline):
            assert await a.fetch(wait=0.1) == []
        assert loop.time() - began > 0.095

    async def test_waking_ends_a_fetch_that_waits(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        waiting = asyncio.ensure_future(a.fetch(wait=9 * kit.deadline))
        await b.fetch(INBOX, wait=MOMENT)
        a.session.wake()
        async with asyncio.timeout(kit.deadline):
            assert await waiting == []

    async def test_a_wake_that_comes_first_is_remembered(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        a.session.wake()
        async with asyncio.timeout(kit.deadline):
            assert await a.fetch(wait=9 * kit.deadline) == []

    async def test_fetching_gives_way_to_the_loop(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast(*map(str, range(20)))
        async with kit.turns() as turns:
            for _ in range(20):
                before = turns()
                await a.fetch(limit=1)
                assert turns() > before, "the loop stood still while it fetched"
