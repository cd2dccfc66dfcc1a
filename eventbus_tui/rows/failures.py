"""What could not be handled: dead letters, by kind and one by one, and work that is tried again."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eventbus_core.monitoring import BusView, ChannelKind, EventMode, GroupView, JournalEntry

from .. import format
from ..format import clean
from ..letter_book import Letter
from ..marks import Marks
from ..table import Cell, Column, Level, Row
from .figures import mode_of
from .journal import names_of
from .journal_words import kind_cell, sentence

SHOWN_ERRORS: Final = 300
"""Entries of the journal."""
_MODE_KINDS: Final = {
    EventMode.BROADCAST: ChannelKind.BROADCAST,
    EventMode.UNICAST: ChannelKind.INBOX,
    EventMode.ANYCAST: ChannelKind.WORK,
}

KINDS: Final = (
    Column(name="COUNT", width=9, right=True, biggest_first=True),
    Column(name="EVENT", width=14, priority=2),
    Column(name="GROUP", width=14),
    Column(name="ERROR", width=14, grows=True),
    Column(name="FIRST", width=8, priority=4, right=True, biggest_first=True),
    Column(name="LAST", width=8, right=True, biggest_first=True),
)
"""Dead letters that have event, owner and kind of error in common."""

AGAIN: Final = (
    Column(name="GROUP@STREAM", width=16, grows=True),
    Column(name="WAITING", width=8, right=True, biggest_first=True),
    Column(name="SET ASIDE", width=9, right=True, biggest_first=True),
    Column(name="RETRIES", width=8, right=True, biggest_first=True),
    Column(name="LAST RETRY", width=12, priority=2, right=True, biggest_first=True),
)
"""Groups and inboxes with messages that are tried again."""

ERRORS: Final = (
    Column(name="TIME", width=8, biggest_first=True),
    Column(name="WHAT", width=13),
    Column(name="ABOUT", width=16, grows=True),
)
"""The journal."""

LETTERS: Final = (
    Column(name="DIED", width=9, biggest_first=True),
    Column(name="EVENT", width=14, priority=2),
    Column(name="GROUP", width=14, priority=1),
    Column(name="TRIED", width=5, right=True, priority=3, biggest_first=True),
    Column(name="ERROR", width=16, grows=True),
    Column(name="MESSAGE", width=32, priority=4),
)
"""Dead letters one by one."""


@dataclass(frozen=True, slots=True)
class LetterKind:
    """Letters that have event, owner and kind of error in common, oldest first."""

    key: str
    letters: tuple[Letter, ...]


def kinds_of(letters: Iterable[Letter]) -> dict[str, LetterKind]:
    """By key."""
    found: dict[str, list[Letter]] = {}
    for each in letters:
        found.setdefault(kind_key(each), []).append(each)
    return {key: LetterKind(key, tuple(group)) for key, group in found.items()}


def kind_key(letter: Letter) -> str:
    """What letters of one kind have in common."""
    return "\x1f".join(
        (letter.event, letter.group, "" if letter.group else letter.instance, letter.error_type)
    )


def kind_title(kind: LetterKind) -> str:
    """For breadcrumb and dialog: ``TimeoutError in billing@orders``."""
    first = kind.letters[0]
    event = f"@{first.event}" if first.event else ""
    return clean(f"{first.error_type} in {first.owner}{event}")


def kind_rows(kinds: Mapping[str, LetterKind], marked: Collection[str]) -> tuple[Row, ...]:
    """One for each kind of dead letter."""
    return tuple(_kind_row(kind, kind.key in marked) for kind in kinds.values())


def _kind_row(kind: LetterKind, marked: bool) -> Row:
    first, last, count = kind.letters[0], kind.letters[-1], len(kind.letters)
    return Row(
        key=kind.key,
        cells=(
            _mark(f"{count:,}", marked),
            Cell(clean(first.event) or format.UNKNOWN),
            _owner_cell(first),
            Cell(clean(first.error_type), "crit"),
            Cell(format.clock(first.died_ms), "dim"),
            Cell(format.clock(last.died_ms)),
        ),
        sort=(count, first.event, first.owner, first.error_type, first.died_ms, last.died_ms),
        values={**_letter_values(last), "count": float(count)},
        problem=True,
    )


def letter_rows(letters: Iterable[Letter], marked: Collection[str]) -> tuple[Row, ...]:
    """One for each dead letter."""
    return tuple(_letter_row(each, each.id in marked) for each in letters)


def _letter_row(letter: Letter, marked: bool) -> Row:
    error = clean(letter.error or letter.reason)
    return Row(
        key=letter.id,
        cells=(
            _mark(format.clock(letter.died_ms), marked),
            Cell(clean(letter.event) or format.UNKNOWN),
            _owner_cell(letter),
            Cell(format.count(letter.attempts)),
            Cell(error),
            Cell(letter.message_id or "cannot be decoded", "dim"),
        ),
        sort=(
            letter.died_ms,
            letter.event,
            letter.owner,
            letter.attempts,
            error,
            letter.message_id,
        ),
        values=_letter_values(letter),
        problem=True,
    )


def _mark(text: str, marked: bool) -> Cell:
    return Cell(f"*{text}", "warn") if marked else Cell(text)


def _owner_cell(letter: Letter) -> Cell:
    if letter.group:
        return Cell(clean(letter.group), "anycast")
    level: Level = ""
    if letter.mode is not None:
        level = mode_of(_MODE_KINDS[letter.mode]).level
    return Cell(clean(letter.instance), level)


def _letter_values(letter: Letter) -> dict[str, str | float]:
    return {
        "event": letter.event,
        "mode": str(letter.mode or ""),
        "group": letter.group,
        "instance": letter.instance,
        "error": letter.error_type,
        "reason": letter.reason,
        "tried": float(letter.attempts),
        "id": letter.message_id,
    }


# What is tried again


def again_rows(view: BusView, marks: Marks) -> tuple[Row, ...]:
    """Groups and inboxes that have messages set aside or handed back, or had retries lately."""
    retries, last = Counter[str](), dict[str, int]()
    for entry in view.snapshot.journal:
        if entry.kind == "retry":
            key = _group_key(entry, view)
            count = entry.details.get("count", "1")
            retries[key] += int(count) if count.isdecimal() else 1
            last[key] = entry.at_ms
    return tuple(
        _again_row(group, retries[group.key], last.get(group.key))
        for group in view.groups
        if group.snapshot.waiting or group.snapshot.delayed or retries[group.key]
    )


def _group_key(entry: JournalEntry, view: BusView) -> str:
    channel = entry.details.get("channel", "")
    if channel:
        return f"work {channel}"
    # An inbox is named by who has it.
    life = entry.details.get("by", "")
    owner = next((each.id for each in view.instances if each.key == life), "")
    return f"inbox {owner}"


def _again_row(group: GroupView, retries: int, last_ms: int | None) -> Row:
    of = group.snapshot
    waiting, delayed = of.waiting or 0, of.delayed or 0
    return Row(
        key=group.key,
        cells=(
            Cell(clean(group.name), mode_of(of.kind).level),
            Cell(format.count(of.waiting), "warn" if group.orphaned else ""),
            Cell(format.count(of.delayed)),
            Cell(format.count(retries)),
            Cell(format.clock(last_ms)),
        ),
        sort=(group.name, waiting, delayed, retries, last_ms or 0),
        values={
            "event": of.event,
            "group": of.name,
            "mode": mode_of(of.kind).word,
            "waiting": float(waiting),
            "delayed": float(delayed),
            "retries": float(retries),
        },
        problem=bool(waiting or delayed),
    )


# What the journal tells


def error_rows(view: BusView, marks: Marks) -> tuple[Row, ...]:
    """The newest entries of the journal."""
    names = names_of(view)
    entries: Sequence[JournalEntry] = view.snapshot.journal[-SHOWN_ERRORS:]
    seen = Counter[str]()
    rows = []
    for number, entry in enumerate(entries):
        base = f"{entry.at_ms} {entry.kind} {entry.details.get('position', '')}"
        seen[base] += 1  # several may happen in one millisecond
        rows.append(_error_row(entry, f"{base} {seen[base]}", number, names))
    return tuple(rows)


def _error_row(entry: JournalEntry, key: str, number: int, names: Mapping[str, str]) -> Row:
    kind, told = kind_cell(entry), sentence(entry, names)
    sign = {"crit": "crit", "warn": "warn"}.get(kind.level, "")
    details = entry.details
    event, _, group = details.get("channel", "").partition(" ")
    return Row(
        key=key,
        cells=(Cell(format.clock(entry.at_ms), "dim"), kind, Cell(told)),
        sort=(float(entry.at_ms) + number / 1_000_000, entry.kind, told),
        values={
            "kind": entry.kind,
            "event": details.get("event", event),
            "group": details.get("group", group),
            "instance": details.get("instance", ""),
            "reason": details.get("reason", details.get("cause", "")),
        },
        problem=bool(sign),
    )


def entry_of(view: BusView, key: str) -> JournalEntry | None:
    """The entry of a row of `error_rows`."""
    seen = Counter[str]()
    for entry in view.snapshot.journal[-SHOWN_ERRORS:]:
        base = f"{entry.at_ms} {entry.kind} {entry.details.get('position', '')}"
        seen[base] += 1
        if f"{base} {seen[base]}" == key:
            return entry
    return None
