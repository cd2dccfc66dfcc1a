"""An instance far behind with default options loses no broadcast."""

import asyncio

import pytest

from eventbus_core import EventBus
from eventbus_core.testing import wait_until

from .conftest import Start

COUNT = 20_000


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_twenty_thousand_broadcasts_reach_a_slow_instance(
    start: Start, sender: EventBus
) -> None:
    # The handler holds the loop for 1 ms (see worker.py), so that it needs 20 s for what is
    # stored within about one; 15,000 messages behind, it is far beyond max_message_count.
    slow = await start(options={"lease": 10.0, "heartbeat_interval": 2.0})
    for first in range(0, COUNT, 1000):
        await asyncio.gather(*(sender.emit("tick", n) for n in range(first, first + 1000)))
    assert (await slow.stats())["handled"] < COUNT - 10_000, "it was not behind"
    await wait_until(
        lambda: COUNT in slow.numbers("ticks") or slow.said("gap"), timeout=90, what="all 20,000"
    )
    assert slow.said("gap") == []
    stats = await slow.stats()
    assert (stats["handled"], stats["incarnations"]) == (COUNT, 1)
