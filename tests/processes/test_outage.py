"""The server is killed and comes back at the same address, with an append-only file."""

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest

from eventbus_core import EventBus, TransportUnavailableError
from eventbus_core.testing import wait_until
from eventbus_redis.embedded import EmbeddedServer

from .conftest import Start

UNICAST, BROADCAST = 1_000_000, 2_000_000
"""Added to the numbers, so that one number tells the mode."""


@pytest.fixture
def durable() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(append_only=True, config={"appendfsync": "always"}) as running:
        yield running


@pytest.fixture
def url(durable: EmbeddedServer) -> str:
    return durable.url


@pytest.mark.parametrize("longer_than_the_lease", [False, True])
async def test_a_restart_of_the_server_loses_nothing_that_was_confirmed(
    start: Start, sender: EventBus, durable: EmbeddedServer, longer_than_the_lease: bool
) -> None:
    alpha, other = await asyncio.gather(start(id="alpha"), start())
    confirmed: set[int] = set()
    enough = asyncio.Event()

    async def emit(offset: int, mode: str, target: str | None = None) -> None:
        for number in count(offset):
            if enough.is_set():
                return
            try:
                await sender.emit("task", {"n": number}, mode=mode, target=target)
            except TransportUnavailableError:
                continue  # it may or may not be stored
            confirmed.add(number)

    async with asyncio.TaskGroup() as emitters:
        emitters.create_task(emit(0, "anycast"))
        emitters.create_task(emit(UNICAST, "unicast", "alpha"))
        emitters.create_task(emit(BROADCAST, "broadcast"))
        await wait_until(lambda: len(confirmed) >= 300, timeout=20, what="300 before the outage")
        durable.kill()
        await wait_until(lambda: not sender.health().store_reachable, what="the outage noticed")
        if longer_than_the_lease:
            await wait_until(lambda: sender.health().lease_left == 0, what="the leases run out")
        before = len(confirmed)
        durable.restart()
        await wait_until(
            lambda: len(confirmed) >= before + 300, timeout=20, what="300 after the outage"
        )
        enough.set()

    def missing() -> set[int]:
        ended = {p: set(p.numbers("end")) for p in (alpha, other)}
        broadcasts = {n for n in confirmed if n >= BROADCAST}
        unicasts = {n for n in confirmed if UNICAST <= n < BROADCAST}
        return (
            (confirmed - ended[alpha] - ended[other])
            | (broadcasts - ended[alpha])
            | (broadcasts - ended[other])
            | (unicasts - ended[alpha])
        )

    await wait_until(lambda: not missing(), timeout=30, what="everything confirmed handled")
    # An outage kills nobody, and nobody was started again.
    assert (await alpha.stats())["incarnations"] == 1
    assert (await other.stats())["incarnations"] == 1
    assert sender.stats().incarnations == 1
    assert await sender.dead_letters.list() == []
