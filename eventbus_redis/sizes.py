"""How many bytes each stream takes: asked for some at each look, as it costs as much as a look."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .faults import ReplyError

Size = int | ReplyError | None
"""What MEMORY USAGE answered; None: no such key."""
_TURNS: Final = 20
_CHANGE: Final = 0.1


class Sizes:
    """The sizes of streams by key, at most twenty looks old; less when the length has changed by a
    tenth since."""

    def __init__(self) -> None:
        self.known: Mapping[str, Size] = {}
        self._lengths: Mapping[str, int] = {}
        self._asked_at: dict[str, int] = {}
        """Length when it was asked for."""
        self._turn = 0

    def turn(self, streams: Sequence[str]) -> list[str]:
        """Which of all streams are to be asked for now."""
        self._turn += 1
        return [
            stream
            for at, stream in enumerate(streams)
            if (at + self._turn) % _TURNS == 0 or self._is_old(stream)
        ]

    def note(self, lengths: Mapping[str, int], answers: Iterable[tuple[str, Any]]) -> None:
        """The lengths of all streams, and what was answered of some."""
        told = dict(answers)
        # New mappings: those that were given away do not change.
        self.known = {s: size for s, size in self.known.items() if s in lengths} | told
        self._asked_at = {s: n for s, n in self._asked_at.items() if s in lengths}
        self._asked_at |= {stream: lengths[stream] for stream in told}
        self._lengths = lengths

    def _is_old(self, stream: str) -> bool:
        if stream not in self.known:
            return True
        then, now = self._asked_at[stream], self._lengths.get(stream, 0)
        return abs(now - then) > then * _CHANGE
