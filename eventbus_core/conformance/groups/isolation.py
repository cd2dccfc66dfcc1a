"""Name spaces: buses, instances, events and groups do not see each other, whatever their names."""

from typing import Final

import pytest

from ...transport import BROADCASTS, INBOX, Redriven, work
from ..cases import Cases, needs
from ..kit import Kit
from ..peer import EVENT, GROUP, works

LONGEST: Final = 255
TRICKY: Final = (
    "a", "a:", "a:b", "a:b:c", ":a", "b", "A", "a%3A", "a%3Ab", "%", "a/b", "..", "a|b", "a\\",
    "a?", "[a]", "a'b", 'a"b', "$a", "-a", "_", "0", "None", "é", "e\u0301", "ß", "ss", "日本",
    "x" * LONGEST, "x" * (LONGEST - 1) + "y", "☂" * LONGEST, "☂" * (LONGEST - 1) + "x",
)  # fmt: skip
"""Names that all differ and are all allowed."""
CHANNELS: Final = {
    "events": [(name, GROUP) for name in TRICKY],
    "groups": [(EVENT, name) for name in TRICKY],
    "pairs": [
        ("a", "b:c"), ("a:b", "c"), ("a:b:c", "a"), ("a", "b"), ("b", "a"), ("a", "a"), ("a:", "b"),
        ("a", ":b"), ("a%3Ab", "c"), ("a|b", "c"), ("a", "b|c"), ("a/b", "c"), ("a", "b/c"),
    ],
}  # fmt: skip
"""(event, group) pairs."""


class Isolation(Cases, group="isolation"):
    async def test_buses_do_not_see_each_other(self, kit: Kit) -> None:
        peers = [await kit.join("a", works(), bus=f"{kit.bus}-{n}") for n in range(2)]
        for number, peer in enumerate(peers):
            # Also not the batches of each other.
            for payload in (f"{number}", f"{number} again"):
                await peer.anycast(payload)
                await peer.unicast("a", payload)
                await peer.broadcast(payload)
        for number, peer in enumerate(peers):
            for channel in (work(EVENT, GROUP), INBOX, BROADCASTS):
                assert await peer.texts(2, channel) == [f"{number}", f"{number} again"]

    @needs("redrive")
    async def test_dead_letters_of_another_bus_are_unknown(self, kit: Kit) -> None:
        a = await kit.join("a", works(), bus=f"{kit.bus}-1")
        b = await kit.join("a", works(), bus=f"{kit.bus}-2")
        await a.anycast("1")
        await a.bury(*await a.take())
        (letter,) = await a.session.dead_letters(10, None, None, None)
        assert list(await b.session.dead_letters(10, None, None, None)) == []
        assert await b.session.redrive(letter.id) is Redriven.UNKNOWN
        assert not await b.session.discard(letter.id)
        assert await a.session.redrive(letter.id) is Redriven.DONE
        assert await a.texts(1) == ["1"]

    @needs("failover")
    async def test_only_those_of_its_own_bus_are_suspected(self, kit: Kit) -> None:
        a = await kit.join("a", lease=0.05, bus=f"{kit.bus}-1")
        b = await kit.join("b", bus=f"{kit.bus}-1")
        other = await kit.join("b", bus=f"{kit.bus}-2")
        suspect = await b.until_suspected(a)
        assert await other.suspects() == []
        assert list(await other.session.declare_dead([suspect])) == []
        await a.session.renew()

    async def test_names_of_buses_do_not_collide(self, kit: Kit) -> None:
        room = LONGEST - len(kit.bus)
        names = [kit.bus + name[-room:] for name in TRICKY]
        peers = {name: await kit.join("a", bus=name) for name in names}
        for ending in ("", "the end of "):
            for name, peer in peers.items():
                await peer.broadcast(ending + name)
        for name, peer in peers.items():
            assert await peer.hear(2) == [name, f"the end of {name}"]

    async def test_names_of_instances_do_not_collide(self, kit: Kit) -> None:
        peers = {name: await kit.join(name) for name in TRICKY}
        sender = await kit.join("sender")
        for ending in ("", "the end of "):
            for name in peers:
                await sender.unicast(name, ending + name)
        for name, peer in peers.items():
            assert await peer.texts(2, INBOX) == [name, f"the end of {name}"]

    @pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
    async def test_names_of_events_and_groups_do_not_collide(
        self, kit: Kit, channels: list[tuple[str, str]]
    ) -> None:
        a = await kit.join("a", *(works(event, group) for event, group in channels))
        for ending in ("", "the end of "):
            for event in sorted({event for event, _ in channels}):
                await a.anycast(ending + event, event=event)
        for event, group in channels:
            assert await a.texts(2, work(event, group)) == [event, f"the end of {event}"]
