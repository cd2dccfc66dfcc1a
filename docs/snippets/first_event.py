import asyncio

from eventbus_core import EventBus, Message

bus = EventBus("memory://")
done = asyncio.Event()


@bus.on("user:created")
async def welcome(message: Message) -> None:
    print(f"{message.event}: welcome, {message.data['name']}")
    done.set()


async def main() -> None:
    async with bus:
        await bus.emit("user:created", {"name": "Ada"})
        await done.wait()


asyncio.run(main())
