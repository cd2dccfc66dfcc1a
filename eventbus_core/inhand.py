"""One delivery in this instance's hands: from fetched to settled, over all its handlers."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any, Protocol

from .message import Message
from .progress import Progress, read_note
from .registry import Binding
from .transport import ChannelKind, Death, Delivery, Outcome, Session, Settlement


class Ending(Enum):
    """How one handler's part of a delivery ended here."""

    DONE = auto()
    FAILED = auto()
    """To be set aside for another attempt (anycast)."""
    DEAD = auto()
    GIVEN_BACK = auto()
    """Not started here, or not to its end because the bus closed. Not charged."""
    GONE = auto()
    """The handler was removed before it was started."""


class Settle(Protocol):
    def __call__(self, session: Session, settlement: Settlement) -> None: ...


class InHand:
    """Collects how each local handler of one delivery ended, then settles it once."""

    __slots__ = (
        "_ended",
        "_left",
        "_settle",
        "delay",
        "delivery",
        "message",
        "progress",
        "session",
        "size",
        "starts",
    )

    def __init__(
        self,
        session: Session,
        delivery: Delivery,
        message: Message[Any],
        handlers: int,
        settle: Settle,
    ) -> None:
        self.session = session
        self.delivery = delivery
        self.message = message
        self.size = len(delivery.data)
        self.delay = 0.0
        self.progress: Progress | None = read_note(delivery.note) if delivery.note else None
        self._left = handlers
        self._ended: list[tuple[Binding, Ending]] | None = [] if handlers > 1 else None
        self._settle = settle
        self.starts = delivery.starts

    def open_for(self, binding: Binding) -> bool:
        """Whether this handler's part has not ended yet."""
        if self._ended is None:
            return self._left > 0
        return all(known is not binding for known, _ in self._ended)

    @property
    def past(self) -> int:
        """Starts of a handler before this delivery."""
        return self.delivery.starts

    def started(self, attempt: int) -> None:
        """A handler of it has been started for the `attempt`-th time."""
        self.starts = max(self.starts, attempt)

    def uncharge(self, attempt: int) -> None:
        """That start does not count: the bus closed under it."""
        self.starts = min(self.starts, attempt - 1)

    def ended(
        self, binding: Binding, ending: Ending, *, delay: float = 0.0, death: Death | None = None
    ) -> bool:
        """One handler has ended; returns whether that settled the delivery. Its second ending
        is ignored: a handler that closes its own bus ends twice."""
        if not self.open_for(binding):
            return False
        if death is not None:
            self._progress().death = self._progress().death or death
        self.delay = max(self.delay, delay)
        self._left -= 1
        if self._ended is None:
            endings: Sequence[tuple[Binding, Ending]] = ((binding, ending),)
        else:
            self._ended.append((binding, ending))
            if self._left:
                return False
            endings = self._ended
        self._settle(self.session, self._settlement(endings))
        return True

    def _progress(self) -> Progress:
        if self.progress is None:
            self.progress = Progress()
        return self.progress

    def _settlement(self, endings: Sequence[tuple[Binding, Ending]]) -> Settlement:
        kinds = {ending for _, ending in endings}
        if kinds == {Ending.DONE} and self.progress is None:
            return Settlement(self.delivery, Outcome.DONE)
        again = kinds & {Ending.FAILED, Ending.GIVEN_BACK}
        if self.delivery.channel.kind is ChannelKind.WORK and kinds == {Ending.GONE}:
            # Nobody here handles it any more: others of the group may.
            again = kinds
        if again:
            if len(endings) > 1:
                through = (Ending.DONE, Ending.DEAD, Ending.GONE)
                self._progress().finished += [b.name for b, e in endings if e in through]
            failed = Ending.FAILED in kinds
            return Settlement(
                self.delivery,
                Outcome.FAILED if failed else Outcome.RELEASED,
                delay=self.delay if failed else 0.0,
                note=self.progress.note() if self.progress is not None else "",
                starts=self.starts,
            )
        if self.progress is not None and self.progress.death is not None:
            return Settlement(self.delivery, Outcome.DEAD, death=self.progress.death)
        return Settlement(self.delivery, Outcome.DONE)
