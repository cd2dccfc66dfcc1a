"""Inboxes: one instance each."""

from ...transport import INBOX, Published
from ..cases import Cases
from ..kit import Kit
from ..peer import works


class Unicast(Cases, group="unicast"):
    async def test_only_the_target_gets_a_message(self, kit: Kit) -> None:
        a, b, c = [await kit.join(name) for name in "abc"]
        await a.unicast("b", "1")
        await a.unicast("a", "2")
        await c.unicast("b", "3")
        assert await b.texts(2, INBOX) == ["1", "3"]
        assert await a.texts(1, INBOX) == ["2"]
        await a.unicast("c", "4")
        assert await c.texts(1, INBOX) == ["4"]

    async def test_every_message_of_a_burst_is_given(self, kit: Kit) -> None:
        a, b = await kit.join("a"), await kit.join("b")
        payloads = [str(number) for number in range(100)]
        for each in payloads[:50]:
            await a.unicast("b", each)
        await a.unicast("b", *payloads[50:])
        assert await b.texts(100, INBOX) == payloads

    async def test_an_inbox_gives_neither_broadcasts_nor_work(self, kit: Kit) -> None:
        a = await kit.join("a", works("mail"))
        await a.broadcast("b", event="mail")
        await a.anycast("w", event="mail")
        await a.unicast("a", "u1", "u2")
        assert await a.texts(2, INBOX) == ["u1", "u2"]

    async def test_a_fixed_id_that_is_away_keeps_its_inbox(self, kit: Kit) -> None:
        a, b = await kit.join("a"), await kit.join("b", fixed=True)
        await a.unicast("b", "1", "2", "3")
        one, _two = await b.mail(2)
        await b.done(one)
        await b.leave()
        assert await a.unicast("b", "4") == [Published.STORED]
        b = await kit.join("b", fixed=True, only_new=True)
        assert await b.texts(3, INBOX) == ["2", "3", "4"]
