"""Reading replies of a server in which another program may have written anything."""

from collections.abc import Sequence
from typing import Any


def text(raw: bytes) -> str:
    """A text; what another program wrote must not stop a monitor."""
    return raw.decode("utf-8", "replace")


def number(raw: bytes | None) -> int:
    """An integer; 0 where there is none."""
    try:
        return int(raw or 0)
    except ValueError:
        return 0


def fields(flat: Sequence[bytes]) -> dict[str, bytes]:
    """A flat reply of names and values."""
    return dict(zip(map(text, flat[::2]), flat[1::2], strict=False))


def numbers(flat: Sequence[Any]) -> dict[str, int]:
    """A flat reply of names and integers."""
    return {text(name): int(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}


def id_ms(entry_id: bytes) -> int | None:
    """When an entry was stored; None for none."""
    return int(entry_id.partition(b"-")[0]) if entry_id else None
