"""What a reader types into a filter, and which rows it keeps. Pure.

Words are joined by AND; quotes keep spaces in a word. A word is a text to be found (case does not
matter), ``re:EXPRESSION``, or a condition on a field: ``lag>100``, ``lag<100``, ``state=dead``,
``state!=ok``, ``event~pay``. ``!`` before a word turns it round.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

Values: TypeAlias = Mapping[str, str | float]
Condition: TypeAlias = Callable[[str, Values], bool]

_FIELD: Final = re.compile(
    r"(?P<name>[A-Za-z_][\w-]*)(?P<sign>!=|>=|<=|=|~|>|<)(?P<wanted>.*)", re.S
)
_NUMBER: Final = re.compile(r"(?P<number>-?\d+(?:\.\d+)?)(?P<unit>[a-zA-Z]*)")
_UNITS: Final = {
    "": 1.0, "k": 1e3, "g": 1e9,
    "s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86_400.0,
    "kb": 1024.0, "mb": 1024.0**2, "gb": 1024.0**3,
}  # fmt: skip
_LONGEST_EXPRESSION: Final = 200
_LONGEST_SEARCHED: Final = 4_000


@dataclass(frozen=True)
class Filter:
    """A filter that was typed. One with an error matches everything, and says so."""

    text: str
    error: str
    conditions: tuple[Condition, ...] = ()

    @cached_property
    def empty(self) -> bool:
        """Whether it keeps every row."""
        return not self.conditions

    def matches(self, row_text: str, values: Values) -> bool:
        """Whether a row stays; `row_text` is all that it shows."""
        return all(condition(row_text, values) for condition in self.conditions)


def parse(text: str) -> Filter:
    """Never raises: what is wrong is told in `error`."""
    text = text.strip()
    try:
        return Filter(text, "", tuple(map(_condition, _words(text))))
    except _BadFilterError as exc:
        return Filter(text, str(exc))


class _BadFilterError(Exception):
    """What a reader has to be told."""


def _words(text: str) -> Sequence[str]:
    """Split at spaces outside quotes; an open quote goes to the end."""
    words: list[str] = []
    word, quoted, begun = "", False, False
    for char in text:
        if char == '"':
            quoted, begun = not quoted, True
        elif char.isspace() and not quoted:
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + char, True
    if begun:
        words.append(word)
    return [each for each in words if each not in ("", "!")]


def _condition(word: str) -> Condition:
    if word.startswith("!"):
        inner = _condition(word[1:])
        return lambda row_text, values: not inner(row_text, values)
    if word.startswith("re:"):
        return _expression(word[3:])
    if (field := _FIELD.fullmatch(word)) is not None:
        return _on_field(field["name"].casefold(), field["sign"], field["wanted"])
    wanted = word.casefold()
    return lambda row_text, values: wanted in row_text.casefold()


def _expression(source: str) -> Condition:
    if len(source) > _LONGEST_EXPRESSION:
        raise _BadFilterError(f"an expression may have {_LONGEST_EXPRESSION} characters")
    try:
        found = re.compile(source, re.IGNORECASE).search
    except (re.error, RecursionError, OverflowError) as exc:
        raise _BadFilterError(f"not a regular expression: {exc}") from None
    # Only the beginning: an expression may need time that grows fast with what it searches.
    return lambda row_text, values: found(row_text[:_LONGEST_SEARCHED]) is not None


def _on_field(name: str, sign: str, wanted: str) -> Condition:
    number = _number(wanted)
    if sign in (">", "<", ">=", "<="):
        if number is None:
            raise _BadFilterError(
                f"{name}{sign} needs a number, as {name}{sign}100 or {name}{sign}2k"
            )
        return lambda row_text, values: _compare(values.get(name), sign, number)
    lowered = wanted.casefold()
    if sign == "~":
        return lambda row_text, values: name in values and lowered in _as_text(values[name])

    def equal(row_text: str, values: Values) -> bool:
        value = values.get(name)
        if value is None:
            return False
        if isinstance(value, str):
            return value.casefold() == lowered
        return number is not None and value == number

    if sign == "!=":
        return lambda row_text, values: not equal(row_text, values)
    return equal


def _number(text: str) -> float | None:
    """``100``, ``2k``, ``1.5M``, ``30s``, ``5min``, ``64KB``; ``m`` alone is a million where it is
    written ``M``, else minutes."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    unit = found["unit"]
    if unit in ("m", "M"):
        return float(found["number"]) * (60.0 if unit == "m" else 1e6)
    factor = _UNITS.get(unit.casefold())
    return None if factor is None else float(found["number"]) * factor


def _compare(value: str | float | None, sign: str, number: float) -> bool:
    if not isinstance(value, int | float):
        return False
    match sign:
        case ">":
            return value > number
        case "<":
            return value < number
        case ">=":
            return value >= number
        case _:
            return value <= number


def _as_text(value: str | float) -> str:
    return value.casefold() if isinstance(value, str) else f"{value:g}"
