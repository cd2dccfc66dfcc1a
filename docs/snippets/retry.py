import asyncio

from eventbus_core import EventBus, Message, RetryPolicy

bus = EventBus("memory://", retry=RetryPolicy(max_deliveries=5, initial=0.01))
done = asyncio.Event()


@bus.on("mail:wanted")
async def send_mail(message: Message) -> None:
    print("attempt", message.attempt)
    if message.attempt < 3:
        raise ConnectionError("the mail server is away")
    print("sent to", message.data["to"])
    done.set()


async def main() -> None:
    async with bus:
        await bus.emit("mail:wanted", {"to": "ada@example.org"})
        await done.wait()


asyncio.run(main())
