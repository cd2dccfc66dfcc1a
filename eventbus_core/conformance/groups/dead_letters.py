"""Dead letters: kept, listed, given back, deleted."""

import asyncio
from collections import Counter

import pytest

from ...modes import EventMode
from ...transport import (
    BROADCASTS,
    INBOX,
    Death,
    Outcome,
    Outgoing,
    Redriven,
    Settlement,
    StoredDeadLetter,
    work,
)
from ..cases import Cases, needs
from ..kit import Kit
from ..peer import EVENT, GROUP, WORK, Peer, texts, works

ALL = 1000
OTHER = work(EVENT, "other")


class DeadLetterCases(Cases, group="dead letters"):
    @needs("redrive")
    async def test_a_dead_letter_tells_how_the_message_died(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await a.anycast("work")
        await a.unicast("a", "mail")
        await a.broadcast("note")
        held = [*await a.take(), *await a.mail(1), *await a.take(1, BROADCASTS)]
        for attempts, delivery in enumerate(held):
            await a.bury(delivery, reason="failed too often", attempts=attempts)
        found = await _listed(a)
        assert [(bytes(d.data), d.event, d.instance, d.group, d.attempts) for d in found] == [
            (b"work", EVENT, "a", GROUP, 0),
            (b"mail", "mail", "a", None, 1),
            (b"note", "note", "a", None, 2),
        ]
        why = ("failed too often", "ValueError: x", "a trace")
        assert [(d.reason, d.error, d.traceback) for d in found] == [why] * 3
        assert all(d.died_ms > 0 for d in found)

    @needs("redrive")
    async def test_data_and_texts_of_a_dead_letter_are_kept_as_they_are(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        data = bytes(range(256)) * 400
        said = ("grün ☂ 'quoted' \"x\"", "line\r\n\ttab \0 nul", "跟踪\n" * 20_000)
        await a.publish(Outgoing("id-1", EVENT, EventMode.ANYCAST, None, data))
        (one,) = await a.take()
        await a.settle(Settlement(one, Outcome.DEAD, death=Death(*said, attempts=7)))
        (letter,) = await _listed(a)
        assert bytes(letter.data) == data
        assert (letter.reason, letter.error, letter.traceback) == said

    @needs("redrive")
    async def test_dead_letters_are_listed_in_order_of_death(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        await _die(a, *"12")
        await a.anycast(*"345")
        three, four, five = await a.take(3)
        for each in (five, three, four):
            await a.bury(each)
        found = await _listed(b)
        assert texts(found) == [*"12534"]
        ids = [letter.id for letter in found]
        assert ids == sorted(set(ids))

    @needs("redrive")
    async def test_dead_letters_are_listed_in_pages(self, kit: Kit) -> None:
        a = await kit.join("a", works(), works("spare"))
        for number in range(5):
            await _die(a, f"{number}")
            await _die(a, f"spare {number}", event="spare")
        after, pages = None, []
        while page := await _listed(a, 2, after, EVENT):
            pages.append(texts(page))
            after = page[-1].id
        assert pages == [["0", "1"], ["2", "3"], ["4"]]

    @needs("redrive")
    async def test_dead_letters_are_listed_by_event_and_group(self, kit: Kit) -> None:
        a = await kit.join("a", works(), works("spare"), works(EVENT, "other"))
        await a.anycast("job")
        await a.anycast("spare", event="spare")
        for channel in (WORK, OTHER, work("spare", GROUP)):
            await a.bury(*await a.take(1, channel))
        await a.unicast("a", "mail")
        await a.bury(*await a.mail(1))
        event_or_group = {
            (None, None): ["job", "job", "spare", "mail"],
            (EVENT, None): ["job", "job"],
            ("mail", None): ["mail"],
            (None, GROUP): ["job", "spare"],
            (EVENT, "other"): ["job"],
            ("spare", "other"): [],
        }
        found = {each: texts(await _listed(a, ALL, None, *each)) for each in event_or_group}
        assert found == event_or_group

    @needs("redrive")
    async def test_redriven_work_goes_to_its_group_alone(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b", works(group="other"))
        await a.anycast("1")
        assert await b.texts(1, OTHER) == ["1"]
        await a.fail(*await a.take(), starts=3, note="a note")
        await a.bury(*await a.take())
        (letter,) = await _listed(a)
        assert await b.session.redrive(letter.id) is Redriven.DONE
        assert await _listed(a) == []
        (one,) = await a.take()
        assert (bytes(one.data), one.starts, one.note) == (b"1", 0, "")
        await a.done(one)
        await a.anycast("2")
        assert await b.texts(1, OTHER) == ["2"]

    @needs("redrive")
    @pytest.mark.parametrize("mode", [EventMode.UNICAST, EventMode.BROADCAST])
    async def test_what_one_instance_buried_is_redriven_to_its_inbox(
        self, kit: Kit, mode: EventMode
    ) -> None:
        a, b = await kit.join("a"), await kit.join("b")
        target, channel = ("a", INBOX) if mode is EventMode.UNICAST else (None, BROADCASTS)
        await b.publish(Outgoing("id-1", "note", mode, target, b"1"))
        await a.bury(*await a.take(1, channel))
        (letter,) = await _listed(b)
        assert await b.session.redrive(letter.id) is Redriven.DONE
        (one,) = await a.mail(1)
        assert (bytes(one.data), one.starts) == (b"1", 0)
        await a.unicast("b", "2")
        assert texts(await b.mail(1)) == ["2"]
        assert await _listed(b) == []

    @needs("redrive")
    async def test_a_dead_letter_whose_owner_is_gone_is_kept(self, kit: Kit) -> None:
        a, b = await kit.join("a"), await kit.join("b")
        await b.unicast("a", "1")
        await a.bury(*await a.mail(1))
        await a.leave()
        (letter,) = await _listed(b)
        assert await b.session.redrive(letter.id) is Redriven.NO_OWNER
        assert await _listed(b) == [letter]

    @needs("redrive")
    async def test_a_dead_letter_is_redriven_once(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        await _die(a, *"123")
        for letter in await _listed(a):
            answers = await asyncio.gather(
                *(peer.session.redrive(letter.id) for peer in (a, b, a, b))
            )
            assert Counter(answers) == {Redriven.DONE: 1, Redriven.UNKNOWN: 3}
            assert await b.session.redrive(letter.id) is Redriven.UNKNOWN
            assert not await b.session.discard(letter.id)
        await a.anycast("4")
        assert await a.texts(4) == [*"1234"]

    @needs("redrive")
    async def test_a_discarded_dead_letter_is_gone(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        await _die(a, *"123")
        _, two, _ = await _listed(a)
        assert await a.session.discard(two.id)
        assert not await a.session.discard(two.id)
        assert await a.session.redrive(two.id) is Redriven.UNKNOWN
        assert texts(await _listed(a)) == ["1", "3"]
        await a.anycast("4")
        assert await a.texts(1) == ["4"]

    @needs("redrive")
    @pytest.mark.parametrize("wrong", ["no-such-letter", "0-0", "", "a b*{}", "9" * 300])
    async def test_an_unknown_dead_letter_is_told(self, kit: Kit, wrong: str) -> None:
        a = await kit.join("a", works())
        await _die(a, "1")
        assert await a.session.redrive(wrong) is Redriven.UNKNOWN
        assert not await a.session.discard(wrong)
        assert texts(await _listed(a)) == ["1"]

    @needs("redrive")
    async def test_dead_letters_beyond_their_number_go_oldest_first(self, kit: Kit) -> None:
        a = await kit.join("a", works(), max_dead_letters=2)
        await _die(a, *"12345")
        assert await _maintained(a, 2) == ["4", "5"]

    @needs("redrive")
    async def test_dead_letters_go_when_they_are_old(self, kit: Kit) -> None:
        # The other limit is short too: a transport may look after several at once.
        a = await kit.join("a", works(), dead_letter_retention=0.1, backlog_ttl=0.4)
        await _die(a, "1")
        assert await _maintained(a, 0) == []


async def _listed(
    peer: Peer,
    limit: int = ALL,
    after: str | None = None,
    event: str | None = None,
    group: str | None = None,
) -> list[StoredDeadLetter]:
    return list(await peer.session.dead_letters(limit, after, event, group))


async def _die(peer: Peer, *payloads: str, event: str = EVENT) -> None:
    """Let work messages become dead letters, in this order."""
    await peer.anycast(*payloads, event=event)
    for delivery in await peer.take(len(payloads), work(event, GROUP)):
        await peer.bury(delivery)


async def _maintained(peer: Peer, left: int) -> list[str]:
    """What is listed once maintenance has left so many."""

    async def ask() -> list[str]:
        await peer.maintain()
        return texts(await _listed(peer))

    found: list[str] = await peer.kit.eventually(
        ask, lambda letters: len(letters) <= left, "the removal of dead letters"
    )
    return found
