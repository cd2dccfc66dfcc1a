"""Bounds: what is not handled yet is refused beyond them, and nothing else is."""

import pytest

from ...modes import EventMode
from ...transport import INBOX, Channel, Published, work
from ..cases import Cases
from ..kit import Kit
from ..peer import EVENT, WORK, Peer, outgoing, works

STORED, FULL = Published.STORED, Published.BACKLOG_FULL
BOUND = 3
PLACES = pytest.mark.parametrize("channel", [WORK, INBOX], ids=["group", "inbox"])


class Backlog(Cases, group="backlog"):
    @PLACES
    async def test_a_backlog_is_full_at_its_bound(self, kit: Kit, channel: Channel) -> None:
        a = await kit.join("a", works(), max_backlog=BOUND)
        answers = [await _publish(a, channel, payload) for payload in "12345"]
        assert answers == [STORED] * BOUND + [FULL] * 2
        assert await a.texts(BOUND, channel) == [*"123"]
        # What was refused is not stored.
        await _publish(a, channel, "6")
        assert await a.texts(1, channel) == ["6"]

    async def test_work_without_a_group_is_full_at_its_bound(self, kit: Kit) -> None:
        a = await kit.join("a", max_backlog=BOUND)
        answers = [await _publish(a, WORK, payload) for payload in "12345"]
        assert answers == [STORED] * BOUND + [FULL] * 2
        await a.subscribe(works())
        assert await a.texts(BOUND) == [*"123"]

    async def test_the_slowest_group_counts(self, kit: Kit) -> None:
        a = await kit.join("a", works(), works(group="other"), max_backlog=BOUND)
        other = work(EVENT, "other")
        for payload in "123":
            assert await _publish(a, WORK, payload) is STORED
            await a.texts(1)
        assert await _publish(a, WORK, "4") is FULL
        await a.texts(1, other)
        assert await _publish(a, WORK, "5") is STORED
        assert await a.texts(1) == ["5"]
        assert await a.texts(BOUND, other) == ["2", "3", "5"]

    @PLACES
    @pytest.mark.parametrize("dead", [False, True])
    async def test_settling_makes_room(self, kit: Kit, channel: Channel, dead: bool) -> None:
        a = await kit.join("a", works(), max_backlog=BOUND)
        for payload in "123":
            await _publish(a, channel, payload)
        one, two, _ = await a.take(BOUND, channel)
        await (a.bury(one, two) if dead else a.done(one, two))
        answers = [await _publish(a, channel, payload) for payload in "456"]
        assert answers == [STORED, STORED, FULL]

    @PLACES
    async def test_a_stuck_message_does_not_count_for_those_behind_it(
        self, kit: Kit, channel: Channel
    ) -> None:
        a = await kit.join("a", works(), max_backlog=BOUND)
        await _publish(a, channel, "stuck")
        (stuck,) = await a.take(1, channel)
        for number in range(3 * BOUND):
            assert await _publish(a, channel, f"{number}") is STORED
            assert await a.texts(1, channel) == [f"{number}"]
        await a.done(stuck)

    @PLACES
    async def test_what_is_in_hand_or_comes_again_counts(self, kit: Kit, channel: Channel) -> None:
        a = await kit.join("a", works(), max_backlog=BOUND)
        for payload in "123":
            await _publish(a, channel, payload)
        _in_hand, released, aside = await a.take(BOUND, channel)
        await a.release(released)
        await a.fail(aside, delay=60.0)
        assert await _publish(a, channel, "4") is FULL
        assert await a.texts(1, channel) == ["2"]
        assert await _publish(a, channel, "5") is STORED
        assert await _publish(a, channel, "6") is FULL

    async def test_broadcasts_are_never_refused(self, kit: Kit) -> None:
        a = await kit.join("a", max_backlog=BOUND)
        for number in range(5 * BOUND):
            assert await a.broadcast(f"{number}") == [STORED]

    async def test_a_full_backlog_refuses_nothing_else(self, kit: Kit) -> None:
        a = await kit.join("a", works(), works("spare"), max_backlog=BOUND)
        b = await kit.join("b", max_backlog=BOUND)
        await a.anycast(*"123")
        await b.unicast("b", *"123")
        batch = [
            outgoing("refused"),
            outgoing("work", event="spare"),
            outgoing("refused", EventMode.UNICAST, "b"),
            outgoing("mail", EventMode.UNICAST, "a"),
            outgoing("note", EventMode.BROADCAST),
        ]
        assert await a.publish(*batch) == [FULL, STORED, FULL, STORED, STORED]
        assert await a.texts(1, work("spare", a.member.group)) == ["work"]
        assert await a.texts(1, INBOX) == ["mail"]
        assert await a.hear(1) == ["note"]


async def _publish(peer: Peer, channel: Channel, payload: str) -> Published:
    """Publish to a channel of the peer's own; the answer."""
    to_inbox = channel == INBOX
    (answer,) = await (peer.unicast(peer.id, payload) if to_inbox else peer.anycast(payload))
    return answer
