"""Publishing again what may have been stored already."""

from collections.abc import Sequence

from ..transport import Published

_REMEMBERED_BATCHES = 64


class Answered:
    """Answers to the newest batches, so that one that is sent again is not stored again."""

    def __init__(self) -> None:
        self._newest = -1
        self._answers: dict[int, Sequence[Published]] = {}

    def to(self, batch: int, size: int) -> Sequence[Published] | None:
        """What was answered to a batch of `size` messages; None when it is new."""
        if batch > self._newest:
            return None
        # Nobody repeats a batch that is older than those remembered; it was stored in any case.
        return self._answers.get(batch, (Published.STORED,) * size)

    def remember(self, batch: int, answers: Sequence[Published]) -> None:
        """Note the answers to a new batch."""
        self._newest = batch
        self._answers[batch] = answers
        if len(self._answers) > _REMEMBERED_BATCHES:
            del self._answers[next(iter(self._answers))]
