"""What is fetched, when, and in which order."""

import asyncio
from typing import Any

import pytest

from eventbus_core import EventBus, Message, emission
from eventbus_core.conformance.crash import crash
from eventbus_core.emission import make_outgoing
from eventbus_core.ids import MessageIds
from eventbus_core.memory import lives
from eventbus_core.transport import Outgoing, Subscription
from tests.core.world import World, runtime_of, session_of


async def test_a_backlog_is_taken_as_soon_as_its_subscription_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fetch that waited when the store learnt of the subscription did not ask for it: up to
    five seconds without work."""
    publisher, bus = world.bus(), world.bus()
    await publisher.init()
    await bus.init()
    await publisher.emit("task", 1, mode="anycast")
    await world.clock.advance(0.5)
    session = session_of(bus)
    real = session.subscribe
    got: list[int] = []

    async def subscribe(subscriptions: frozenset[Subscription]) -> int:
        await world.clock.sleep(0.02)
        return await real(subscriptions)

    async def handle(message: Message) -> None:
        got.append(message.data)

    monkeypatch.setattr(session, "subscribe", subscribe)
    bus.on("task", handle)
    ready = asyncio.create_task(bus.ready())
    await world.clock.advance(1)
    assert ready.done()
    assert got == [1]


async def test_what_was_taken_over_starts_before_anything_else(world: World) -> None:
    """It is charged with a start when it is fetched. Behind a broadcast of the same fetch it
    stayed unstarted, and was charged once more when this instance died too."""
    buses: dict[str, EventBus] = {}
    started: dict[str, list[tuple[str, int]]] = {"victim": [], "survivor": [], "third": []}

    async def serve(name: str, **options: Any) -> None:
        bus = buses[name] = world.bus(name, **options)

        @bus.on("task")
        async def hangs(message: Message) -> None:
            started[name].append((str(message.mode), message.attempt))
            await asyncio.Event().wait()

        await bus.init()

    async def die(name: str, *, meanwhile: Outgoing | None = None) -> None:
        """It is declared dead; in the same step a message is stored."""
        await crash(buses[name])
        stored = world.store.bus("default")
        with world.store.step() as now:
            if meanwhile is not None:
                stored.store(meanwhile, now)
            lives.kill(stored, stored.holders[name], now)
            stored.ring()

    broadcast = make_outgoing(
        "task", 0, mode=None, target=None, headers=None, source="x",
        ids=MessageIds(world.clock), max_bytes=10_000,
    )  # fmt: skip
    await serve("victim")
    await buses["victim"].emit("task", mode="anycast")
    await world.settle()
    await serve("survivor")
    await world.settle()
    await die("victim", meanwhile=broadcast)
    await world.clock.advance(1)
    assert started["victim"] == [("anycast", 1)]
    assert started["survivor"] == [("anycast", 2)]
    await die("survivor")
    await serve("third", only_new=True)
    await world.clock.advance(1)
    assert started["third"] == [("anycast", 3)], "charged with the starts that have happened"


async def test_a_message_of_a_later_release_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was handed back, and its whole channel was left alone for a lease: one message a lease."""
    bus = world.bus()
    got: list[int] = []

    @bus.on("task", modes=["anycast"])
    async def handle(message: Message) -> None:
        got.append(message.data)
        await world.clock.sleep(0.2)

    await bus.init()
    await bus.emit("task", 0, mode="anycast")
    await world.clock.advance(1)
    assert got == [0]
    with monkeypatch.context() as patch:
        patch.setattr(emission, "FORMAT", 2)
        await bus.emit("task", "new", mode="anycast")
    for number in range(1, 40):
        await bus.emit("task", number, mode="anycast")
    await world.clock.advance(60)
    assert got == list(range(40))
    assert bus.stats().newer_format >= 1


async def test_health_tells_when_a_loop_has_ended(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours ended the reading, and the bus called itself well."""
    bus = world.bus()
    await bus.init()

    async def handle(message: Message) -> None:
        pass

    bus.on("x", handle)
    await bus.ready()
    assert bus.health().ok
    monkeypatch.setattr(runtime_of(bus).dispatcher, "deliver", None)
    await bus.emit("x")
    await world.clock.advance(60)
    health = bus.health()
    assert not health.ok
    assert any("intake" in problem for problem in health.problems), health
    assert "this is a bug in the library" in caplog.text
