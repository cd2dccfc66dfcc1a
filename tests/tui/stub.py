"""A monitor over snapshots that a test hands it."""

from collections.abc import Mapping, Sequence

from eventbus_core.monitoring import (
    BusSnapshot,
    Capabilities,
    Monitor,
    TransportUnavailableError,
)
from eventbus_core.snapshots import DeliverySnapshot, StoredMessage
from eventbus_core.transport import Redriven, StoredDeadLetter
from tests.tui.pieces import snapshot as empty


class StubSource:
    """A `MonitorSource` that answers what the test says. Without a script it has no bus."""

    def __init__(self, *script: BusSnapshot) -> None:
        self.script: dict[str, list[BusSnapshot]] = {}
        """What each bus looks like, look after look; the last one stays."""
        self.stored: dict[str, list[StoredMessage]] = {}
        self.standing: Mapping[str, Sequence[DeliverySnapshot]] = {}
        """Where messages stand, by position."""
        self.letters: dict[str, list[StoredDeadLetter]] = {}
        self.acted: list[tuple[str, ...]] = []
        """What was asked for: ``redrive``, ``discard`` or ``drop_group``, the bus, and what of."""
        self.error: Exception | None = None
        self.looks = 0
        self.closed = False
        for snapshot in script:
            self.add(snapshot)

    def add(self, snapshot: BusSnapshot) -> None:
        """Next look: this."""
        self.script.setdefault(snapshot.bus, []).append(snapshot)

    def put(self, snapshot: BusSnapshot) -> None:
        """From the next look on: this."""
        self.script[snapshot.bus] = [snapshot]

    def lose(self, reason: str = "connection refused") -> None:
        """From now on the store does not answer."""
        self.error = TransportUnavailableError(reason)

    def find_again(self) -> None:
        self.error = None

    async def buses(self) -> Sequence[str]:
        self._answer()
        return sorted(self.script)

    async def snapshot(self, bus: str) -> BusSnapshot:
        self._answer()
        self.looks += 1
        script = self.script.get(bus) or [empty(bus=bus)]
        return script.pop(0) if len(script) > 1 else script[0]

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        self._answer()
        found = [
            message
            for message in self.stored.get(bus, [])
            if message.stored_ms >= since_ms and (until_ms is None or message.stored_ms <= until_ms)
        ]
        return found[-limit:]

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        self._answer()
        return self.standing.get(message.position, ())

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        self._answer()
        found = [
            letter
            for letter in self.letters.get(bus, [])
            if event in (None, letter.event) and group in (None, letter.group)
        ]
        ids = [letter.id for letter in found]
        start = ids.index(after) + 1 if after in ids else 0
        return found[start : start + limit]

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        self._answer()
        self.acted.append(("redrive", bus, dead_letter_id))
        return Redriven.DONE if self._take(bus, dead_letter_id) else Redriven.UNKNOWN

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        self._answer()
        self.acted.append(("discard", bus, dead_letter_id))
        return self._take(bus, dead_letter_id)

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        self._answer()
        self.acted.append(("drop_group", bus, event, group))
        return True

    async def close(self) -> None:
        self.closed = True

    def _answer(self) -> None:
        if self.error is not None:
            raise self.error

    def _take(self, bus: str, dead_letter_id: str) -> bool:
        letters = self.letters.get(bus, [])
        kept = [letter for letter in letters if letter.id != dead_letter_id]
        self.letters[bus] = kept
        return len(kept) < len(letters)


class StubMonitor(Monitor):
    """A monitor over a `StubSource`."""

    def __init__(self, *script: BusSnapshot, actions: bool = True) -> None:
        self.source = StubSource(*script)
        declared = Capabilities(
            durable=True, shared=True, failover=True, redrive=True, monitoring=True, actions=actions
        )
        super().__init__(self.source, declared)
