"""What is removed, and when; above all what must not be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ...transport import INBOX, Delivery, Holder, Published, Redriven, work
from ..cases import Cases, needs
from ..kit import Kit
from ..peer import EVENT, GROUP, Peer, texts, works

NOTHING_HANDLED: dict[str, Any] = {"message_retention": 0.05, "max_message_count": 0}
"""Every handled message goes as soon as it may."""
TTL = 0.1
"""Seconds."""


class Retention(Cases, group="retention"):
    async def test_handled_messages_go_when_they_are_old(self, kit: Kit) -> None:
        a = await kit.join("a", works(), message_retention=0.05)
        for _ in range(2):
            await a.broadcast("note")
            await a.anycast("work")
            assert (await a.hear(1), await a.texts(1)) == (["note"], ["work"])
        await _maintained(a, _kept_broadcasts, [])
        await _maintained(a, _kept_work, [])

    async def test_handled_messages_go_when_they_are_too_many(self, kit: Kit) -> None:
        a = await kit.join("a", works(), max_message_count=2)
        await a.broadcast(*"12345")
        await a.anycast(*"12345")
        assert (await a.hear(5), await a.texts(5)) == ([*"12345"], [*"12345"])
        await _maintained(a, _kept_broadcasts, ["4", "5"])
        await _maintained(a, _kept_work, ["4", "5"])

    async def test_what_is_not_handled_is_never_removed(self, kit: Kit) -> None:
        a = await kit.join("a", works(), **NOTHING_HANDLED)
        await a.broadcast("marker")
        await a.hear(1)
        await a.anycast("held", "released", "set aside", "waiting")
        await a.unicast("a", "held", "waiting")
        await a.anycast("nobody's", event="nobody")
        held, released, aside = await a.take(3)
        (mail,) = await a.mail(1)
        await a.release(released)
        await a.fail(aside, delay=0.1)
        await _maintained(a, _kept_broadcasts, [])
        for _ in range(3):
            await a.maintain()
        assert sorted(texts(await a.take(3))) == ["released", "set aside", "waiting"]
        assert await a.texts(1, INBOX) == ["waiting"]
        await a.subscribe(works(), works("nobody"))
        assert await a.texts(1, work("nobody", GROUP)) == ["nobody's"]
        # What was in hand is there too, for the next one.
        await a.release(held, mail)
        assert [*texts(await a.take()), *texts(await a.mail(1))] == ["held", "held"]

    async def test_a_new_group_gets_what_is_retained(self, kit: Kit) -> None:
        a = await kit.join("a", works(), **NOTHING_HANDLED)
        await a.anycast(*"1234")
        one, _two, three, _four = await a.take(4)
        await a.done(one, three)
        await _maintained(a, _kept_work, ["2", "4"])

    async def test_broadcasts_stay_until_every_live_instance_has_passed(self, kit: Kit) -> None:
        a, b = await kit.join("a", **NOTHING_HANDLED), await kit.join("b", **NOTHING_HANDLED)
        await a.broadcast("1", "2")
        await b.hear(1)
        await b.session.renew()
        await a.hear(2)
        await _maintained(a, _kept_broadcasts, ["2"])
        for _ in range(3):
            await a.maintain()
        assert await b.hear(1) == ["2"]
        await b.session.renew()
        await _maintained(a, _kept_broadcasts, [])

    @pytest.mark.parametrize("fixed", [False, True])
    async def test_who_has_left_holds_no_broadcasts(self, kit: Kit, fixed: bool) -> None:
        a, b = await kit.join("a", **NOTHING_HANDLED), await kit.join("b", fixed=fixed)
        await a.broadcast("1", "2")
        await a.hear(2)
        await b.leave()
        await _maintained(a, _kept_broadcasts, [])

    @needs("failover")
    async def test_the_dead_hold_no_broadcasts(self, kit: Kit) -> None:
        a, b = await kit.join("a", **NOTHING_HANDLED), await kit.join("b", lease=0.05)
        await a.broadcast("1", "2")
        await a.hear(2)
        await a.bury_dead(b)
        await _maintained(a, _kept_broadcasts, [])

    async def test_broadcasts_lost_to_the_slow_are_counted_once(self, kit: Kit) -> None:
        few: dict[str, Any] = {"max_backlog": 3, "max_message_count": 0}
        a, b = await kit.join("a", **few), await kit.join("b", **few)
        for payload in "1234567":
            await a.broadcast(payload)
            assert await a.hear(1) == [payload]
            await a.session.renew()
        await _maintained(a, _kept_broadcasts, [*"567"])
        assert await b.hear(3) == [*"567"]
        lost = [sum((await b.session.renew()).lost.values()) for _ in range(3)]
        assert sorted(lost) == [0, 0, 4]
        assert not (await a.session.renew()).lost

    @needs("redrive")
    async def test_a_group_without_members_is_removed_with_its_work(self, kit: Kit) -> None:
        a, b = (
            await kit.join("a", works(), backlog_ttl=TTL),
            await kit.join("b", works(group="other"), backlog_ttl=TTL),
        )
        await a.anycast("1", "2")
        await b.leave()
        await _maintained(a, _dead_letters, ["1", "2"])
        (letter, _) = await a.session.dead_letters(10, None, EVENT, "other")
        assert await a.session.redrive(letter.id) is Redriven.NO_OWNER
        # The group that has a member keeps its place, however idle.
        assert await a.texts(2) == ["1", "2"]

    @needs("redrive")
    async def test_a_fixed_id_is_forgotten_with_its_inbox(self, kit: Kit) -> None:
        a, b = (
            await kit.join("a", backlog_ttl=TTL),
            await kit.join("b", fixed=True, backlog_ttl=TTL),
        )
        await a.unicast("b", "1")
        await b.leave()
        await _maintained(a, _dead_letters, ["1"])
        assert await a.unicast("b", "2") == [Published.TARGET_NOT_FOUND]

    async def test_an_unused_bus_goes_after_its_ttl(self, kit: Kit) -> None:
        a = await kit.join("a", works(), works("spare"), stream_ttl=TTL, backlog_ttl=TTL)
        await a.broadcast("note")
        await a.anycast("work")
        await a.anycast("unhandled", event="spare")
        assert (await a.hear(1), await a.texts(1)) == (["note"], ["work"])
        await a.leave()
        await _pass(kit, 1.5 * TTL)
        b = await kit.join("b", works("spare"), works(group="new"))
        assert b.session.replayed == 0
        await b.broadcast("new")
        await b.anycast("new")
        await b.anycast("new", event="spare")
        assert await b.hear(1) == ["new"]
        assert await b.texts(1, work(EVENT, "new")) == ["new"]
        assert await b.texts(1, work("spare", GROUP)) == ["new"]

    async def test_what_is_not_handled_outlives_an_unused_bus(self, kit: Kit) -> None:
        a = await kit.join("a", works(), fixed=True, stream_ttl=TTL, backlog_ttl=60.0)
        await a.anycast("work")
        await a.unicast("a", "mail")
        await a.leave()
        await _pass(kit, 1.5 * TTL)
        a = await kit.join("a", works(), fixed=True)
        assert (await a.texts(1), await a.texts(1, INBOX)) == (["work"], ["mail"])

    async def test_a_bus_with_an_idle_instance_stays(self, kit: Kit) -> None:
        a = await kit.join("a", works(), fixed=True, stream_ttl=TTL, backlog_ttl=TTL)
        await a.broadcast("note")
        await a.anycast("work")
        await a.unicast("a", "mail")
        await _pass(kit, 1.5 * TTL)
        assert await _kept_broadcasts(a) == ["note"]
        assert (await a.hear(1), await a.texts(1)) == (["note"], ["work"])
        assert await a.texts(1, INBOX) == ["mail"]

    async def test_many_maintainers_at_once_do_no_harm(self, kit: Kit) -> None:
        peers = [await kit.join(None, works(), **NOTHING_HANDLED) for _ in range(4)]
        reader, found = peers[0], []
        for number in range(10):
            held = await _while_all_maintain(peers, reader, number)
            found += texts(held)
            await asyncio.gather(reader.done(*held), *(p.maintain() for p in peers))
        assert found == [f"{number}-{k}" for number in range(10) for k in range(3)]
        assert len(await reader.hear(10)) == 10


async def _while_all_maintain(peers: list[Peer], reader: Peer, number: int) -> list[Delivery]:
    await asyncio.gather(
        reader.broadcast(f"note {number}"),
        peers[1].anycast(*(f"{number}-{k}" for k in range(3))),
        *(peer.maintain() for peer in peers),
    )
    taking = asyncio.ensure_future(reader.take(3))
    await asyncio.gather(taking, *(peer.maintain() for peer in peers))
    return taking.result()


async def _maintained(
    peer: Peer, ask: Callable[[Peer], Awaitable[list[str]]], expected: list[str]
) -> None:
    """Do maintenance until the answer is the expected one."""

    async def again() -> list[str]:
        await peer.maintain()
        return await ask(peer)

    await peer.kit.eventually(again, lambda found: found == expected, f"{expected}, and no more")


async def _kept_broadcasts(peer: Peer) -> list[str]:
    """What a newcomer gets. Its options do not prolong anything."""
    probe = await peer.kit.join(None, **msgspec.structs.asdict(peer.member.options))
    found = await probe.hear(probe.session.replayed)
    await probe.leave()
    return found


async def _kept_work(peer: Peer) -> list[str]:
    """What a new group gets; it handles it, so that it holds nothing."""
    group = uuid4().hex
    options = msgspec.structs.asdict(peer.member.options)
    probe = await peer.kit.join(None, works(group=group), **options)
    found = await probe.rest(work(EVENT, group))
    await probe.done(*found)
    await probe.leave()
    return texts(found)


async def _dead_letters(peer: Peer) -> list[str]:
    return texts(await peer.session.dead_letters(100, None, None, None))


async def _pass(kit: Kit, seconds: float) -> None:
    """Let so much time pass on the store's clock, without touching the bus."""
    transport = await kit.connect(f"{kit.bus}-clock")
    await transport.join(kit.member("timer", lease=seconds))

    async def expired() -> bool:
        holder = await transport.join(kit.member("timer"))
        return isinstance(holder, Holder) and holder.expired

    await kit.eventually(expired, bool, "the end of a lease")
