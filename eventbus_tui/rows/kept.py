"""Rows that are made again only when something that they show has changed."""

from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from ..table import Row


class Keyed(Protocol):
    @property
    def key(self) -> str: ...


View = TypeVar("View", bound=Keyed)
Around = TypeVar("Around")


class KeptRows(Generic[View, Around]):
    """The rows of one table as of the last call.

    A Watch gives the same view object again while nothing of it changed, so most rows need no
    work. `Around` is what a row shows besides its view, compared by equality.
    """

    def __init__(self, build: Callable[[View, Around], Row]) -> None:
        self._build = build
        self._kept: dict[str, tuple[View, Around, Row]] = {}

    def rows(self, shown: Iterable[tuple[View, Around]]) -> tuple[Row, ...]:
        """One row for each, in that order. Forgets all others."""
        before, now = self._kept, {}
        for view, around in shown:
            key = view.key
            had = before.get(key)
            if had is None or had[0] is not view or had[1] != around:
                had = (view, around, self._build(view, around))
            now[key] = had
        self._kept = now
        return tuple(row for _, _, row in now.values())
