"""on, once, off, ready: races and exactness."""

import asyncio
from functools import partial
from typing import Any

import pytest

from eventbus_core import InvalidMessageError, InvalidOptionError, Message, RetryPolicy
from eventbus_core.testing import wait_until

from .conftest import MakeBus


async def test_off_returns_how_many_and_nothing_starts_after(make_bus: MakeBus) -> None:
    got: list[str] = []
    bus = make_bus()

    def one(message: Message) -> None:
        got.append("one")

    def two(message: Message) -> None:
        got.append("two")

    assert bus.on("x", one) is one
    bus.on("x", one)
    bus.on("x")(two)
    async with bus:
        await bus.emit("x")
        await wait_until(lambda: sorted(got) == ["one", "one", "two"], what="all three")
        assert bus.off("x", one) == 2
        assert bus.off("x", one) == 0
        got.clear()
        await bus.emit("x")
        await wait_until(lambda: got == ["two"], what="only two")
        assert bus.off("x") == 1
        assert bus.off("x") == 0
        assert bus.off("never") == 0


async def test_off_gives_unstarted_work_back_to_the_group(make_bus: MakeBus) -> None:
    started: list[int] = []
    first, second = make_bus(), make_bus()

    @first.on("task", concurrency=2)
    async def handle(message: Message) -> None:
        started.append(message.data)
        await asyncio.sleep(0.3)

    await first.init()
    await second.init()
    for number in range(8):
        await second.emit("task", number, mode="anycast")
    await wait_until(lambda: len(started) == 2, what="two started")
    assert first.off("task") == 1
    got: list[int] = []
    second.on("task", lambda message: got.append(message.data))
    await wait_until(lambda: len(got) == 6, what="the rest")
    assert sorted(started + got) == list(range(8))
    assert len(started) == 2


@pytest.mark.parametrize("mode", ["broadcast", "unicast", "anycast"])
async def test_once_starts_exactly_one_of_many(make_bus: MakeBus, mode: str) -> None:
    got: list[int] = []
    bus = make_bus()

    async def handle(message: Message) -> None:
        got.append(message.data)
        await asyncio.sleep(0.01)

    bus.once("x", handle)
    async with bus:
        target = bus.id if mode == "unicast" else None
        await asyncio.gather(*(bus.emit("x", n, mode=mode, target=target) for n in range(50)))
        await wait_until(lambda: bus.stats().handled == 1, what="the first")
        assert bus.off("x") == 0
        rest: list[int] = []
        bus.on("x", lambda message: rest.append(message.data))
        await bus.ready()
        await bus.emit("x", 50, mode=mode, target=target)
        await wait_until(lambda: 50 in rest, what="the next handler")
        if mode == "anycast":
            await wait_until(lambda: len(rest) == 50, what="what was handed back")
            assert sorted(rest) == list(range(1, 51))
        assert got == [0]


async def test_once_keeps_its_message_over_retries(make_bus: MakeBus) -> None:
    got: list[tuple[int, int]] = []
    bus = make_bus(retry=RetryPolicy(initial=0.02, jitter=0))

    @bus.once("x")
    async def handle(message: Message) -> None:
        got.append((message.data, message.attempt))
        if message.attempt < 3:
            raise ValueError

    async with bus:
        for number in range(5):
            await bus.emit("x", number, mode="anycast")
        await wait_until(lambda: len(got) == 3, what="three attempts")
        await wait_until(lambda: bus.stats().handled == 1, what="handled")
    assert got == [(0, 1), (0, 2), (0, 3)]


async def test_two_instances_with_once_take_one_each(make_bus: MakeBus) -> None:
    got: list[str] = []
    buses = [make_bus(), make_bus()]
    for bus in buses:
        bus.once("x", lambda message, me=bus.id: got.append(me))
        await bus.init()
    await asyncio.gather(*(buses[0].emit("x", n, mode="anycast") for n in range(10)))
    await wait_until(lambda: len(got) == 2, what="one each")
    assert sorted(got) == sorted(bus.id for bus in buses)


async def test_init_means_live(make_bus: MakeBus) -> None:
    got: list[int] = []
    sender = make_bus()
    await sender.init()
    for number in range(10):
        bus = make_bus(only_new=True)
        bus.on("x", lambda message: got.append(message.data))
        await bus.init()
        await sender.emit("x", number)
        await wait_until(partial(got.__contains__, number), what="what came after init")
        await bus.close()
        got.clear()


async def test_a_handler_made_in_a_handler(make_bus: MakeBus) -> None:
    got: list[str] = []
    bus = make_bus()

    @bus.on("first")
    async def first(message: Message) -> None:
        bus.on("second", lambda message: got.append("second"))
        bus.off("first")
        await bus.ready()
        await bus.emit("second")

    async with bus:
        await bus.emit("first")
        await wait_until(lambda: got == ["second"], what="the inner one")


class Service:
    def __init__(self) -> None:
        self.got: list[int] = []

    async def handle(self, message: Message) -> None:
        self.got.append(message.data)


async def test_methods_can_be_subscribed_and_removed(make_bus: MakeBus) -> None:
    bus, service = make_bus(), Service()
    bus.on("x", service.handle)
    async with bus:
        await bus.emit("x", 1)
        await wait_until(lambda: service.got == [1], what="handled")
        assert bus.off("x", service.handle) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"handler": 5}, "handler"),
        ({"handler": lambda: None}, "one positional argument"),
        ({"group": ""}, "group"),
        ({"group": "a b"}, "group"),
        ({"group": "g", "modes": ["broadcast"]}, "group"),
        ({"modes": []}, "modes"),
        ({"modes": ["nocast"]}, "modes"),
        ({"modes": 3}, "modes"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"concurrency": 1.5}, "concurrency"),
        ({"concurrency": 10**6}, "concurrency"),
        ({"retry": 3}, "retry"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
    ],
)
async def test_bad_arguments_of_on(arguments: dict[str, object], says: str) -> None:
    from eventbus_core import EventBus

    bus = EventBus("memory://bad-arguments")
    handler = arguments.pop("handler", lambda message: None)
    with pytest.raises(InvalidOptionError, match=says):
        bus.on("x", handler, **arguments)  # type: ignore[call-overload]
    if "concurrency" not in arguments:
        with pytest.raises(InvalidOptionError, match=says):
            bus.once("x", handler, **arguments)  # type: ignore[call-overload]


@pytest.mark.parametrize("event", ["", "a b", "a\n", "a{b", "a}b", "user:*", "x" * 256, 5, None])
async def test_bad_event_names(event: object) -> None:
    from eventbus_core import EventBus

    bus = EventBus("memory://bad-names")
    calls: list[Any] = [bus.on, bus.once, bus.off]
    for call in calls:
        with pytest.raises(InvalidMessageError, match="event name"):
            call(event, lambda message: None)
    async with bus:
        with pytest.raises(InvalidMessageError, match="event name"):
            await bus.emit(event)  # type: ignore[arg-type]
