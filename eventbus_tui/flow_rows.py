"""One row of the flow: a stored message, or an entry of the journal. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from eventbus_core.monitoring import BusView, ChannelKind, EventMode, JournalEntry, SampledMessage

from .format import clean, cut
from .rows.figures import mode_of
from .rows.journal import names_of
from .rows.journal_words import kind_cell, sentence
from .table import Cell, Level

PREVIEW: Final = 200
"""Characters of a payload that are kept."""
_SNIPPET: Final = 400
"""Bytes of which they are made."""
_MODE_KINDS: Final = {
    EventMode.BROADCAST: ChannelKind.BROADCAST,
    EventMode.UNICAST: ChannelKind.INBOX,
    EventMode.ANYCAST: ChannelKind.WORK,
}

MessageKey: TypeAlias = tuple[ChannelKind, str, str]
"""Stream and position: what makes two samples the same message."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A stored message, without its payload."""

    order: int
    """What it is sorted by, with `number`: milliseconds, never far before what came earlier."""
    number: int
    """Counts the rows; unique."""
    stored_ms: int
    kind: ChannelKind
    stream: str
    position: str
    id: str
    event: str
    mode: EventMode | None
    source: str
    target: str
    size: int
    snippet: bytes
    """The first bytes of the payload; read only when the row is shown or searched."""
    problem: str
    """Why it cannot be read."""

    @property
    def preview(self) -> str:
        """The beginning of the payload on one line."""
        if self.problem:
            return cut(clean(self.problem), PREVIEW)
        text = self.snippet.decode("utf-8", "backslashreplace")
        return cut(clean(text), PREVIEW)


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An exceptional step that happened meanwhile."""

    order: int
    number: int
    stored_ms: int
    entry: JournalEntry
    told: tuple[Cell, ...]
    """In words; harmless already."""
    level: Level


FlowRow: TypeAlias = MessageRow | JournalRow


def message_row(message: SampledMessage, order: int, number: int) -> MessageRow:
    """What is kept of a sampled message."""
    return MessageRow(
        order=order,
        number=number,
        stored_ms=message.stored_ms,
        kind=message.kind,
        stream=message.stream,
        position=message.position,
        id=message.id,
        event=message.event,
        mode=message.mode,
        source=message.source,
        target=message.target or "",
        size=message.size,
        snippet=bytes(message.body[:_SNIPPET]),
        problem=message.problem,
    )


def journal_row(
    entry: JournalEntry, order: int, number: int, names: Mapping[str, str]
) -> JournalRow:
    """An entry in words; `names` gives the instance id of an incarnation."""
    kind = kind_cell(entry)
    told = Cell(f" {sentence(entry, names)}")
    return JournalRow(order, number, entry.at_ms, entry, (kind, told), kind.level)


class Audience:
    """Who gets a message, as far as the newest look at the bus tells."""

    def __init__(self, view: BusView | None = None) -> None:
        groups: dict[str, list[str]] = {}
        self.names: Mapping[str, str] = {}
        """Incarnation -> instance id."""
        self._listeners: dict[str, int] = {}
        if view is not None:
            self.names = names_of(view)
            for group in view.groups:
                if group.snapshot.event:
                    groups.setdefault(group.snapshot.event, []).append(group.snapshot.name)
            for instance in view.snapshot.instances:
                for subscription in instance.subscriptions:
                    if subscription.mode is EventMode.BROADCAST:
                        known = self._listeners.get(subscription.event, 0)
                        self._listeners[subscription.event] = known + 1
        self._groups = {event: tuple(sorted(names)) for event, names in groups.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Audience):
            return NotImplemented
        return (self._groups, self._listeners) == (other._groups, other._listeners)

    def groups(self, row: MessageRow) -> tuple[str, ...]:
        """The groups that get an anycast message."""
        if row.kind is not ChannelKind.WORK:
            return ()
        return self._groups.get(row.event or row.stream, ())

    def told(self, row: MessageRow) -> str:
        """``billing, mail``, the target, or ``all (4 instances)``."""
        if row.kind is ChannelKind.INBOX:
            return clean(row.target or row.stream)
        if row.kind is ChannelKind.WORK:
            return clean(", ".join(self.groups(row))) or "no group yet"
        listeners = self._listeners.get(row.event, 0)
        return f"all ({listeners} instance{'' if listeners == 1 else 's'})"


def row_text(row: FlowRow, audience: Audience) -> str:
    """All that a row shows, to be searched."""
    if isinstance(row, JournalRow):
        return "".join(cell.text for cell in row.told)
    look = mode_of(row.kind)
    return " ".join(
        (look.word, clean(row.event), clean(row.source), audience.told(row), row.id, row.preview)
    )


def row_values(row: FlowRow, audience: Audience) -> dict[str, str | float]:
    """What filters may ask for by name."""
    if isinstance(row, JournalRow):
        details = row.entry.details
        event, _, group = details.get("channel", "").partition(" ")
        return {
            "kind": row.entry.kind,
            "mode": "",
            "event": details.get("event", event),
            "group": details.get("group", group),
            "source": "",
            "target": details.get("instance", details.get("to", "")),
            "id": "",
        }
    return {
        "kind": "message",
        "mode": mode_of(row.kind).word,
        "event": row.event,
        "group": " ".join(audience.groups(row)),
        "source": row.source,
        "target": row.target,
        "size": float(row.size),
        "id": row.id,
    }
