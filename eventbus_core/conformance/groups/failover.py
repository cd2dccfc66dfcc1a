"""Death: when an incarnation is dead, what becomes of its work, and what it may still do."""

import asyncio

import pytest

from ...transport import FencedError, Outcome, Published, Settlement, Suspect
from ..cases import Cases, needs
from ..kit import Kit
from ..peer import texts, works
from ..refusals import CALLS, LETTERS, not_refused

BRIEF = 0.05
"""Seconds: a lease that has run out soon. An incarnation lives on until it is declared dead."""


class Failover(Cases, group="failover"):
    @needs("failover")
    @pytest.mark.parametrize("renews", [True, False])
    async def test_nothing_is_taken_from_who_is_not_declared_dead(
        self, kit: Kit, renews: bool
    ) -> None:
        a, b = await kit.join("a", works(), lease=BRIEF), await kit.join("b", works(), lease=BRIEF)
        await a.anycast("1", "2")
        await a.unicast("a", "mail")
        held = [*await a.take(2), *await a.mail(1)]
        loop = asyncio.get_running_loop()
        ends = loop.time() + 3 * BRIEF
        while loop.time() < ends:
            if renews:
                await a.session.renew()
            await b.maintain()
            assert texts(await b.fetch(wait=BRIEF / 2)) == []
        # However late it is: it goes on where it was.
        await a.session.renew()
        await a.done(*held)
        await b.anycast("3")
        assert await b.texts(1) == ["3"]

    @needs("failover")
    async def test_suspects_are_those_whose_own_lease_ran_out(self, kit: Kit) -> None:
        leases = {"a": BRIEF, "b": 2 * BRIEF, "c": 60.0, "d": 60.0}
        peers = {name: await kit.join(name, lease=lease) for name, lease in leases.items()}
        known = await kit.eventually(
            peers["d"].suspects, lambda suspects: len(suspects) == 2, "two suspects"
        )
        assert sorted((s.instance_id, s.incarnation, round(s.lease, 2)) for s in known) == [
            ("a", peers["a"].member.incarnation, BRIEF),
            ("b", peers["b"].member.incarnation, 2 * BRIEF),
        ]

    @needs("failover")
    async def test_a_live_instance_is_not_declared_dead(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast("1")
        await a.take()
        claimed = [
            Suspect(a.member.incarnation, "a", BRIEF),
            Suspect("never-was", "a", BRIEF),
        ]
        assert list(await b.session.declare_dead(claimed)) == []
        await a.session.renew()
        await b.anycast("2")
        assert await b.texts(1) == ["2"]

    @needs("failover")
    async def test_a_suspect_that_renews_is_not_declared_dead(self, kit: Kit) -> None:
        b, loop = await kit.join("b"), asyncio.get_running_loop()
        for _ in range(20):
            a = await kit.join(None, lease=2 * BRIEF)
            suspect, renewed = await b.until_suspected(a), loop.time()
            await a.session.renew()
            dead = list(await b.session.declare_dead([suspect]))
            # On a machine that took longer its lease may have run out again.
            if loop.time() - renewed < 2 * BRIEF:
                break
        assert dead == []
        await a.session.renew()

    @needs("failover")
    async def test_one_of_many_declares_the_dead(self, kit: Kit) -> None:
        living = [await kit.join(None) for _ in range(5)]
        dead = [await kit.join(None, lease=BRIEF) for _ in range(3)]
        suspects = [await living[0].until_suspected(peer) for peer in dead]
        declared = await asyncio.gather(*(p.session.declare_dead(suspects) for p in living))
        assert sorted(s.incarnation for each in declared for s in each) == sorted(
            peer.member.incarnation for peer in dead
        )

    @needs("failover")
    async def test_every_call_of_the_dead_is_refused(self, kit: Kit) -> None:
        calls = CALLS | (LETTERS if kit.capabilities.redrive else {})
        calls["leave"] = lambda peer, _: peer.session.leave()
        b, over = await kit.join("b"), []
        for name, call in calls.items():
            a = await kit.join(None, works(), lease=BRIEF)
            await a.anycast(name)
            (held,) = await a.take()
            over.append((name, call, a, held))
        for _, _, a, _ in over:
            await b.bury_dead(a)
        assert await not_refused(over) == ""

    @needs("failover")
    async def test_what_the_dead_publish_is_not_stored(self, kit: Kit) -> None:
        a, b = await kit.join("a", works(), lease=BRIEF), await kit.join("b", works())
        await b.bury_dead(a)
        with pytest.raises(FencedError):
            await a.anycast("late")
        await b.anycast("1")
        assert await b.texts(1) == ["1"]

    @needs("failover")
    @pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.RELEASED, Outcome.DEAD])
    async def test_what_the_dead_settle_changes_nothing(self, kit: Kit, outcome: Outcome) -> None:
        a, b = await kit.join("a", works(), lease=BRIEF), await kit.join("b", works())
        await a.anycast("1", "2")
        held = await a.take(2)
        await b.bury_dead(a)
        again = await b.take(1)
        with pytest.raises(FencedError):
            await a.settle(*(Settlement(delivery, outcome) for delivery in held))
        again += await b.take(1)
        await b.anycast("3")
        again += await b.take(1)
        assert texts(again) == ["1", "2", "3"]
        await b.release(*again)
        assert await b.texts(3) == ["1", "2", "3"]
        if kit.capabilities.redrive:
            assert list(await b.session.dead_letters(10, None, None, None)) == []

    @needs("failover")
    async def test_work_of_the_dead_comes_first_and_oldest_first(self, kit: Kit) -> None:
        a, b = await kit.join("a", works(), lease=BRIEF), await kit.join("b", works())
        await b.anycast(*"123")
        _one, two, _three = await a.take(3)
        await a.session.begin(two, 1)
        await b.anycast(*"45")
        await b.bury_dead(a)
        work = await b.take(5)
        assert [(bytes(d.data), d.orphaned, d.again, d.starts) for d in work] == [
            (b"1", True, True, 0),
            (b"2", True, True, 1),
            (b"3", True, True, 0),
            (b"4", False, False, 0),
            (b"5", False, False, 0),
        ]

    @needs("failover")
    async def test_work_of_several_dead_comes_in_the_order_of_storing(self, kit: Kit) -> None:
        b = await kit.join("b", works())
        dead = [await kit.join(None, works(), lease=BRIEF) for _ in range(3)]
        await b.anycast(*"12345678")
        # Each holds one of every three.
        for _ in range(2):
            for peer in dead:
                await peer.take()
        suspects = [await b.until_suspected(peer) for peer in dead]
        assert len(await b.session.declare_dead(suspects)) == 3
        assert await b.texts(8) == [*"12345678"]

    @needs("failover")
    async def test_orphaned_is_told_once_for_each_death(self, kit: Kit) -> None:
        a, b = await kit.join("a", works(), lease=BRIEF), await kit.join("b", works(), lease=BRIEF)
        c = await kit.join("c", works())
        await c.anycast("1")
        (one,) = await a.take()
        await a.session.begin(one, 1)
        await c.bury_dead(a)
        (one,) = await b.take()
        assert (one.orphaned, one.starts) == (True, 1)
        await b.release(one, starts=1)
        (one,) = await b.take()
        assert (one.orphaned, one.starts) == (False, 1)
        await b.session.begin(one, 2)
        # Who took it over dies too.
        await c.bury_dead(b)
        (one,) = await c.take()
        assert (one.orphaned, one.starts) == (True, 2)

    @needs("failover")
    async def test_what_the_dead_set_aside_stays_due(self, kit: Kit) -> None:
        a, b = await kit.join("a", works(), lease=BRIEF), await kit.join("b", works())
        await a.anycast("1")
        failed_at = asyncio.get_running_loop().time()
        await a.fail(*await a.take(), delay=4 * BRIEF, starts=2, note="again")
        await b.bury_dead(a)
        (one,) = await b.take()
        assert asyncio.get_running_loop().time() >= failed_at + 4 * BRIEF - 0.005
        assert (one.starts, one.note, one.orphaned) == (2, "again", False)

    @needs("failover")
    async def test_a_fetch_that_waits_is_woken_by_work_of_the_dead(self, kit: Kit) -> None:
        a, b, c = (
            await kit.join("a", works(), lease=BRIEF),
            await kit.join("b"),
            await kit.join("c", works()),
        )
        await b.anycast("1")
        await a.take()
        waiting = await c.waiting()
        await b.bury_dead(a)
        async with asyncio.timeout(kit.deadline):
            assert texts(await waiting) == ["1"]

    @needs("failover")
    async def test_who_was_fenced_goes_on_over_the_same_transport(self, kit: Kit) -> None:
        transport, b = await kit.connect(), await kit.join("b")
        a = await kit.join("a", transport=transport, lease=BRIEF)
        await b.broadcast("1", "2")
        assert await a.hear(1) == ["1"]
        await b.bury_dead(a)
        await b.broadcast("3")
        again = await kit.join("a", works(), transport=transport)
        assert again.session.replayed == 0
        assert await again.hear(2) == ["2", "3"]
        assert await again.anycast("4") == [Published.STORED]
        assert await again.texts(1) == ["4"]

    @needs("failover")
    async def test_a_fixed_id_that_died_is_remembered(self, kit: Kit) -> None:
        a, b = await kit.join("a", fixed=True, lease=BRIEF), await kit.join("b")
        await b.broadcast("1", "2")
        await b.unicast("a", "3")
        assert await a.hear(1) == ["1"]
        await a.mail(1)
        await b.bury_dead(a)
        assert await b.unicast("a", "4") == [Published.STORED]
        a = await kit.join("a", fixed=True)
        assert await a.hear(1) == ["2"]
        assert [(bytes(d.data), d.orphaned) for d in await a.mail(2)] == [
            (b"3", True),
            (b"4", False),
        ]

    @needs("failover")
    async def test_an_id_that_is_not_fixed_dies_with_its_inbox(self, kit: Kit) -> None:
        a, b = await kit.join("a", lease=BRIEF), await kit.join("b")
        await b.unicast("a", "1", "2")
        await a.mail(1)
        await b.bury_dead(a)
        assert await b.unicast("a", "3") == [Published.TARGET_NOT_FOUND]
        if kit.capabilities.redrive:
            letters = await kit.eventually(
                lambda: b.session.dead_letters(10, None, None, None),
                lambda letters: len(letters) == 2,
                "an inbox among the dead letters",
            )
            assert [(bytes(d.data), d.instance) for d in letters] == [(b"1", "a"), (b"2", "a")]
