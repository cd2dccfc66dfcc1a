"""The monitor's source, in transactions that only read."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..snapshots import BusSnapshot, DeliverySnapshot, StoredMessage
from ..transport import ChannelKind, Redriven, StoredDeadLetter
from .books import Queue
from .bus import BusTransaction
from .client import Client
from .snapshot import deliveries_of, snapshot_of, stored_message

R = TypeVar("R")
_ALWAYS_MS = 2**62


class TransactionalMonitor:
    """`MonitorSource` over the transactions of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def buses(self) -> Sequence[str]:
        """See `MonitorSource.buses`."""
        return await self._run("", lambda bus: sorted(bus.buses()))

    async def snapshot(self, bus: str) -> BusSnapshot:
        """See `MonitorSource.snapshot`."""
        return await self._run(bus, snapshot_of)

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        """See `MonitorSource.messages`."""
        until_ms = _ALWAYS_MS if until_ms is None else until_ms
        found = await self._run(bus, lambda step: step.recent(limit, since_ms, until_ms))
        return [stored_message(stored) for stored in found]

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        """See `MonitorSource.deliveries`."""
        return await self._run(bus, lambda step: list(deliveries_of(step, message)))

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        """See `MonitorSource.dead_letters`."""
        return await self._run(bus, lambda step: step.dead_letters(limit, after, event, group))

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        """See `MonitorSource.redrive`."""
        return await self._run(bus, lambda step: step.redrive(dead_letter_id), write=True)

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        """See `MonitorSource.discard`."""
        return await self._run(bus, lambda step: step.discard(dead_letter_id), write=True)

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        """See `MonitorSource.drop_group`."""
        key = Queue(ChannelKind.WORK, event, group).key
        return await self._run(bus, lambda step: _drop_group(step, key), write=True)

    async def close(self) -> None:
        """See `MonitorSource.close`."""
        await self._client.close()

    async def _run(self, bus: str, ask: Callable[[BusTransaction], R], *, write: bool = False) -> R:
        def step() -> R:
            with self._client.transaction(bus, write=write) as transaction:
                return ask(transaction)

        return await self._client.run(step)


def _drop_group(bus: BusTransaction, key: str) -> bool:
    queue = bus.books.queues.get(key)
    worked = {queue.key for life in bus.living() for queue in life.queues()}
    if queue is None or key in worked:
        return False
    bus.drop(queue, "group removed")
    return True
