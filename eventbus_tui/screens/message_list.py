"""What a screen offers from which messages are opened."""

from typing import Protocol, runtime_checkable

from ..navigation import Place


@runtime_checkable
class MessageList(Protocol):
    """A screen with messages in an order."""

    def neighbour(self, key: str, step: int) -> Place | None:
        """The message `step` rows after (or before) the one whose place has that key; None at the
        end, or when that one is not there any more. The cursor goes along."""
        ...
