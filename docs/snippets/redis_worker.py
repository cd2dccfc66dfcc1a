import asyncio

from eventbus_core import EventBus, Message

bus = EventBus(group="mailers")  # the URL comes from $EVENTBUS_URL


@bus.on("user:created")
async def welcome(message: Message) -> None:
    print(f"{bus.id} welcomes {message.data['name']}", flush=True)


asyncio.run(bus.run())
