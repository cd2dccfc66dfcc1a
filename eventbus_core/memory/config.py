"""Which memory store a bus uses."""

from dataclasses import dataclass
from typing import ClassVar, Final

from ..clock import Clock
from ..errors import InvalidOptionError
from ..names import name_problem

SCHEME: Final = "memory"

_NOT_IN_NAMES: Final = {"@": "user information", "?": "query", "#": "fragment", "/": "path"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryConfig:
    """The typed form of ``memory://NAME``. Raises InvalidOptionError for a wrong name."""

    name: str = ""
    """Stores of one process with the same name are one store; empty: the process's own."""
    clock: Clock | None = None
    """The store's clock, and so that of every bus on it. None: the clock it has already, or the
    machine's."""

    scheme: ClassVar[str] = SCHEME

    def __post_init__(self) -> None:
        problem = None if self.name == "" else name_problem(self.name)
        if problem is None and (mark := next((c for c in _NOT_IN_NAMES if c in self.name), None)):
            problem = f"must not contain {mark}: it has a meaning in URLs"
        if problem:
            raise InvalidOptionError(f"the name of a memory store {problem}")


def config_of_url(url: str) -> MemoryConfig:
    """Read ``memory://`` or ``memory://NAME``. Raises InvalidOptionError for anything more; the
    text does not repeat the URL, which may hold a password meant for another transport."""
    _, _, name = url.partition("://")
    for mark, part in _NOT_IN_NAMES.items():
        if mark in name:
            raise InvalidOptionError(
                f"a memory URL has no {part}: write memory:// or memory://NAME"
            )
    return MemoryConfig(name=name)
