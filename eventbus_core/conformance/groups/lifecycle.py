"""Connecting, joining, renewing, leaving, closing."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec import structs

from ...modes import EventMode
from ...options import FOREVER, SharedOptions
from ...transport import INBOX, Published, Renewal
from ..cases import Cases, needs
from ..kit import Kit
from ..peer import outgoing, texts, works
from ..refusals import CALLS, LETTERS, not_refused


class Lifecycle(Cases, group="lifecycle"):
    async def test_connecting_twice_does_no_harm(self, kit: Kit) -> None:
        transport = await kit.connect()
        await transport.connect()
        a = await kit.join("a", works(), transport=transport)
        await a.anycast("1")
        assert await a.texts(1) == ["1"]

    @pytest.mark.parametrize("used", ["not connected", "connected", "joined", "left"])
    async def test_closing_a_transport_twice_does_no_harm(self, kit: Kit, used: str) -> None:
        transport = kit.transport()
        if used != "not connected":
            await transport.connect()
        if used in ("joined", "left"):
            a = await kit.join("a", transport=transport)
            if used == "left":
                await a.session.leave()
            await a.session.close()
        await transport.close()
        await transport.close()

    async def test_closing_while_a_fetch_waits_does_not_wait_for_it(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        waiting = await a.waiting()
        async with asyncio.timeout(kit.deadline):
            await a.crash()
        waiting.cancel()
        await asyncio.wait([waiting], timeout=kit.deadline)
        assert waiting.done()

    async def test_what_comes_right_after_a_join_is_seen(self, kit: Kit) -> None:
        b = await kit.join("b")
        # With `only_new`, or what the store keeps would hide that it listened too late.
        a = await kit.join("a", works(), only_new=True)
        await b.publish(
            outgoing("note", EventMode.BROADCAST),
            outgoing("mail", EventMode.UNICAST, "a"),
            outgoing("work"),
        )
        assert await a.hear(1) == ["note"]
        assert await a.texts(1, INBOX) == ["mail"]
        assert await a.texts(1) == ["work"]

    async def test_who_leaves_hands_back_what_it_holds(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast("1", "2")
        await a.take(2)
        waiting = await b.waiting()
        await a.leave()
        back = await waiting
        back += await b.take(2 - len(back))
        assert [(bytes(d.data), d.starts, d.again, d.orphaned) for d in back] == [
            (b"1", 0, True, False),
            (b"2", 0, True, False),
        ]

    async def test_a_fetch_that_waits_takes_nothing_from_beyond_a_leave(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        waiting = await a.waiting()
        await a.session.leave()
        await b.anycast("1", "2")
        assert await b.texts(2) == ["1", "2"]
        waiting.cancel()
        await asyncio.wait([waiting])

    async def test_who_left_is_not_found(self, kit: Kit) -> None:
        a, b = await kit.join("a"), await kit.join("b")
        assert await b.unicast("a", "1") == [Published.STORED]
        await a.leave()
        assert await b.unicast("a", "2") == [Published.TARGET_NOT_FOUND]

    @needs("redrive")
    async def test_the_inbox_of_who_left_becomes_dead_letters(self, kit: Kit) -> None:
        a, b = await kit.join("a"), await kit.join("b")
        await b.unicast("a", "1", "2", "3")
        one, _held = await a.mail(2)
        await a.done(one)
        await a.leave()
        letters = await kit.eventually(
            lambda: b.session.dead_letters(10, None, None, None),
            lambda letters: len(letters) == 2,
            "an inbox among the dead letters",
        )
        assert [(bytes(d.data), d.event, d.instance, d.group) for d in letters] == [
            (b"2", "mail", "a", None),
            (b"3", "mail", "a", None),
        ]

    async def test_every_call_after_leaving_is_refused(self, kit: Kit) -> None:
        calls = CALLS | (LETTERS if kit.capabilities.redrive else {})
        over = []
        for name, call in calls.items():
            a = await kit.join(None, works())
            await a.anycast(name)
            (held,) = await a.take()
            await a.session.leave()
            over.append((name, call, a, held))
        assert await not_refused(over) == ""

    async def test_leaving_twice_does_no_harm(self, kit: Kit) -> None:
        a, b = await kit.join("a"), await kit.join("b")
        await a.session.leave()
        again = await kit.join("a")
        await a.session.leave()
        await again.session.renew()
        assert await b.unicast("a", "1") == [Published.STORED]
        assert texts(await again.mail(1)) == ["1"]

    async def test_closing_a_session_says_nothing_to_the_store(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await b.anycast("1")
        await a.take()
        await a.crash()
        holder = await kit.holder("a")
        assert (holder.incarnation, holder.expired) == (a.member.incarnation, False)
        assert await b.unicast("a", "2") == [Published.STORED]
        await b.anycast("3")
        assert await b.texts(1) == ["3"]

    async def test_the_most_generous_options_of_the_living_hold(self, kit: Kit) -> None:
        a = await kit.join("a", max_backlog=5, max_message_count=9, stream_ttl=FOREVER)
        b = await kit.join("b", max_backlog=7, max_message_count=2, stream_ttl=50.0)
        both = structs.replace(b.member.options, max_message_count=9, stream_ttl=FOREVER)

        for peer in (a, b):
            await kit.eventually(peer.session.renew, _in_force(both), "what is most generous")
        await a.leave()
        alone = b.member.options
        await kit.eventually(b.session.renew, _in_force(alone), "the options of who is left")

    async def test_renewing_prolongs_the_lease(self, kit: Kit) -> None:
        lease = 0.2
        a, b = await kit.join("a", lease=lease), await kit.join("b")
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            renewed = loop.time()
            await a.session.renew()
            suspects = await b.suspects()
            # A machine that is too slow for the lease proves nothing: then it looks again.
            if (asked := loop.time()) - renewed < lease / 2:
                assert suspects == []
                if asked - began > 1.5 * lease:
                    return
            assert asked - began < kit.deadline, "the machine is too slow for this test"
            await asyncio.sleep(0.01)


def _in_force(options: SharedOptions) -> Callable[[Renewal], bool]:
    def check(renewal: Renewal) -> bool:
        return renewal.options == options

    return check
