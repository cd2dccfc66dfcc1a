import asyncio

from eventbus_core import EventBus, EventMode, Message, Reject

bus = EventBus("memory://")
addresses: dict[str, str] = {}
shipped = asyncio.Event()


@bus.on("order:placed")
async def ship(message: Message) -> None:
    customer = message.data["customer"]
    if customer not in addresses:
        raise Reject(f"no address of {customer}")
    print("shipped to", addresses[customer])
    shipped.set()


async def main() -> None:
    async with bus:
        await bus.emit("order:placed", {"customer": "ada"}, mode=EventMode.ANYCAST)
        while not (letters := await bus.dead_letters.list()):
            await asyncio.sleep(0.01)
        for letter in letters:
            print("dead after attempt", letter.attempts, "in group", letter.group)

        addresses["ada"] = "12 St James's Square"
        await bus.dead_letters.redrive(letters[0].id)
        await shipped.wait()
        print("dead letters left:", len(await bus.dead_letters.list()))


asyncio.run(main())
