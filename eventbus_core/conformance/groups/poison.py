"""Messages that fail, kill or cannot be read, on whole buses."""

import asyncio
from typing import Any

import pytest

from ...message import Message
from ...modes import EventMode
from ...retry import Reject, RetryPolicy
from ...transport import Outgoing
from ..cases import Cases, needs
from ..handler_calls import Calls, emit_all
from ..kit import Kit

SOON = RetryPolicy(max_deliveries=3, initial=0.01, jitter=0.0)
MODES = pytest.mark.parametrize("mode", list(EventMode))


async def fails(message: Message) -> None:
    raise ValueError(f"cannot do {message.data}")


async def letters(kit: Kit, bus: Any, count: int) -> list[Any]:
    """The dead letters, once there are so many."""
    found: list[Any] = await kit.eventually(
        bus.dead_letters.list, lambda found: len(found) >= count, f"{count} dead letters"
    )
    assert len(found) == count
    return list(found)


class Poison(Cases, group="poison"):
    @needs("redrive")
    @MODES
    async def test_a_handler_that_fails_is_tried_again_then_gives_a_dead_letter(
        self, kit: Kit, mode: EventMode
    ) -> None:
        bus, calls = kit.make_bus(group="crew"), Calls(kit)
        bus.on("x", calls.handler(bus, fails), retry=SOON)
        await bus.init()
        target = bus.id if mode is EventMode.UNICAST else None
        sent = await bus.emit("x", "this", mode=mode, target=target, headers={"a": "b"})
        (letter,) = await letters(kit, bus, 1)
        await calls.exactly(3)
        assert calls.attempts() == [("this", 1), ("this", 2), ("this", 3)]
        assert (letter.attempts, letter.reason) == (3, "failed 3 times")
        assert letter.error == "ValueError: cannot do this"
        assert "in fails" in letter.traceback
        assert letter.instance == bus.id
        assert letter.group == ("crew" if mode is EventMode.ANYCAST else None)
        assert (letter.message.id, letter.message.data) == (sent, "this")
        assert dict(letter.message.headers) == {"a": "b"}

    @needs("redrive")
    async def test_a_redriven_message_starts_anew_in_its_own_group(self, kit: Kit) -> None:
        one, other, calls = kit.make_bus(group="one"), kit.make_bus(group="other"), Calls(kit)
        go_well = asyncio.Event()

        async def work(message: Message) -> None:
            if not go_well.is_set():
                await fails(message)

        one.on("x", calls.handler(one, work), retry=SOON)
        other.on("x", calls.handler(other))
        await one.init()
        await other.init()
        sent = await other.emit("x", "this", mode="anycast")
        (letter,) = await letters(kit, other, 1)
        assert letter.group == "one"
        go_well.set()
        assert await other.dead_letters.redrive(letter.id) is True
        await calls.exactly(5)
        assert calls.attempts(other) == [("this", 1)]
        assert calls.attempts(one) == [("this", 1), ("this", 2), ("this", 3), ("this", 1)]
        assert {message.id for message in calls.messages()} == {sent}
        assert await other.dead_letters.redrive(letter.id) is False
        assert list(await other.dead_letters.list()) == []

    @needs("redrive")
    async def test_a_rejected_message_is_a_dead_letter_at_once(self, kit: Kit) -> None:
        bus, calls = kit.make_bus(), Calls(kit)

        async def rejects(message: Message) -> None:
            raise Reject("not for us")

        bus.on("x", calls.handler(bus, rejects))
        await bus.init()
        await bus.emit("x", 1, mode="anycast")
        (letter,) = await letters(kit, bus, 1)
        await calls.exactly(1)
        assert (letter.reason, letter.attempts) == ("rejected by its handler: not for us", 1)

    @needs("failover", "redrive")
    async def test_a_message_in_hand_at_each_crash_becomes_a_dead_letter(self, kit: Kit) -> None:
        calls, policy = Calls(kit), RetryPolicy(max_deliveries=2)
        sender = kit.make_bus(role="publisher", lease=0.3, heartbeat_interval=0.1)
        await sender.init()

        async def work(message: Message) -> None:
            if message.data == "kills":
                await asyncio.Event().wait()

        await sender.emit("x", "kills", mode="anycast")
        for life in (1, 2):
            bus = kit.make_bus(lease=0.3, heartbeat_interval=0.1, retry=policy)
            bus.on("x", calls.handler(bus, work))
            await bus.init()
            await calls.until(life)
            await kit.kill(bus)
        bus = kit.make_bus(retry=policy)
        bus.on("x", calls.handler(bus, work))
        await bus.init()
        await emit_all(sender, "x", ["innocent 1", "innocent 2"], mode="anycast")
        (letter,) = await letters(kit, sender, 1)
        await calls.exactly(4)
        assert calls.attempts()[:2] == [("kills", 1), ("kills", 2)]
        assert calls.attempts(bus) == [("innocent 1", 1), ("innocent 2", 1)]
        assert (letter.message.data, letter.attempts) == ("kills", 2)

    @needs("redrive")
    @MODES
    async def test_bytes_that_are_no_message_become_a_dead_letter(
        self, kit: Kit, mode: EventMode
    ) -> None:
        bus, calls = kit.make_bus(), Calls(kit)
        bus.on("x", calls.handler(bus))
        await bus.init()
        intruder = await kit.join("intruder")
        target = bus.id if mode is EventMode.UNICAST else None
        await bus.emit("x", "before", mode=mode, target=target)
        for n, data in enumerate((b"\xff\x00 no envelope", b"")):
            await intruder.publish(Outgoing(f"id-{n}", "x", mode, target, data))
        await bus.emit("x", "after", mode=mode, target=target)
        found = await letters(kit, bus, 2)
        await calls.exactly(2)
        assert calls.data() == ["before", "after"]
        assert [(letter.message, letter.reason) for letter in found] == [(None, "undecodable")] * 2
