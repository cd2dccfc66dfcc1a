import asyncio

from eventbus_core import EventBus, EventMode, Message

handled: asyncio.Queue[str] = asyncio.Queue()


def worker(name: str) -> EventBus:
    bus = EventBus("memory://", instance_id=name)

    @bus.on("report:wanted")
    async def report(message: Message) -> None:
        await handled.put(name)

    return bus


async def main() -> None:
    a, b = worker("a"), worker("b")
    async with a, b:
        await a.emit("report:wanted", {"day": 1})
        print("broadcast:", *sorted([await handled.get(), await handled.get()]))

        await a.emit("report:wanted", {"day": 2}, target="b")
        print("unicast:", await handled.get())

        await a.emit("report:wanted", {"day": 3}, mode=EventMode.ANYCAST)
        print("anycast: a or b:", await handled.get() in ("a", "b"))

    print("left over:", handled.qsize())


asyncio.run(main())
