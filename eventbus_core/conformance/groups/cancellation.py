"""Calls that are cancelled at any moment: nothing is lost, and made again they do no harm."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from ...modes import EventMode
from ...transport import (
    BROADCASTS,
    INBOX,
    Delivery,
    Holder,
    Outcome,
    Published,
    Redriven,
    Room,
    Settlement,
    work,
)
from ..cases import Cases, needs
from ..kit import Kit
from ..peer import GROUP, QUIET, WORK, Peer, outgoing, texts, works

ROOM = {channel: Room(3, 3) for channel in (WORK, INBOX, BROADCASTS)}
ROUNDS = 20


class Cancellation(Cases, group="cancellation"):
    async def test_a_fetch_cancelled_while_it_waits_takes_nothing(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        waiting = await a.waiting()
        waiting.cancel()
        await asyncio.wait([waiting])
        await b.anycast("1")
        # A moment in which a read that has not ended would take it.
        await b.nothing(INBOX)
        assert await a.texts(1) == ["1"]

    async def test_fetches_cancelled_at_any_moment_lose_nothing(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        chance, rounds, found = random.Random(1), 100, list[str]()
        sending = asyncio.ensure_future(_send(b, chance, rounds))
        for _ in range(rounds):
            fetch = await _cut(a.session.fetch(ROOM, 60.0), chance)
            if not fetch.cancelled():
                found += await _handled(a, fetch.result())
        await sending

        async def rest() -> int:
            found.extend(await _handled(a, await a.session.fetch(ROOM, 0.1)))
            return len(found)

        await kit.eventually(rest, lambda count: count >= 3 * rounds, "every message")
        assert texts(await a.session.fetch(ROOM, QUIET)) == []
        for kind in ("work", "mail", "note"):
            mine = [payload for payload in found if payload.startswith(kind)]
            assert mine == [f"{kind} {number}" for number in range(rounds)]

    async def test_a_batch_sent_again_after_a_cancellation_is_stored_once(self, kit: Kit) -> None:
        a, chance = await kit.join("a", works()), random.Random(2)
        for number in range(ROUNDS):
            batch = [outgoing(f"{number} {k}", EventMode.ANYCAST) for k in range(3)]
            await _cut(a.publish(*batch, batch=number), chance)
            assert await a.publish(*batch, batch=number) == [Published.STORED] * 3
        await a.publish(outgoing("the end"), batch=ROUNDS)
        expected = [*(f"{n} {k}" for n in range(ROUNDS) for k in range(3)), "the end"]
        assert await a.texts(len(expected)) == expected

    @pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.RELEASED, Outcome.FAILED])
    async def test_settling_again_after_a_cancellation_settles_once(
        self, kit: Kit, outcome: Outcome
    ) -> None:
        a, chance = await kit.join("a", works()), random.Random(3)
        for number in range(ROUNDS):
            await a.anycast(f"{number}", f"after {number}")
            (one,) = await a.take()
            settlement = Settlement(one, outcome, starts=1)
            await _cut(a.settle(settlement), chance)
            await a.settle(settlement)
            if outcome is not Outcome.DONE:
                (one,) = await a.take()
                assert (texts([one]), one.starts) == ([f"{number}"], 1)
                await a.done(one)
            assert await a.texts(1) == [f"after {number}"]

    @needs("redrive")
    async def test_burying_again_after_a_cancellation_buries_once(self, kit: Kit) -> None:
        a, chance = await kit.join("a", works()), random.Random(4)
        await a.anycast(*(f"{number}" for number in range(ROUNDS)))
        for delivery in await a.take(ROUNDS):
            await _cut(a.bury(delivery), chance)
            await a.bury(delivery)
        letters = await a.session.dead_letters(1000, None, None, None)
        assert texts(letters) == [f"{number}" for number in range(ROUNDS)]

    async def test_starts_recorded_again_after_a_cancellation_count_once(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        chance = random.Random(5)
        await a.anycast(*"12345")
        for delivery in await a.take(5):
            await _cut(a.session.begin(delivery, 1), chance)
            await a.session.begin(delivery, 1)
        await a.leave()
        assert [delivery.starts for delivery in await b.take(5)] == [1] * 5

    async def test_heartbeats_go_on_after_a_cancellation(self, kit: Kit) -> None:
        a, chance = await kit.join("a", works()), random.Random(6)
        for number in range(ROUNDS):
            await _cut(a.session.renew(), chance)
            await _cut(a.session.maintain(), chance)
            await _cut(a.subscribe(works(), works(f"{number}")), chance)
            await a.session.renew()
            await a.session.maintain()
        await a.subscribe(works(), works("last"))
        await a.anycast("1", event="last")
        assert await a.texts(1, work("last", GROUP)) == ["1"]

    async def test_joining_again_after_a_cancellation_is_one_life(self, kit: Kit) -> None:
        transport, chance = await kit.connect(), random.Random(7)
        for number in range(ROUNDS // 2):
            member = kit.member("a", works())
            first = await _cut(transport.join(member), chance)
            session = await transport.join(member)
            assert not isinstance(session, Holder)
            a = kit.peer(transport, member, session)
            if not first.cancelled():
                await first.result().close()
            await a.anycast(f"{number}")
            await a.unicast("a", f"{number}")
            assert (await a.texts(1), await a.texts(1, INBOX)) == ([f"{number}"], [f"{number}"])
            await a.end()

    async def test_leaving_again_after_a_cancellation_leaves(self, kit: Kit) -> None:
        b, chance = await kit.join("b", works()), random.Random(8)
        for number in range(ROUNDS // 2):
            a = await kit.join("a", works())
            await a.anycast(f"{number}")
            await a.take()
            await _cut(a.session.leave(), chance)
            await a.leave()
            await b.anycast(f"after {number}")
            assert await b.texts(2) == [f"{number}", f"after {number}"]
            assert await b.unicast("a", "mail") == [Published.TARGET_NOT_FOUND]

    @needs("redrive")
    async def test_redriving_again_after_a_cancellation_redrives_once(self, kit: Kit) -> None:
        a, chance = await kit.join("a", works()), random.Random(9)
        await a.anycast(*(f"{number}" for number in range(ROUNDS)))
        await a.bury(*await a.take(ROUNDS))
        for letter in await a.session.dead_letters(ROUNDS, None, None, None):
            await _cut(a.session.redrive(letter.id), chance)
            assert await a.session.redrive(letter.id) in (Redriven.DONE, Redriven.UNKNOWN)
        await a.anycast("the end")
        redriven = texts(await a.take(ROUNDS + 1))
        assert redriven == [*(f"{number}" for number in range(ROUNDS)), "the end"]


async def _cut(call: Coroutine[Any, Any, Any], chance: random.Random) -> asyncio.Future[Any]:
    """Make a call and cancel it at a moment left to chance; it is over when this returns."""
    task = asyncio.ensure_future(call)
    for _ in range(chance.randrange(6)):
        await asyncio.sleep(0)
    if chance.random() < 0.5:
        # Long enough for an answer to come, or to be on its way.
        await asyncio.sleep(chance.random() * 0.001)
    task.cancel()
    await asyncio.wait([task])
    return task


async def _send(peer: Peer, chance: random.Random, rounds: int) -> None:
    for number in range(rounds):
        await peer.publish(
            outgoing(f"work {number}"),
            outgoing(f"mail {number}", EventMode.UNICAST, "a"),
            outgoing(f"note {number}", EventMode.BROADCAST),
        )
        await asyncio.sleep(chance.random() * 0.001)


async def _handled(peer: Peer, deliveries: Sequence[Delivery]) -> list[str]:
    await peer.done(*deliveries)
    return texts(deliveries)
