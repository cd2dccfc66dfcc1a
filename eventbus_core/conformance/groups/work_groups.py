"""Groups: each has a place of its own in the work of an event."""

import asyncio

from ...transport import INBOX, work
from ..cases import Cases
from ..kit import Kit
from ..peer import MOMENT, Peer, texts, works

SECOND = work("job", "second")


class WorkGroups(Cases, group="work groups"):
    async def test_each_group_gets_every_message(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works(group="second"))
        await a.anycast("1", "2", "3")
        one, two, three = await a.take(3)
        await a.done(one)
        await a.release(two)
        await a.fail(three)
        assert texts(await b.take(3, SECOND)) == ["1", "2", "3"]
        assert await a.texts(2) == ["2", "3"]
        await a.anycast("4")
        assert await b.texts(1, SECOND) == ["4"]

    async def test_a_new_group_starts_at_the_oldest_retained(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("1", "2")
        assert await a.texts(1) == ["1"]
        b = await kit.join("b", works(group="second"))
        await a.anycast("3")
        assert await b.texts(3, SECOND) == ["1", "2", "3"]
        assert await a.texts(2) == ["2", "3"]

    async def test_a_new_group_of_only_new_starts_now(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("1", "2")
        b = await kit.join("b", works(group="second"), only_new=True)
        await a.anycast("3")
        assert await b.texts(1, SECOND) == ["3"]
        assert await a.texts(3) == ["1", "2", "3"]

    async def test_a_group_keeps_its_place_without_members(self, kit: Kit) -> None:
        a, publisher = await kit.join("a", works()), await kit.join("publisher")
        await publisher.anycast("1", "2")
        assert await a.texts(1) == ["1"]
        await a.leave()
        await publisher.anycast("3")
        b = await kit.join("b", works(), only_new=True)
        assert await b.texts(2) == ["2", "3"]

    async def test_a_second_member_does_not_reset_its_group(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("1", "2")
        assert await a.texts(1) == ["1"]
        await a.take(1)
        for only_new, payload in ((False, "3"), (True, "4")):
            b = await kit.join(None, works(), only_new=only_new)
            await a.anycast(payload)
            assert await b.texts(1) == [payload]
            await b.leave()

    # Subscribing and unsubscribing

    async def test_subscribing_later_opens_a_channel(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        await b.anycast("1", event="other")
        await a.fetch(wait=MOMENT)
        await a.subscribe(works(), works("other"))
        await b.anycast("2", event="other")
        await b.anycast("3")
        assert await a.texts(2, work("other", "crew")) == ["1", "2"]
        assert await a.texts(1) == ["3"]

    async def test_who_unsubscribed_is_given_nothing_more(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.fetch(wait=MOMENT)
        await a.subscribe()
        listening = asyncio.ensure_future(_listen(a))
        await b.anycast("1", "2", "3")
        assert sorted(await b.texts(3)) == ["1", "2", "3"]
        listening.cancel()

    async def test_what_an_unsubscribed_member_hands_back_goes_to_others(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await b.anycast("1", "2", "3")
        one, two, _three = await a.take(3)
        await a.subscribe()
        await a.done(one)
        await a.release(two, starts=1)
        assert [(texts([d]), d.starts, d.again) for d in await b.take(1)] == [(["2"], 1, True)]
        await b.anycast("4")
        assert await b.texts(1) == ["4"]


async def _listen(peer: Peer) -> None:
    """Look after an inbox, as every instance does."""
    while True:
        await peer.fetch(INBOX, wait=0.05)
