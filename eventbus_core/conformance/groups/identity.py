"""Instance ids: one holder at a time, and what is remembered of whom."""

import asyncio
from typing import Any

import pytest

from ...transport import BROADCASTS, INBOX, Holder, Published, Session
from ..cases import Cases
from ..kit import Kit
from ..peer import Peer, texts, works

BRIEF = 0.05
"""Seconds: a lease that has run out soon. An incarnation lives on until it is declared dead."""
ENDS = pytest.mark.parametrize("ended", ["left", "died"])


class Identity(Cases, group="identity"):
    async def test_an_id_in_use_is_told_with_its_holder(self, kit: Kit) -> None:
        a = await kit.join("a")
        holder = await kit.holder("a")
        assert (holder.incarnation, holder.lease) == (a.member.incarnation, a.member.lease)
        assert not holder.expired

    async def test_who_finds_an_id_in_use_changes_nothing(self, kit: Kit) -> None:
        a, b = await kit.join("a", works(), max_backlog=2), await kit.join("b", max_backlog=2)
        transport = await kit.connect()
        refused = kit.member("a", works(group="other"), max_backlog=50, only_new=True)
        assert isinstance(await transport.join(refused), Holder)
        options = (await b.session.renew()).options
        assert options is None or options.max_backlog == 2
        await b.broadcast("note")
        assert await b.unicast("a", "mail") == [Published.STORED]
        # A group that nobody works for would be full by now.
        for number in range(4):
            assert await b.anycast(f"{number}") == [Published.STORED]
            assert await a.texts(1) == [f"{number}"]
        assert await a.hear(1) == ["note"]
        assert texts(await a.mail(1)) == ["mail"]

    async def test_a_holders_renewals_change_with_each_renewal(self, kit: Kit) -> None:
        a = await kit.join("a")
        seen = [(await kit.holder("a")).renewals, (await kit.holder("a")).renewals]
        assert seen[0] == seen[1]
        for _ in range(3):
            await a.session.renew()
            seen.append((await kit.holder("a")).renewals)
        assert len(set(seen)) == 4

    async def test_joining_again_as_the_same_incarnation_loses_nothing(self, kit: Kit) -> None:
        b, transport = await kit.join("b"), await kit.connect()
        member = kit.member("a", works(), only_new=True)
        # The answer to this one got lost on its way.
        assert not isinstance(await transport.join(member), Holder)
        await b.broadcast("note")
        await b.unicast("a", "mail")
        await b.anycast("work")
        session = await transport.join(member)
        assert not isinstance(session, Holder)
        a = kit.peer(transport, member, session)
        assert await a.hear(1) == ["note"]
        assert await a.texts(1, INBOX) == ["mail"]
        assert await a.texts(1) == ["work"]
        await a.session.renew()

    async def test_a_live_holder_is_not_replaced(self, kit: Kit) -> None:
        a, transport = await kit.join("a"), await kit.connect()
        holder = await kit.holder("a")
        assert isinstance(await transport.join(kit.member("a"), holder), Holder)
        await a.session.renew()

    async def test_a_holder_that_has_renewed_is_not_replaced(self, kit: Kit) -> None:
        a, transport = await kit.join("a", lease=BRIEF), await kit.connect()
        watched = await kit.holder("a")
        await a.session.renew()
        await _expired(kit, "a")
        assert isinstance(await transport.join(kit.member("a"), watched), Holder)
        await a.session.renew()

    async def test_a_later_holder_is_not_replaced_for_an_earlier_one(self, kit: Kit) -> None:
        first = await kit.join("a", lease=BRIEF)
        watched = await _expired(kit, "a")
        await first.leave()
        second, transport = await kit.join("a", lease=BRIEF), await kit.connect()
        await _expired(kit, "a")
        assert isinstance(await transport.join(kit.member("a"), watched), Holder)
        await second.session.renew()

    async def test_an_expired_holder_is_replaced_and_fenced(self, kit: Kit) -> None:
        a = await kit.join("a", works(), lease=BRIEF, fixed=True)
        await a.anycast("work")
        await a.unicast("a", "mail")
        await a.take()
        await a.mail(1)
        # As it was first seen: what counts is that it has not renewed since, and is expired now.
        watched = await kit.holder("a")
        await _expired(kit, "a")
        again = await kit.join("a", works(), replace=watched, fixed=True)
        await a.fenced()
        held = [*await again.take(), *await again.mail(1)]
        assert [(bytes(d.data), d.orphaned) for d in held] == [(b"work", True), (b"mail", True)]

    async def test_one_of_many_replaces_a_holder(self, kit: Kit) -> None:
        await kit.join("a", lease=BRIEF)
        transports = [await kit.connect() for _ in range(5)]
        watched = await _expired(kit, "a")
        members = [kit.member("a") for _ in transports]
        joined = await asyncio.gather(
            *(t.join(m, watched) for t, m in zip(transports, members, strict=True))
        )
        sessions: list[Session] = [each for each in joined if not isinstance(each, Holder)]
        assert len(sessions) == 1
        await sessions[0].renew()

    async def test_an_id_is_free_after_it_has_left(self, kit: Kit) -> None:
        b = await kit.join("b")
        for number in range(3):
            a = await kit.join("a")
            await b.unicast("a", str(number))
            assert await a.texts(1, INBOX) == [str(number)]
            await a.leave()

    @ENDS
    async def test_a_fixed_id_resumes_its_broadcasts(self, kit: Kit, ended: str) -> None:
        a, b = await kit.join("a", fixed=True, lease=BRIEF), await kit.join("b")
        await b.broadcast("1", "2", "3")
        assert await a.hear(1) == ["1"]
        await a.take(1, BROADCASTS)
        await _end(a, ended)
        a = await _again(kit, a, only_new=True)
        assert a.session.replayed == 0
        await b.broadcast("4")
        assert await a.hear(3) == ["2", "3", "4"]

    @ENDS
    async def test_a_fixed_id_keeps_its_inbox(self, kit: Kit, ended: str) -> None:
        a, b = await kit.join("a", fixed=True, lease=BRIEF), await kit.join("b")
        await b.unicast("a", "1", "2", "3")
        one, two = await a.mail(2)
        await a.done(one)
        await a.session.begin(two, 1)
        await _end(a, ended)
        assert await b.unicast("a", "4") == [Published.STORED]
        a = await _again(kit, a)
        mail = await a.mail(3)
        assert [(bytes(d.data), d.starts) for d in mail] == [(b"2", 1), (b"3", 0), (b"4", 0)]

    @ENDS
    async def test_a_fixed_id_keeps_recorded_starts_of_broadcasts(
        self, kit: Kit, ended: str
    ) -> None:
        a, b = await kit.join("a", fixed=True, lease=BRIEF), await kit.join("b")
        await b.broadcast("1", "2")
        one, _two = await a.take(2, BROADCASTS)
        await a.session.begin(one, 2)
        await _end(a, ended)
        a = await _again(kit, a)
        assert [d.starts for d in await a.take(2, BROADCASTS)] == [2, 0]

    @ENDS
    async def test_an_id_that_is_not_fixed_is_forgotten(self, kit: Kit, ended: str) -> None:
        a, b = await kit.join("a", lease=BRIEF), await kit.join("b")
        await b.broadcast("1", "2")
        assert await a.hear(1) == ["1"]
        await _end(a, ended)
        a = await _again(kit, a)
        assert a.session.replayed == 2
        assert await a.hear(2) == ["1", "2"]


async def _expired(kit: Kit, instance_id: str) -> Holder:
    """The holder of an id, once its lease has run out."""
    holder: Holder = await kit.eventually(
        lambda: kit.holder(instance_id), lambda holder: holder.expired, "the end of a lease"
    )
    return holder


async def _end(peer: Peer, ended: str) -> None:
    await (peer.leave() if ended == "left" else peer.crash())


async def _again(kit: Kit, gone: Peer, **announced: Any) -> Peer:
    """Join under the id of one that has left or died, as its next life."""
    member = kit.member(gone.id, fixed=gone.member.fixed, **announced)
    transport = await kit.connect()
    joined = await transport.join(member)
    if isinstance(joined, Holder):
        joined = await transport.join(member, await _expired(kit, gone.id))
    assert not isinstance(joined, Holder), f"the id is held: {joined}"
    return kit.peer(transport, member, joined)
