"""Streams, groups and instances of a real bus in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from eventbus_core import EventBus, Message
from eventbus_core.monitoring import open_monitor
from eventbus_tui.navigation import Place
from tests.tui.pilot import app_of, run_app, settled, text_of, until


async def handle(message: Message) -> None:
    pass


@asynccontextmanager
async def shown(url: str, screen: str) -> AsyncIterator[Pilot[None]]:
    async with open_monitor(url) as monitor, run_app(monitor, screen=screen, size=(140, 40)) as app:
        yield app


async def test_all_modes_of_a_bus_and_the_way_through_its_things() -> None:
    url = "memory://screens-all-modes"
    async with EventBus(url, instance_id="worker-1", group="billing") as bus:
        bus.on("orders.paid", handle)
        await bus.emit("orders.paid", {"n": 1}, mode="anycast")
        await bus.emit("orders.paid", {"n": 2}, target="worker-1")
        await bus.emit("orders.paid", {"n": 3})
        async with shown(url, "streams") as pilot:
            await until(lambda: "orders.paid" in text_of(pilot))
            text = text_of(pilot)
            assert "broadcasts" in text
            assert "worker-1 (inbox)" in text
            app_of(pilot).open(Place("groups"))
            await until(lambda: "billing@orders.paid" in text_of(pilot))
            app_of(pilot).open(Place("instances"))
            await until(lambda: "worker-1" in text_of(pilot))
            await pilot.press("enter")
            await until(lambda: "Subscriptions" in text_of(pilot))
            assert "anycast    orders.paid  as billing" in text_of(pilot)
            await settled(pilot)
            screen = app_of(pilot).monitor_screen
            assert screen is not None
            assert screen.trouble == ""


async def test_what_waits_for_an_absent_target_is_seen_and_goes_when_it_comes_back() -> None:
    url = "memory://screens-absent"
    async with EventBus(url, instance_id="sender") as sender:
        async with EventBus(url, instance_id="away") as away:
            away.on("order", handle)
        await sender.emit("order", None, target="away")
        async with shown(url, "groups") as pilot:
            await until(lambda: "away (inbox)" in text_of(pilot))
            line = next(x for x in text_of(pilot).splitlines() if "away (inbox)" in x)
            assert "absent" in line or "NO-CONSUMER" in line
            done = asyncio.Event()

            async def come(message: Message) -> None:
                done.set()

            async with EventBus(url, instance_id="away") as back:
                back.on("order", come)
                await asyncio.wait_for(done.wait(), 5)
                await until(
                    lambda: any(
                        "✓ ok" in x for x in text_of(pilot).splitlines() if "away (inbox)" in x
                    )
                )
