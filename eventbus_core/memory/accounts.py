"""What happened on one bus besides ordinary work, counted in the step that causes it."""

from collections import Counter, deque
from typing import Final

from ..clock import Clock
from ..snapshots import JournalEntry
from ..transport import Channel, ChannelKind

MOST_ENTRIES: Final = 1_000


class Accounts:
    """Totals by cause, and a journal of the newest exceptional steps.

    Nothing is called here for a message that is stored, handed out or handled: that is counted
    where the messages are.
    """

    def __init__(self, clock: Clock) -> None:
        self.totals: Counter[str] = Counter()
        self.journal: deque[JournalEntry] = deque(maxlen=MOST_ENTRIES)
        self._clock = clock

    def dead_letter(self, *, event: str, group: str, instance: str, reason: str) -> None:
        """One message could not be handled."""
        self.totals["dead letters"] += 1
        self._note("dead letter", event=event, group=group, instance=instance, reason=reason)

    def dead_letters(self, count: int, *, owner: str, name: str, reason: str) -> None:
        """All that an owner without a future had: an ``inbox``, or a ``group`` of an event."""
        if count:
            self.totals["dead letters"] += count
            self._note("dead letter", count=count, reason=reason, **{owner: name})

    def retried(self, channel: Channel, count: int, *, by: str) -> None:
        """Failed messages were set aside until they are tried again."""
        if count:
            self.totals["retries"] += count
            self._note("retry", channel=channel_name(channel), count=count, by=by)

    def taken_over(self, channel: Channel, count: int, *, by: str) -> None:
        """Messages that a dead incarnation had in hand were handed to another one."""
        if count:
            self.totals["taken over"] += count
            self._note("takeover", channel=channel_name(channel), count=count, by=by)

    def declared_dead(self, *, instance: str, incarnation: str) -> None:
        """A lease had run out."""
        self.totals["declared dead"] += 1
        self._note("declared dead", instance=instance, incarnation=incarnation)

    def redriven(self, *, event: str, to: str) -> None:
        """A dead letter went back to the group or instance that it belongs to."""
        self.totals["redriven"] += 1
        self._note("redrive", event=event, to=to)

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
