"""Test hook: a process that dies, inside one process.

Every task of a bus stops, and nothing is said to the store, as with SIGKILL. For stores that live
in this process, where no process can be killed; tests and the demonstration use it.
"""

import asyncio

from .bus import EventBus


async def crash(bus: EventBus) -> None:
    """Stop everything that `bus` runs and cut its connections; the store is told nothing, and
    the lease runs out. The bus object is closed afterwards. Raises AssertionError unless it is
    started."""
    runtime = bus._runtime
    assert runtime is not None, f"{bus!r} is not started"
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
