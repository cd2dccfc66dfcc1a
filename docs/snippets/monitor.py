import asyncio

from eventbus_core import EventBus
from eventbus_core.monitoring import open_monitor


async def main() -> None:
    async with EventBus("memory://shop", name="orders") as bus:
        for number in range(3):
            await bus.emit("order:placed", {"number": number}, mode="anycast")

        async with open_monitor("memory://shop") as monitor:
            for name in await monitor.buses():
                snapshot = await monitor.snapshot(name)
                for stream in snapshot.streams:
                    if stream.backlog:
                        print(name, stream.kind, stream.name, "waiting:", stream.backlog)
                for instance in snapshot.instances:
                    print(name, "instance", instance.role, "well:", instance.lease_left > 0)
            newest = (await monitor.sample("orders", limit=1))[0]
            print(newest.event, newest.mode, newest.body.decode())


asyncio.run(main())
