"""A worker is killed while the monitor looks on: its death and the takeover are seen."""

import time

from eventbus_core import EventBus
from eventbus_core.monitoring import InstanceState, InstanceView, open_monitor
from eventbus_core.testing import wait_until
from eventbus_tui.navigation import Place
from tests.tui.pilot import app_of, run_app, text_of, until

from .conftest import HEARTBEAT, LEASE, Start
from .process import Process, send
from .worker import Task

SEEN = LEASE + 2 * HEARTBEAT + 1.0
"""Seconds from the kill: what is promised, and one second for a busy machine."""


async def test_the_death_and_the_takeover_are_seen(
    start: Start, sender: EventBus, url: str, bus_name: str, processes: list[Process]
) -> None:
    victim = await start(id="victim", concurrency=2, blocks=True)
    await send(sender, Task(n=1, block=True), Task(n=2, block=True))
    await wait_until(lambda: victim.in_hand() == {1, 2}, what="both in hand")
    async with (
        open_monitor(url) as monitor,
        run_app(monitor, bus=bus_name, size=(160, 40), interval=0.2) as pilot,
    ):
        app = app_of(pilot)

        def seen() -> InstanceView | None:
            view = app.latest.view if app.latest is not None else None
            found = view.instances if view is not None else ()
            return next((each for each in found if each.id == "victim"), None)

        def dead() -> bool:
            view = seen()
            return view is not None and view.state is InstanceState.DEAD and view.orphaned == 2

        await until(lambda: seen() is not None)
        messages = await monitor.sample(bus_name, limit=10)
        killed_at = victim.kill()
        await until(dead, deadline=SEEN + 10.0)
        assert time.monotonic() - killed_at <= SEEN
        await until(lambda: "DEAD" in text_of(pilot) and "2 orphaned" in text_of(pilot))

        app.open(Place("flow"))
        heir = await start(id="heir", concurrency=2, blocks=True)
        await wait_until(lambda: heir.in_hand() == {1, 2}, timeout=SEEN + 10.0, what="the takeover")
        await until(lambda: "heir took over" in text_of(pilot) and "from victim" in text_of(pilot))

        app.open(Place("message", messages[0].id, "message"))
        await until(lambda: "taken over" in text_of(pilot) and "with heir" in text_of(pilot))
