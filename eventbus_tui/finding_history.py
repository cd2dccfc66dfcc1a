"""Which findings came and went while the monitor looked. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from eventbus_core.monitoring import BusView, Finding

KEPT: Final = 200


class Change(NamedTuple):
    """A finding that came or went."""

    at_ms: int
    came: bool
    finding: Finding


class FindingHistory:
    """The newest changes of one bus; starts anew with another bus."""

    def __init__(self) -> None:
        self._bus: str | None = None
        self._known: Mapping[tuple[str, str, str], Finding] = {}
        self._changes: deque[Change] = deque(maxlen=KEPT)

    def __iter__(self) -> Iterator[Change]:
        """Oldest first."""
        return iter(self._changes)

    def see(self, view: BusView) -> None:
        """Compare with the view before. What was wrong at the first look did not come then."""
        now = {(x.code, x.subject.kind, x.subject.key): x for x in view.findings}
        at_ms = view.snapshot.at_ms
        if view.snapshot.bus != self._bus:
            self._bus = view.snapshot.bus
            self._changes.clear()
        elif now.keys() != self._known.keys():
            gone = (x for key, x in self._known.items() if key not in now)
            self._changes.extend(Change(at_ms, False, finding) for finding in gone)
            new = (x for key, x in now.items() if key not in self._known)
            self._changes.extend(Change(at_ms, True, finding) for finding in new)
        self._known = now
