"""Reading a bus's journal from one look to the next."""

from collections.abc import Iterator, Sequence

from ..snapshots import JournalEntry


def added(before: Sequence[JournalEntry], after: Sequence[JournalEntry]) -> Sequence[JournalEntry]:
    """The entries of `after` that came since `before`: a journal grows at its end, and forgets at
    its beginning. All of them when the two share nothing."""
    if not before or not after or after is before:
        return () if after is before else after
    for forgotten in range(len(before)):
        kept = len(before) - forgotten
        if before[forgotten] == after[0] and before[forgotten:] == after[:kept]:
            return after[kept:]
    return after


def since(journal: Sequence[JournalEntry], at_ms: int) -> Iterator[JournalEntry]:
    """The entries from `at_ms` on, newest first."""
    for entry in reversed(journal):
        if entry.at_ms < at_ms:
            return
        yield entry


def figure(entry: JournalEntry, name: str, default: int) -> int:
    """A number among its details; `default` when it is not there or cannot be read."""
    text = entry.details.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else default
