"""What the handlers of whole buses were called with."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from ..bus import EventBus
from ..message import Message
from .kit import Kit

MOMENT: Final = 0.06
"""Seconds in which a second start of what was started once would have come."""
Then = Callable[[Message], Awaitable[object]]


class Calls:
    """Notes each start of a handler, over all buses that it made handlers for, in order of time."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.all: list[tuple[str, Message]] = []
        """The id of the bus, and what its handler was called with."""

    def handler(self, bus: EventBus, then: Then | None = None) -> Callable[[Message], Any]:
        """A handler for `bus` that notes its message and goes on with `then`."""

        async def handle(message: Message) -> None:
            self.all.append((bus.id, message))
            if then is not None:
                await then(message)

        return handle

    async def until(self, count: int, bus: EventBus | None = None, *, extra: float = 0.0) -> None:
        """Wait until there are so many, of all buses or of one. Raises as `Kit.until`."""
        where = "" if bus is None else f" on {bus.id}"

        def there() -> bool:
            return len(self.messages(bus)) >= count

        try:
            await self._kit.until(there, f"{count} calls of handlers{where}", extra=extra)
        except AssertionError as exc:
            exc.add_note(f"there were {self.attempts(bus)}")
            raise

    async def exactly(self, count: int) -> None:
        """Wait until there are so many, and for a moment in which no more may come. Raises
        AssertionError."""
        await self.until(count)
        await asyncio.sleep(MOMENT)
        assert len(self.all) == count, f"more than {count} calls of handlers: {self.attempts()}"

    def messages(self, bus: EventBus | None = None) -> list[Message]:
        """The messages of all buses, or of one."""
        return [message for where, message in self.all if bus is None or where == bus.id]

    def data(self, bus: EventBus | None = None) -> list[Any]:
        """Their payloads."""
        return [message.data for message in self.messages(bus)]

    def attempts(self, bus: EventBus | None = None) -> list[tuple[Any, int]]:
        """Payload and attempt of each."""
        return [(message.data, message.attempt) for message in self.messages(bus)]


async def emit_all(bus: EventBus, event: str, data: Iterable[object], **how: Any) -> list[str]:
    """Emit together, stored in this order; the ids."""
    return await asyncio.gather(*(bus.emit(event, each, **how) for each in data))
