import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from eventbus_core import EncodeError, EventBus, EventMode, Message

bus = EventBus("memory://")
done = asyncio.Event()


@dataclass
class Point:
    x: int
    y: int


@bus.on("sent")
async def show(message: Message) -> None:
    for name, value in message.data.items():
        print(f"{name:10} {value!r}")
    done.set()


PAYLOAD = {
    "tuple": (1, 2),
    "set": {3},
    "datetime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "timedelta": timedelta(seconds=90),
    "uuid": UUID(int=1),
    "decimal": Decimal("1.20"),
    "bytes": b"ab",
    "enum": EventMode.ANYCAST,
    "dataclass": Point(1, 2),
}


async def main() -> None:
    async with bus:
        await bus.emit("sent", PAYLOAD)
        await done.wait()
        try:
            await bus.emit("sent", {"rates": [1.0, float("nan")]})
        except EncodeError as error:
            print("refused at", error.path)


asyncio.run(main())
