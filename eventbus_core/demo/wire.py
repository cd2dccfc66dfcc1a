"""What the processes of the demonstration tell each other: JSON lines through pipes.

Nothing of it stands on a command line, which everybody can read: a URL may hold a password.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

_STDIN: Final = 0
_STDOUT: Final = 1


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The first line that a process reads."""

    url: str = ""
    """Where the bus is; empty, to the conductor: start a server."""
    bus: str
    scenario: str
    seed: int
    process: str = ""
    """For one of the shop: which it is."""
    lasting: bool = True
    """Whether the store outlives the demonstration, which then leaves in good order."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What the conductor answers."""

    url: str = ""
    problem: str = ""
    """Why there is none."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What a process of the shop says when its instances are live."""

    process: str


def line(value: msgspec.Struct) -> bytes:
    """One line."""
    return msgspec.json.encode(value) + b"\n"


def read_first(kind: type[T]) -> T:
    """The first line of standard input; waits for it. Raises DecodeError of msgspec."""
    # Unbuffered: what comes later is for `follow`.
    read = bytearray()
    while (char := os.read(_STDIN, 1)) not in (b"\n", b""):
        read += char
    return msgspec.json.decode(bytes(read), type=kind)


def follow(kind: type[T], take: Callable[[T], None], at_end: Callable[[], None]) -> None:
    """Call `take` with each further line, and `at_end` when whoever sends them has ended."""
    loop, rest = asyncio.get_running_loop(), bytearray()

    def readable() -> None:
        read = os.read(_STDIN, 65_536)
        if not read:
            loop.remove_reader(_STDIN)
            at_end()
            return
        rest.extend(read)
        *lines, tail = bytes(rest).split(b"\n")
        rest[:] = tail
        for one in lines:
            take(msgspec.json.decode(one, type=kind))

    loop.add_reader(_STDIN, readable)


def answer(value: msgspec.Struct) -> None:
    """Write one line to whoever started this process, if it is still there."""
    try:
        os.write(_STDOUT, line(value))
    except BrokenPipeError:
        sys.exit(0)
