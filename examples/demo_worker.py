"""One worker of the demonstration: a process that answers questions and works on tasks.

EVENTBUS_URL=redis://localhost python demo_worker.py BUS NAME LEASE HEARTBEAT
"""

import asyncio
import os
import sys

from eventbus_core import EventBus, Message


async def main(bus_name: str, name: str, lease: float, heartbeat: float) -> None:
    # Without a URL the bus takes $EVENTBUS_URL.
    bus = EventBus(name=bus_name, instance_id=name, lease=lease, heartbeat_interval=heartbeat)

    async def report(to: str, what: str, **details: object) -> None:
        await bus.emit("report", {"what": what, **details}, target=to)

    @bus.on("greeting")
    async def hear(message: Message) -> None:
        await report(message.source, "greeted", text=message.data)

    @bus.on("question")
    async def answer(message: Message) -> None:
        await report(message.source, "answer", text=str(os.getpid()))

    @bus.on("task", concurrency=2)
    async def work(message: Message) -> None:
        task = message.data["number"]
        await report(message.source, "started", task=task)
        await asyncio.sleep(message.data["seconds"])
        await report(message.source, "finished", task=task)

    async with bus:
        await bus.emit("worker:ready")
        await bus.run()  # until SIGTERM, which lets running handlers finish


if __name__ == "__main__":
    bus_name, name, lease, heartbeat = sys.argv[1:]
    asyncio.run(main(bus_name, name, float(lease), float(heartbeat)))
