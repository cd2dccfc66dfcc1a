"""A process that dies, inside one process: every task of a bus stops, nothing is said."""

import asyncio

from ..bus import EventBus


async def crash(bus: EventBus) -> None:
    """Stop everything that `bus` runs and cut its connections; the store is told nothing."""
    runtime = bus._runtime
    assert runtime is not None
    tasks = [*runtime._tasks]
    for lane in runtime.dispatcher.lanes.values():
        lane.stopped = True
        lane._stopped.set()
        lane.queue.clear()
        tasks += lane._workers
    # Endings that the cancelled handlers still report must not reach the store.
    session, runtime.membership.session = runtime.membership.session, None
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if session is not None:
        await session.close()
    await runtime.transport.close()
    runtime.threads.close()
    bus._runtime = None
    bus._state = "closed"
