"""What happened on one bus besides ordinary work, counted in the step that causes it."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from ..clock import Clock
from ..snapshots import JournalEntry
from ..transport import Channel, ChannelKind
from .queue import Hold

MOST_ENTRIES: Final = 1_000
_POSITIONS: Final = 20
_OWNERS: Final = 5


class Accounts:
    """Totals by cause, and a journal of the newest exceptional steps.

    Nothing is called here for a message that is stored, handed out or handled: that is counted
    where the messages are.
    """

    def __init__(self, clock: Clock) -> None:
        self.totals: Counter[str] = Counter()
        self.journal: deque[JournalEntry] = deque(maxlen=MOST_ENTRIES)
        self._clock = clock

    def dead_letter(
        self, *, event: str, group: str, instance: str, reason: str, position: str
    ) -> None:
        """One message could not be handled."""
        self.totals["dead letters"] += 1
        self._note(
            "dead letter",
            event=event,
            group=group,
            instance=instance,
            reason=reason,
            position=position,
        )

    def dead_letters(self, positions: Sequence[str], *, owner: str, name: str, reason: str) -> None:
        """All that an owner without a future had: an ``inbox``, or a ``group`` of an event."""
        if positions:
            self.totals["dead letters"] += len(positions)
            details = {owner: name, "positions": _some(positions, _POSITIONS)}
            self._note("dead letter", count=len(positions), reason=reason, **details)

    def retried(self, channel: Channel, holds: Sequence[Hold], *, by: str) -> None:
        """Failed messages were set aside until they are tried again."""
        self.totals["retries"] += len(holds)
        self._note("retry", channel=channel_name(channel), by=by, **_named(holds))

    def taken_over(self, channel: Channel, holds: Sequence[Hold], *, by: str) -> None:
        """Messages that dead incarnations had in hand were handed to another one."""
        if holds:
            self.totals["taken over"] += len(holds)
            owners = dict.fromkeys(hold.previous for hold in holds)
            details = {"from": _some(owners, _OWNERS), **_named(holds)}
            self._note("takeover", channel=channel_name(channel), by=by, **details)

    def declared_dead(self, *, instance: str, incarnation: str) -> None:
        """A lease had run out."""
        self.totals["declared dead"] += 1
        self._note("declared dead", instance=instance, incarnation=incarnation)

    def redriven(self, *, event: str, to: str, position: str) -> None:
        """A dead letter went back to the group or instance that it belongs to."""
        self.totals["redriven"] += 1
        self._note("redrive", event=event, to=to, position=position)

    def discarded(self) -> None:
        """A dead letter was deleted by hand."""
        self.totals["discarded"] += 1

    def refused_fenced(self) -> None:
        """A call of an incarnation that is not alive any more."""
        self.totals["refused: fenced"] += 1

    def lost(self, what: str, count: int) -> None:
        """Messages are gone that somebody had yet to handle or to look at."""
        if count:
            self.totals[f"lost: {what}"] += count
            self._note("loss", count=count, cause=what)

    def group_dropped(self, *, event: str, group: str, reason: str) -> None:
        """A group without members was removed."""
        self._note("group dropped", event=event, group=group, reason=reason)

    def _note(self, kind: str, **details: str | int) -> None:
        at_ms = round(self._clock.time() * 1000)
        texts = {name: str(value) for name, value in details.items()}
        self.journal.append(JournalEntry(at_ms=at_ms, kind=kind, details=texts))


def channel_name(channel: Channel) -> str:
    """``event group`` (names have no spaces); empty for an inbox."""
    return f"{channel.event} {channel.group}" if channel.kind is ChannelKind.WORK else ""


def _named(holds: Sequence[Hold]) -> dict[str, str | int]:
    items = [hold.item for hold in holds]
    return {
        "count": len(items),
        "positions": _some((str(item.entry.number) for item in items), _POSITIONS),
        "starts": max(item.starts for item in items),
    }


def _some(words: Iterable[str], most: int) -> str:
    return " ".join(islice(words, most))
