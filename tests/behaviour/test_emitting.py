"""emit: what is refused before it is sent, and what arrives unchanged."""

import asyncio
from typing import Any

import pytest

from eventbus_core import (
    EncodeError,
    EventBus,
    InvalidMessageError,
    MessageTooLargeError,
)
from eventbus_core.testing import wait_until

from .conftest import MakeBus


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"mode": "nocast"}, "mode"),
        ({"mode": 3}, "mode"),
        ({"mode": "unicast"}, "target"),
        ({"mode": "broadcast", "target": "x"}, "target"),
        ({"mode": "anycast", "target": "x"}, "target"),
        ({"target": ""}, "target"),
        ({"target": "a b"}, "target"),
        ({"target": 7}, "target"),
        ({"headers": [("a", "b")]}, "headers"),
        ({"headers": {"a": 1}}, "header 'a'"),
        ({"headers": {"": "b"}}, "header name"),
        ({"headers": {1: "b"}}, "header name"),
        ({"headers": {"a": "\ud800"}}, "header"),
    ],
)
async def test_bad_arguments_of_emit(arguments: dict[str, Any], says: str) -> None:
    async with EventBus("memory://bad-emit") as bus:
        with pytest.raises(InvalidMessageError, match=says):
            await bus.emit("x", **arguments)
        assert bus.stats().emitted == 0


async def test_payloads_that_would_change_are_refused() -> None:
    async with EventBus("memory://bad-payload") as bus:
        for payload, path in [
            ({"a": {"b": float("nan")}}, r"\$\.a\.b"),
            ([1, {2: 3}], r"\$\[1\]"),
            (object(), r"\$"),
        ]:
            with pytest.raises(EncodeError, match=path):
                await bus.emit("x", payload)
        deep: Any = []
        for _ in range(200):
            deep = [deep]
        with pytest.raises(EncodeError):
            await bus.emit("x", deep)


async def test_too_large_is_refused_before_sending(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus(max_message_bytes=10_000)
    bus.on("x", lambda message: got.append(len(message.data)))
    async with bus:
        with pytest.raises(MessageTooLargeError, match="max_message_bytes=10000"):
            await bus.emit("x", "a" * 10_001)
        await bus.emit("x", "a" * 9_000)
        await wait_until(lambda: got == [9_000], what="the small one")


@pytest.mark.parametrize(
    "payload",
    [None, 0, False, "", [], {}, "ünïcödé ☃ 🚌", 1.5, -(2**63), 2**64 - 1, {"a": [1, {"b": None}]}],
)
async def test_payloads_arrive_unchanged(make_bus: MakeBus, payload: Any) -> None:
    got: list[Any] = []
    bus = make_bus()
    bus.on("x", lambda message: got.append(message.data))
    async with bus:
        await bus.emit("x", payload)
        await wait_until(lambda: len(got) == 1, what="the message")
    assert got == [payload]
    assert type(got[0]) is type(payload)


async def test_a_mebibyte_arrives(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus()
    bus.on("x", lambda message: got.append(len(message.data)))
    async with bus:
        await bus.emit("x", "a" * 1_000_000)
        await wait_until(lambda: got == [1_000_000], what="the large one")


async def test_concurrent_emits_lose_nothing_and_have_unique_ids(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus()
    bus.on("x", lambda message: got.append(message.data), modes=["anycast"])
    async with bus:
        ids = await asyncio.gather(*(bus.emit("x", n, mode="anycast") for n in range(2_000)))
        assert len(set(ids)) == 2_000
        assert list(ids) == sorted(ids)
        await wait_until(lambda: len(got) >= 2_000, what="all", timeout=20)
    assert sorted(got) == list(range(2_000))


async def test_sequential_emits_keep_their_order(make_bus: MakeBus) -> None:
    got: list[int] = []
    sender, receiver = make_bus(), make_bus()
    receiver.on("x", lambda message: got.append(message.data))
    await sender.init()
    await receiver.init()
    for number in range(300):
        await sender.emit("x", number)
    await wait_until(lambda: len(got) == 300, what="all")
    assert got == list(range(300))


async def test_another_loop_is_refused(make_bus: MakeBus) -> None:
    from eventbus_core import UnsupportedError

    bus = make_bus()
    async with bus:

        def elsewhere() -> None:
            with pytest.raises(UnsupportedError, match="loop"):
                asyncio.run(bus.emit("x"))

        await asyncio.to_thread(elsewhere)
