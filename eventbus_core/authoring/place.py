"""How far an instance has come in the broadcasts."""

from collections.abc import Iterable, Sequence

from ..transport import ChannelKind, Delivery, Outcome, Settlement


class Place:
    """Where one session stands in the broadcasts, for the one after it."""

    def __init__(self, value: int | None = None, ahead: Iterable[int] = ()) -> None:
        self._read = value
        self._open: set[int] = set()
        self._ahead = set(ahead)

    @property
    def value(self) -> int | None:
        """Everything up to this position is settled; None: nothing was handed out yet."""
        return min(self._open) - 1 if self._open else self._read

    @property
    def ahead(self) -> Sequence[int]:
        """What is settled beyond it."""
        return sorted(self._ahead)

    def taken(self, deliveries: Sequence[Delivery]) -> None:
        """Note what was handed out."""
        for delivery in deliveries:
            if delivery.channel.kind is ChannelKind.BROADCAST:
                self._open.add(delivery.position)
                self._read = max(self._read or 0, delivery.position)

    def settled(self, settlements: Sequence[Settlement]) -> None:
        """Note what was settled."""
        for settlement in settlements:
            position = settlement.delivery.position
            if position in self._open and settlement.outcome in (Outcome.DONE, Outcome.DEAD):
                self._open.remove(position)
                self._ahead.add(position)
        passed = self.value or 0
        self._ahead = {position for position in self._ahead if position > passed}
