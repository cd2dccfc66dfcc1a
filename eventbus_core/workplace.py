"""What a lane needs from the bus around it."""

from typing import Protocol

from .clock import Clock
from .gate import Gate
from .inhand import InHand
from .registry import Binding
from .stats import Counters
from .threads import HandlerThreads
from .transport import ChannelKind, Session


class Workplace(Protocol):
    """Shared by all lanes of one bus; the dispatcher is it."""

    clock: Clock
    gate: Gate
    threads: HandlerThreads
    counters: Counters
    lease: float

    @property
    def session(self) -> Session | None:
        """The session that is alive now; a message of another one must not be started."""

    @property
    def lease_until(self) -> float:
        """On the clock: no handler starts after this before the lease was renewed."""

    async def lease_renewed(self, session: Session) -> None:
        """Wait until `lease_until` is in the future, or `session` has ended."""

    def counts_starts(self, kind: ChannelKind) -> bool:
        """Whether starts of a handler are recorded for this kind of channel."""

    def fenced(self, session: Session) -> None:
        """The store refused `session`."""

    def retire(self, binding: Binding) -> None:
        """A `once` has its message."""

    def restore(self, binding: Binding) -> None:
        """It gave the message back without starting it."""

    def settled(self, item: InHand) -> None:
        """All handlers of a delivery have ended."""

    def freed(self, item: InHand, lane: object) -> None:
        """A handler has ended, so that there is room."""

    def incident(self, kind: str, item: InHand, binding: Binding, text: str) -> None:
        """Something exceptional happened to a message."""
