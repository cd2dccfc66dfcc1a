"""Finds what cannot travel as JSON, and where: the slow way round, for values under suspicion."""

import dataclasses
import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

MAX_DEPTH: Final = 100
"""How deep arrays and objects may nest."""
MAX_DIGITS: Final = 4_299
"""Most digits of an int; what reads it, Python or msgspec, refuses longer ones."""

_TOO_LARGE: Final = 10**MAX_DIGITS
_SCALARS: Final = (
    bool,
    datetime,
    date,
    time,
    timedelta,
    UUID,
    Decimal,
    bytes,
    bytearray,
    memoryview,
)
_ARRAYS: Final = (list, tuple, set, frozenset)


class Problem(NamedTuple):
    """Why a value cannot travel, and where it is (as in ``$.user.age``)."""

    reason: str
    path: str


def find_problem(data: object) -> Problem | None:
    """The first thing in `data` that JSON would change or cannot hold."""
    return _check(data, "$", 0, set())


def _check(value: object, path: str, depth: int, above: set[int]) -> Problem | None:
    if value is None or isinstance(value, _SCALARS):
        return None
    if isinstance(value, Enum):
        return _check(value.value, path, depth, above)
    if isinstance(value, str):
        return _check_str(value, path)
    if isinstance(value, int):
        return _check_int(value, path)
    if isinstance(value, float):
        if math.isfinite(value):
            return None
        return Problem(f"{value!r} has no form in JSON; send None or a string", path)
    return _check_nested(value, path, depth, above)


def _check_nested(value: object, path: str, depth: int, above: set[int]) -> Problem | None:
    children = _children(value, path)
    if children is None:
        return Problem(_unsupported(value), path)
    if id(value) in above:
        return Problem("the value contains itself; send a copy without the cycle", path)
    if depth == MAX_DEPTH:
        return Problem(f"it is nested deeper than {MAX_DEPTH}; send a flatter value", path)
    above.add(id(value))
    for child_path, child in children:
        if isinstance(child, Problem):
            return child
        if problem := _check(child, child_path, depth + 1, above):
            return problem
    above.discard(id(value))
    return None


def _children(value: object, path: str) -> Iterator[tuple[str, object]] | None:
    """What is directly in a container, with paths; a Problem in place of a child that has none.
    None: it is no container that can travel."""
    if isinstance(value, dict):
        return _items(value, path)
    if isinstance(value, _ARRAYS):
        return ((f"{path}[{index}]", item) for index, item in enumerate(value))
    if isinstance(value, msgspec.Struct):
        return _fields(value, (f.name for f in msgspec.structs.fields(value)), path)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value, (f.name for f in dataclasses.fields(value)), path)
    return None


def _items(value: dict[Any, Any], path: str) -> Iterator[tuple[str, object]]:
    for key, item in value.items():
        if not isinstance(key, str):
            reason = (
                f"the key {key!r} is of type {type(key).__name__}; "
                "JSON has only strings as keys: use str(key), or a list of pairs"
            )
            yield path, Problem(reason, path)
        elif problem := _check_str(key, path):
            yield path, problem
        else:
            yield _member(path, key), item


def _fields(value: object, names: Iterator[str], path: str) -> Iterator[tuple[str, object]]:
    for name in names:
        item = getattr(value, name, msgspec.UNSET)
        if item is not msgspec.UNSET:  # a field without a value is left out
            yield _member(path, name), item


def _member(path: str, key: str) -> str:
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{key!r}]"


def _check_str(text: str, path: str) -> Problem | None:
    try:
        str.encode(text)
    except UnicodeEncodeError as exc:
        found = ascii(text[exc.start])
        return Problem(f"the string has {found}, half a character, which UTF-8 cannot hold", path)
    return None


def _check_int(number: int, path: str) -> Problem | None:
    if abs(number) < _TOO_LARGE:
        return None
    return Problem(f"the int has more than {MAX_DIGITS} digits; send a string or bytes", path)


def _unsupported(value: object) -> str:
    reason = f"values of type {type(value).__name__} have no form in JSON"
    for method in ("model_dump", "tolist", "to_dict", "_asdict"):
        if callable(getattr(value, method, None)):
            return f"{reason}; send what its {method}() returns"
    return f"{reason}; send a dict, list, str or number made of it"
