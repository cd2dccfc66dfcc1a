import asyncio

from eventbus_core import EventBus, EventMode


async def main() -> None:
    async with EventBus(role="publisher") as bus:
        for name in ("Ada", "Grace", "Barbara"):
            await bus.emit("user:created", {"name": name}, mode=EventMode.ANYCAST)
    print("stored")


asyncio.run(main())
