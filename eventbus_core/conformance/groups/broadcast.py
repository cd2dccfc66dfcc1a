"""Broadcasts: every reader has a place of its own."""

from ...transport import BROADCASTS
from ..cases import Cases, needs
from ..kit import SHORT, Kit
from ..peer import texts


class Broadcast(Cases, group="broadcast"):
    async def test_everyone_hears_each_once_and_the_sender_too(self, kit: Kit) -> None:
        peers = [await kit.join(name) for name in "abc"]
        await peers[0].broadcast("1", "2")
        await peers[1].broadcast("3")
        for peer in peers:
            assert await peer.hear(3) == ["1", "2", "3"]
        await peers[2].broadcast("4")
        for peer in peers:
            assert await peer.hear(1) == ["4"]

    async def test_a_slow_reader_holds_up_nobody(self, kit: Kit) -> None:
        slow, fast = await kit.join("slow"), await kit.join("fast")
        payloads = [str(number) for number in range(50)]
        await fast.broadcast(*payloads)
        await slow.take(1, BROADCASTS)
        assert await fast.hear(50) == payloads
        assert texts(await slow.take(49, BROADCASTS)) == payloads[1:]

    async def test_a_publisher_reads_none(self, kit: Kit) -> None:
        a = await kit.join("a")
        await a.broadcast("1")
        p = await kit.join("p", role="publisher")
        await p.broadcast("2")
        assert p.session.replayed == 0
        await p.nothing(BROADCASTS)
        assert await a.hear(2) == ["1", "2"]

    async def test_positions_rise_and_compare_with_what_subscribe_returns(self, kit: Kit) -> None:
        a = await kit.join("a")
        await a.broadcast("before")
        await a.hear(1)
        b = await kit.join("b", only_new=True)
        start = await a.subscribe()
        await a.broadcast("1", "2", "3")
        middle = await b.subscribe()
        await b.broadcast("4", "5")
        for peer in (a, b):
            heard = [delivery.position for delivery in await peer.take(5, BROADCASTS)]
            assert heard == sorted(set(heard))
            assert start < heard[0]
            assert (heard[2], heard[4]) == (middle, await peer.subscribe())

    # Newcomers

    async def test_a_newcomer_hears_what_is_retained(self, kit: Kit) -> None:
        a = await kit.join("a")
        await a.broadcast("1", "2")
        assert await a.hear(2) == ["1", "2"]
        b = await kit.join("b")
        await a.broadcast("3")
        assert (a.session.replayed, b.session.replayed) == (0, 2)
        assert await b.hear(3) == ["1", "2", "3"]

    async def test_a_newcomer_of_only_new_starts_now(self, kit: Kit) -> None:
        a = await kit.join("a")
        await a.broadcast("1", "2")
        b = await kit.join("b", only_new=True)
        await a.broadcast("3")
        assert b.session.replayed == 0
        assert await b.hear(1) == ["3"]

    # Later lives

    async def test_a_fixed_id_goes_on_behind_what_it_settled(self, kit: Kit) -> None:
        a, b = await kit.join("a", fixed=True), await kit.join("b")
        await b.broadcast("1", "2", "3")
        assert await a.hear(2) == ["1", "2"]
        await a.leave()
        await b.broadcast("4")
        # What a newcomer starts with does not count for who comes back.
        a = await kit.join("a", fixed=True, only_new=True)
        assert a.session.replayed == 0
        assert await a.hear(2) == ["3", "4"]

    async def test_a_released_broadcast_is_left_for_the_next_life(self, kit: Kit) -> None:
        a = await kit.join("a", fixed=True)
        await a.broadcast("1", "2", "3")
        one, two = await a.take(2, BROADCASTS)
        await a.done(one)
        await a.release(two)
        assert texts(await a.take(1, BROADCASTS)) == ["3"]
        await a.leave()
        a = await kit.join("a", fixed=True)
        assert await a.hear(2) == ["2", "3"]

    async def test_starts_of_a_released_broadcast_are_kept(self, kit: Kit) -> None:
        a = await kit.join("a", fixed=True)
        await a.broadcast("1", "2", "3")
        charged, uncharged, _ = deliveries = await a.take(3, BROADCASTS)
        for delivery in deliveries:
            await a.session.begin(delivery, 2)
        await a.release(charged, starts=2)
        await a.release(uncharged, starts=1)
        await a.leave()
        a = await kit.join("a", fixed=True)
        assert [delivery.starts for delivery in await a.take(3, BROADCASTS)] == [2, 1, 2]

    async def test_a_later_session_of_one_transport_goes_on(self, kit: Kit) -> None:
        a, b = await kit.join("a"), await kit.join("b")
        await b.broadcast("1", "2", "3")
        assert await a.hear(2) == ["1", "2"]
        await a.withdraw()
        await b.broadcast("4")
        a = await kit.join("a", transport=a.transport)
        assert a.session.replayed == 0
        assert await a.hear(2) == ["3", "4"]

    async def test_what_was_settled_out_of_order_does_not_come_again(self, kit: Kit) -> None:
        a = await kit.join("a")
        await a.broadcast("1", "2", "3", "4")
        one, _two, three, _four = await a.take(4, BROADCASTS)
        await a.done(three)
        await a.done(one)
        await a.withdraw()
        a = await kit.join("a", transport=a.transport)
        await a.broadcast("5")
        assert await a.hear(3) == ["2", "4", "5"]

    @needs("failover")
    async def test_who_was_declared_dead_goes_on_where_it_stood(self, kit: Kit) -> None:
        a, b = await kit.join("a", lease=SHORT), await kit.join("b")
        await b.broadcast("1", "2", "3")
        assert await a.hear(2) == ["1", "2"]
        await a.take(1, BROADCASTS)
        await b.bury_dead(a)
        await b.broadcast("4")
        await a.fenced()
        a = await kit.join("a", transport=a.transport)
        assert a.session.replayed == 0
        assert await a.hear(2) == ["3", "4"]
