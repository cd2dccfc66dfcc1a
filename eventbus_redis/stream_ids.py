"""Ids of stream entries: ``milliseconds-sequence``, as bytes from the server."""

from typing import Final

ZERO: Final = b"0-0"
_SEQUENCE_BITS: Final = 64


def position(entry_id: bytes) -> int:
    """A number that sorts like the id."""
    ms, _, sequence = entry_id.partition(b"-")
    return (int(ms) << _SEQUENCE_BITS) | int(sequence or 0)


def from_position(value: int) -> bytes:
    return b"%d-%d" % (value >> _SEQUENCE_BITS, value & ((1 << _SEQUENCE_BITS) - 1))


def after(entry_id: bytes) -> bytes:
    """The next possible id: an exclusive start that servers before 6.2 know too."""
    return from_position(position(entry_id) + 1)


def minus_ms(entry_id: bytes, milliseconds: int) -> bytes:
    """The first possible id of that many milliseconds earlier."""
    ms = int(entry_id.partition(b"-")[0])
    return b"%d-0" % max(0, ms - milliseconds)


def sortable(entry_id: bytes) -> str:
    """The id as a text that sorts like it."""
    ms, _, sequence = entry_id.partition(b"-")
    return f"{int(ms):015d}-{int(sequence):010d}"


def from_sortable(text: str) -> bytes | None:
    """Back from `sortable`; None when it is not such a text."""
    ms, dash, sequence = text.partition("-")
    if not dash or not (ms.isascii() and ms.isdigit() and sequence.isascii()):
        return None
    return b"%d-%d" % (int(ms), int(sequence)) if sequence.isdigit() else None
