"""One instance of the shop: its bus, what it sends of itself, what the plan changes about it."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Final, Literal

from ..bus import EventBus
from ..errors import EventBusError, InstanceIdInUseError, TransportUnavailableError
from .cast import OPTIONS, trade_of
from .plan import Action, Step
from .traffic import Sending, streams_of

_TICK: Final = 0.1
"""Seconds between two looks at what is due: what is sent together is written together."""
_MOST_LATE: Final = 1.0
"""Seconds by which sending may be behind before it gives up the past."""
_START_AGAIN: Final = 0.5
_SENDS_ONLY: Final = ("pricing",)


class Worker:
    """An instance. What it does with messages is in `trades`."""

    def __init__(self, instance: str, *, url: str, bus: str, seed: int) -> None:
        self.trade = trade_of(instance)
        role: Literal["publisher", "both"] = "publisher" if self.trade in _SENDS_ONLY else "both"
        self.bus = EventBus(
            url, name=bus, instance_id=instance, group=self.trade, role=role, **OPTIONS
        )
        self.hangs = False
        self.refuses = False
        self._slowness = 1.0
        self._rush: dict[str, float] = {}
        self._faults: deque[str] = deque()
        self._rng = Random(f"{instance} {seed}")
        self._streams = streams_of(instance, seed)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join, however long the store needs, and begin to send."""
        while True:
            try:
                await self.bus.init()
                break
            except (TransportUnavailableError, InstanceIdInUseError):
                await asyncio.sleep(_START_AGAIN)
        for event, stream in self._streams.items():
            name = f"demo-send:{self.bus.id}:{event}"
            self._tasks.append(asyncio.create_task(self._send(event, stream), name=name))

    async def stop_sending(self) -> None:
        """End what `start` began, besides the bus."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def apply(self, step: Step) -> None:
        """Change something about it."""
        match step.action:
            case Action.SLOW:
                self._slowness = step.factor
            case Action.RUSH:
                self._rush[step.detail] = step.factor
            case Action.SPOIL:
                self._faults.append(step.detail)
            case Action.HANG:
                self.hangs = True
            case Action.REFUSE:
                self.refuses = True
            case Action.KILL | Action.START:
                raise ValueError(f"{step.action} is for processes")

    async def work(self, least: float, most: float) -> None:
        """Take between `least` and `most` seconds for something, or longer when slowed down."""
        if self.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(self._rng.uniform(least, most) * self._slowness)

    async def emit(self, event: str, data: Any, **options: Any) -> None:
        """Emit. What the store refuses is lost: the counters of the bus tell."""
        try:
            await self.bus.emit(event, data, **options)
        except EventBusError:
            return

    async def _send(self, event: str, stream: Iterator[Sending]) -> None:
        loop = asyncio.get_running_loop()
        sending = next(stream)
        due = loop.time() + sending.after
        while True:
            await asyncio.sleep(_TICK)
            now = loop.time()
            due = max(due, now - _MOST_LATE)
            batch: list[Sending] = []
            while due <= now:
                batch.append(sending)
                sending = next(stream)
                due += sending.after / self._rush.get(event, 1.0)
            await asyncio.gather(*map(self._send_one, batch))

    async def _send_one(self, sending: Sending) -> None:
        data = sending.data
        if self._faults and sending.event == "order:placed":
            data = spoiled(data, self._faults.popleft())
        await self.emit(
            sending.event, data, mode=sending.mode, target=sending.target, headers=sending.headers
        )


def spoiled(order: Mapping[str, Any], fault: str) -> Mapping[str, Any]:
    """The order with a fault that somebody stumbles over."""
    match fault:
        case "address":
            return {**order, "customer": {**order["customer"], "email": "the old lighthouse"}}
        case "currency":
            return {**order, "currency": "shells"}
        case _:
            anvil = {"item": "anvil", "price": 0.01, "count": 1, "kilograms": 4_000}
            return {**order, "lines": [*order["lines"], anvil]}
