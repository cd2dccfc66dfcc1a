"""What becomes of a delivery: done, released, failed, dead."""

import asyncio

import pytest

from ...modes import EventMode
from ...transport import INBOX, Death, FencedError, Outcome, Settlement
from ..cases import Cases, needs
from ..kit import SHORT, Kit
from ..peer import CHANNELS, MOMENT, WORK, texts, works

MODES = pytest.mark.parametrize("mode", list(EventMode))
HELD = pytest.mark.parametrize("mode", [EventMode.ANYCAST, EventMode.UNICAST])


class Settling(Cases, group="settling"):
    @MODES
    async def test_what_is_done_does_not_come_again(self, kit: Kit, mode: EventMode) -> None:
        a, channel = await kit.join("a", works(), fixed=True), CHANNELS[mode]
        await a.send(mode, "1", "2")
        await a.done(*await a.take(2, channel))
        await a.send(mode, "3")
        assert await a.texts(1, channel) == ["3"]
        await a.leave()
        a = await kit.join("a", works(), fixed=True)
        await a.send(mode, "4")
        assert await a.texts(1, channel) == ["4"]

    @MODES
    async def test_settling_twice_does_no_harm(self, kit: Kit, mode: EventMode) -> None:
        a, channel = await kit.join("a", works()), CHANNELS[mode]
        await a.send(mode, "1", "2", "3", "4")
        deliveries = await a.take(3, channel)
        for _ in range(2):
            await a.done(*deliveries)
        await a.done(deliveries[1])
        assert await a.texts(1, channel) == ["4"]

    @HELD
    async def test_handing_back_twice_does_no_harm(self, kit: Kit, mode: EventMode) -> None:
        a, channel = await kit.join("a", works()), CHANNELS[mode]
        await a.send(mode, "1", "2", "3")
        one, two, three = await a.take(3, channel)
        for _ in range(2):
            await a.release(one)
            await a.fail(two)
        await a.done(three)
        await a.send(mode, "4")
        assert texts(await a.take(3, channel)) == ["1", "2", "4"]

    @pytest.mark.parametrize("outcome", list(Outcome))
    async def test_a_late_settlement_takes_nothing_from_the_next_owner(
        self, kit: Kit, outcome: Outcome
    ) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast("1")
        (old,) = await a.take()
        await a.release(old)
        (new,) = await b.take()
        try:
            await a.settle(Settlement(old, outcome, death=Death("late")))
        except FencedError:
            pytest.fail("its own life goes on")
        await a.anycast("2")
        assert await a.texts(1) == ["2"]
        await b.release(new)
        assert texts(await b.take()) == ["1"]

    async def test_a_batch_settles_each_as_it_says(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("done", "released", "failed", "later", "dead", "next")
        done, released, failed, later, dead = await a.take(5)
        await a.settle(
            Settlement(failed, Outcome.FAILED, starts=3),
            Settlement(done, Outcome.DONE),
            Settlement(later, Outcome.FAILED, delay=60.0),
            Settlement(dead, Outcome.DEAD, death=Death("poison")),
            Settlement(released, Outcome.RELEASED, starts=2),
        )
        assert [(*texts([d]), d.starts) for d in await a.take(3)] == [
            ("released", 2),
            ("failed", 3),
            ("next", 0),
        ]
        if kit.capabilities.redrive:
            letters = await a.session.dead_letters(10, None, None, None)
            assert [bytes(letter.data) for letter in letters] == [b"dead"]

    async def test_a_large_batch_is_settled(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast(*map(str, range(300)))
        deliveries = await a.take(300)
        await a.settle(
            *(
                Settlement(delivery, Outcome.RELEASED if number % 3 else Outcome.DONE)
                for number, delivery in enumerate(deliveries)
            )
        )
        again = await a.take(200)
        assert texts(again) == [str(number) for number in range(300) if number % 3]
        await a.done(*again)
        await a.anycast("next")
        assert await a.texts(1) == ["next"]

    # Released

    async def test_released_work_goes_to_another_member_at_once(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast("1")
        (delivery,) = await a.take()
        waiting = asyncio.ensure_future(b.fetch(wait=9 * kit.deadline))
        await a.fetch(INBOX, wait=MOMENT)
        await a.release(delivery)
        async with asyncio.timeout(kit.deadline):
            (again,) = await waiting
        assert (texts([again]), again.again, again.orphaned) == (["1"], True, False)

    @HELD
    async def test_a_release_charges_only_what_it_says(self, kit: Kit, mode: EventMode) -> None:
        a, channel = await kit.join("a", works()), CHANNELS[mode]
        await a.send(mode, "1")
        for begun, said in ((0, 0), (1, 0), (1, 1), (2, 2), (3, 0)):
            (delivery,) = await a.take(1, channel)
            if begun:
                await a.session.begin(delivery, begun)
            await a.release(delivery, starts=said)
            (delivery,) = await a.take(1, channel)
            assert (delivery.starts, delivery.again) == (said, True)
            await a.release(delivery, starts=said)

    # Failed

    async def test_failed_work_comes_after_its_delay_to_any_member(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast("1")
        (delivery,) = await a.take()
        loop = asyncio.get_running_loop()
        began = loop.time()
        await a.fail(delivery, delay=0.1, starts=4)
        (again,) = await b.take()
        assert loop.time() - began > 0.095
        assert (texts([again]), again.starts, again.again) == (["1"], 4, True)

    async def test_failed_work_does_not_hold_up_newer_work(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("1", "2", "3")
        one, two = await a.take(2)
        await a.fail(one, delay=0.1)
        await a.fail(two, delay=60.0)
        assert texts(await a.take(2)) == ["3", "1"]

    @HELD
    async def test_without_a_delay_what_failed_comes_at_once(
        self, kit: Kit, mode: EventMode
    ) -> None:
        a, channel = await kit.join("a", works()), CHANNELS[mode]
        await a.send(mode, "1")
        (delivery,) = await a.take(1, channel)
        for starts in (1, 2, 3):
            await a.fail(delivery, starts=starts)
            (delivery,) = await a.take(1, channel)
            assert (delivery.starts, delivery.again) == (starts, True)

    async def test_what_becomes_due_ends_a_fetch_that_waits(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("1")
        (delivery,) = await a.take()
        waiting = asyncio.ensure_future(a.fetch(wait=9 * kit.deadline))
        await asyncio.sleep(0)
        await a.fail(delivery, delay=0.05)
        async with asyncio.timeout(kit.deadline):
            assert texts(await waiting) == ["1"]

    # Notes and starts

    @HELD
    async def test_the_note_of_the_last_failure_is_kept(self, kit: Kit, mode: EventMode) -> None:
        a, channel = await kit.join("a", works()), CHANNELS[mode]
        await a.send(mode, "1")
        for note in ("", "one", "…zwei\n{}", "", "x" * 1000):
            (delivery,) = await a.take(1, channel)
            await a.fail(delivery, note=note)
            (delivery,) = await a.take(1, channel)
            assert delivery.note == note
            await a.fail(delivery, note=note)

    @HELD
    async def test_the_note_of_the_last_release_is_kept(self, kit: Kit, mode: EventMode) -> None:
        a, channel = await kit.join("a", works()), CHANNELS[mode]
        await a.send(mode, "1")
        (delivery,) = await a.take(1, channel)
        await a.fail(delivery, note="failed")
        for note in ("one", "two", ""):
            (delivery,) = await a.take(1, channel)
            await a.release(delivery, note=note)
            (delivery,) = await a.take(1, channel)
            assert delivery.note == note
            await a.release(delivery, note=note)

    async def test_begun_starts_are_kept_when_their_owner_leaves(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("1", "2")
        one, _two = await a.take(2)
        await a.session.begin(one, 1)
        await a.session.begin(one, 2)
        await a.leave()
        b = await kit.join("b", works())
        assert [(d.starts, d.again, d.orphaned) for d in await b.take(2)] == [
            (2, True, False),
            (0, True, False),
        ]

    @needs("failover")
    async def test_begun_starts_are_kept_over_a_crash(self, kit: Kit) -> None:
        a, b = await kit.join("a", works(), lease=SHORT), await kit.join("b", works())
        await b.anycast("1", "2", "3")
        one, two, _three = await a.take(3)
        await a.session.begin(one, 1)
        await a.session.begin(two, 3)
        await a.crash()
        await b.bury_dead(a)
        assert [(d.starts, d.again, d.orphaned) for d in await b.take(3)] == [
            (1, True, True),
            (3, True, True),
            (0, True, True),
        ]

    @needs("failover")
    async def test_who_was_declared_dead_settles_nothing(self, kit: Kit) -> None:
        a, b = await kit.join("a", works(), lease=SHORT), await kit.join("b", works())
        await b.anycast("1", "2", "3", "4")
        one, two, three, four = await a.take(4)
        await b.bury_dead(a)
        taken = await b.take(1)
        with pytest.raises(FencedError):
            await a.settle(
                Settlement(one, Outcome.DONE),
                Settlement(two, Outcome.DONE),
                Settlement(three, Outcome.FAILED, delay=60.0),
                Settlement(four, Outcome.DEAD, death=Death("late")),
            )
        assert texts(await b.take(3)) == ["2", "3", "4"]
        await b.release(*taken)
        assert texts(await b.take(1)) == ["1"]

    # Dead

    @needs("redrive")
    @MODES
    async def test_the_dead_become_dead_letters(self, kit: Kit, mode: EventMode) -> None:
        a, channel = await kit.join("a", works(), fixed=True), CHANNELS[mode]
        await a.send(mode, "1", "2")
        death = Death("poison", error="ValueError: ö", traceback="line 1\nline 2", attempts=7)
        (one, two) = await a.take(2, channel)
        for _ in range(2):
            await a.settle(Settlement(one, Outcome.DEAD, death=death))
        await a.done(two)
        (letter,) = await a.session.dead_letters(10, None, None, None)
        assert (bytes(letter.data), letter.event, letter.instance) == (b"1", "job", "a")
        assert letter.group == ("crew" if channel == WORK else None)
        assert (letter.reason, letter.error) == (death.reason, death.error)
        assert (letter.traceback, letter.attempts) == (death.traceback, death.attempts)
        assert letter.died_ms > 1_000_000_000_000, "in milliseconds since 1970"
        await a.leave()
        a = await kit.join("a", works(), fixed=True)
        await a.send(mode, "3")
        assert await a.texts(1, channel) == ["3"]
