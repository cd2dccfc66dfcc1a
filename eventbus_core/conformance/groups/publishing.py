"""Storing: an answer for each message, once each, whatever happens to the answer."""

import asyncio
from collections import Counter

import pytest

from ...modes import EventMode
from ...transport import INBOX, Outgoing, Published, work
from ..cases import Cases
from ..kit import Kit
from ..peer import CHANNELS, WORK, Peer, outgoing, works

STORED, FULL, UNKNOWN = Published.STORED, Published.BACKLOG_FULL, Published.TARGET_NOT_FOUND
DATA = {
    "no bytes": b"",
    "every byte": bytes(range(256)),
    "not UTF-8": b"\xff\xfe\x00\r\n\xc3(",
    "1 MiB": bytes(range(256)) * 4096,
}
NAMES = (
    "x" * 255,
    "☃" * 255,
    "job:sub/a%20b%",
    "'\";--\\n\\0",
    "[a-z]?^$#&=+",
    "münchen",
    "mu\u0308nchen",  # the same to the eye
    "Job",
    "job",
)


class Publishing(Cases, group="publishing"):
    async def test_each_mode_reaches_its_channel(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        answers = await a.publish(
            outgoing("b1", EventMode.BROADCAST),
            outgoing("w1"),
            outgoing("u1", EventMode.UNICAST, "a"),
            outgoing("b2", EventMode.BROADCAST),
        )
        assert answers == [STORED] * 4
        assert await a.hear(2) == ["b1", "b2"]
        assert await a.texts(1, INBOX) == ["u1"]
        assert await a.texts(1, WORK) == ["w1"]

    async def test_a_batch_keeps_its_order_across_modes(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        modes = [*EventMode] * 20
        batch = [
            outgoing(str(number), mode, "a" if mode is EventMode.UNICAST else None)
            for number, mode in enumerate(modes)
        ]
        assert await a.publish(*batch) == [STORED] * 60
        for mode, channel in CHANNELS.items():
            expected = [str(number) for number, its in enumerate(modes) if its is mode]
            assert await a.texts(20, channel) == expected

    async def test_500_messages_of_one_batch_are_stored_in_order(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        payloads = [str(number) for number in range(500)]
        assert await a.anycast(*payloads) == [STORED] * 500
        assert await a.texts(500) == payloads

    @pytest.mark.parametrize("data", list(DATA.values()), ids=list(DATA))
    async def test_data_is_kept_byte_for_byte(self, kit: Kit, data: bytes) -> None:
        a = await kit.join("a", works())
        for mode, channel in CHANNELS.items():
            target = "a" if mode is EventMode.UNICAST else None
            await a.publish(Outgoing("id", "job", mode, target, data))
            (delivery,) = await a.take(1, channel)
            assert bytes(delivery.data) == data

    async def test_names_may_have_any_printable_characters(self, kit: Kit) -> None:
        a = await kit.join(None, *(works(name, name) for name in NAMES))
        peers = [await kit.join(name, role="consumer") for name in NAMES]
        await a.publish(*(outgoing(f"to {name}", event=name) for name in NAMES))
        await a.publish(*(outgoing(name, EventMode.UNICAST, name, name) for name in NAMES))
        for name, peer in zip(NAMES, peers, strict=True):
            assert await a.texts(1, work(name, name)) == [f"to {name}"]
            assert await peer.texts(1, INBOX) == [name]

    # Answers

    async def test_each_message_has_its_own_answer(self, kit: Kit) -> None:
        a = await kit.join("a", works(), max_backlog=1)
        await a.anycast("1")
        assert await a.publish(*_mixed()) == [FULL, STORED, UNKNOWN, STORED]
        assert await a.hear(1) == ["b"]
        assert await a.texts(1, INBOX) == ["u"]

    @pytest.mark.parametrize("target", ["nobody", "publisher"])
    async def test_without_an_inbox_a_target_is_not_found(self, kit: Kit, target: str) -> None:
        a = await kit.join("a")
        await kit.join("publisher", role="publisher")
        assert await a.unicast(target, "1", "2") == [UNKNOWN] * 2
        late = await kit.join(target if target == "nobody" else "late")
        await a.unicast(late.id, "3")
        assert await late.texts(1, INBOX) == ["3"]

    # Repeats

    async def test_a_batch_sent_again_is_stored_once(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        for _ in range(2):
            assert await a.publish(*_in_each_mode("1"), batch=1_000_001) == [STORED] * 3
        await a.publish(*_in_each_mode("2"), batch=1_000_002)
        for channel in CHANNELS.values():
            assert await a.texts(2, channel) == ["1", "2"]

    async def test_a_batch_sent_again_is_answered_as_before(self, kit: Kit) -> None:
        a = await kit.join("a", works(), max_backlog=1)
        await a.anycast("1")
        first = await a.publish(*_mixed(), batch=1_000_001)
        # What refused them is gone.
        nobody = await kit.join("nobody", max_backlog=1)
        assert await a.texts(1) == ["1"]
        assert await a.publish(*_mixed(), batch=1_000_001) == first
        await a.publish(
            outgoing("marker"), outgoing("marker", EventMode.UNICAST, "nobody"), batch=1_000_002
        )
        assert await a.texts(1) == ["marker"]
        assert await nobody.texts(1, INBOX) == ["marker"]

    async def test_a_later_session_may_send_a_batch_again(self, kit: Kit) -> None:
        a = await kit.join("a", works(), max_backlog=1)
        await a.anycast("1")
        first = await a.publish(*_mixed(), batch=1_000_001)
        await a.withdraw()
        a = await kit.join("a", works(), transport=a.transport, max_backlog=1)
        assert await a.texts(1) == ["1"]
        assert await a.publish(*_mixed(), batch=1_000_001) == first
        await a.publish(outgoing("marker"), batch=1_000_002)
        assert await a.texts(1) == ["marker"]
        assert await a.hear(1) == ["b"]

    async def test_a_batch_older_than_the_newest_stores_nothing(self, kit: Kit) -> None:
        a = await kit.join("a", works())
        for number in range(1, 4):
            await a.publish(outgoing(f"{number}"), batch=1_000_000 + number)
        await a.publish(outgoing("1"), batch=1_000_001)
        await a.publish(outgoing("marker"), batch=1_000_004)
        assert await a.texts(4) == ["1", "2", "3", "marker"]

    async def test_batches_of_another_transport_are_others(self, kit: Kit) -> None:
        a, b = await kit.join("a", works()), await kit.join("b")
        await b.publish(outgoing("1"), batch=1_000_002)
        await a.publish(outgoing("2"), batch=1_000_001)
        await b.publish(outgoing("3"), batch=1_000_003)
        await a.publish(outgoing("4"), batch=1_000_003)
        assert await a.texts(4) == ["1", "2", "3", "4"]

    # Many at once

    async def test_concurrent_publishers_lose_nothing(self, kit: Kit) -> None:
        peers = [await kit.join(f"p{number}") for number in range(4)]
        reader = await kit.join("reader", works())

        async def publish(peer: Peer) -> None:
            for number in range(10):
                answers = await peer.anycast(*(f"{peer.id} {number}{n}" for n in range(5)))
                assert answers == [STORED] * 5

        _, came = await asyncio.gather(asyncio.gather(*map(publish, peers)), reader.texts(200))
        assert max(Counter(came).values()) == 1
        for peer in peers:
            expected = [f"{peer.id} {number}{n}" for number in range(10) for n in range(5)]
            assert [each for each in came if each.startswith(peer.id)] == expected

    async def test_publishing_gives_way_to_the_loop(self, kit: Kit) -> None:
        a = await kit.join("a")
        async with kit.turns() as turns:
            for number in range(20):
                before = turns()
                await a.broadcast(str(number))
                assert turns() > before, "the loop stood still while it published"


def _in_each_mode(payload: str) -> list[Outgoing]:
    """One message to "a" in every mode."""
    return [
        outgoing(payload, mode, "a" if mode is EventMode.UNICAST else None) for mode in EventMode
    ]


def _mixed() -> list[Outgoing]:
    """One that a full backlog refuses, two that are stored, and one to an unknown target."""
    return [
        outgoing("2"),
        outgoing("b", EventMode.BROADCAST),
        outgoing("x", EventMode.UNICAST, "nobody"),
        outgoing("u", EventMode.UNICAST, "a"),
    ]
