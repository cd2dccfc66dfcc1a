"""The boundary between the monitor and a transport that declares `monitoring`."""

from collections.abc import Sequence
from typing import Protocol

from .snapshots import BusSnapshot, DeliverySnapshot, StoredMessage
from .transport import Redriven, StoredDeadLetter


class MonitorSource(Protocol):
    """Looks at the buses of one store without taking part in any.

    It reads only: no message is taken, no lease held, nothing is created, and no call scans the
    whole store. Every call raises TransportUnavailableError when the store cannot be reached;
    the next one tries again. Calls may overlap, and may be cancelled at any await. What it holds
    open is opened by the first call and freed by `close`.
    """

    async def buses(self) -> Sequence[str]:
        """Names of the buses that are stored, sorted."""
        ...

    async def snapshot(self, bus: str) -> BusSnapshot:
        """The bus now, from one look at the store. A bus that is not stored is an empty one."""
        ...

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        """The newest `limit` kept messages of all streams stored in [since_ms, until_ms], oldest
        first."""
        ...

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        """Where one of these messages stands: an answer for each group or inbox that gets it; none
        for a broadcast."""
        ...

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        """As `Session.dead_letters`. Asked only of transports with `redrive`."""
        ...

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        """As `Session.redrive`. This and the next two are asked only of those with `actions`."""
        ...

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        """As `Session.discard`."""
        ...

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        """Remove a group without a live member; its unhandled messages become dead letters. False
        when there is no such group, or somebody works in it."""
        ...

    async def close(self) -> None:
        """Free everything. Idempotent."""
        ...
