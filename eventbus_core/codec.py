"""The JSON codec: what cannot travel without a silent change of value is refused.

These travel in the form given and come back as it where no type is asked for:

- None, bool, str, int, finite float, list, dict with string keys: themselves
- tuple, named tuple, set, frozenset: an array
- datetime, date, time, timedelta: an ISO 8601 string
- UUID, Decimal: a string; bytes, bytearray, memoryview: base64 in a string
- Enum: its value; subclasses of str, int and float: the plain value
- dataclass, msgspec.Struct: an object of its fields
"""

import re
from typing import Any, Final

import msgspec

from .codec_check import MAX_DEPTH, find_problem
from .errors import DecodeError, EncodeError

_STRINGS: Final = re.compile(rb'"[^"]*"')
_AS_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')


def encode(data: object) -> bytes:
    """The JSON of a payload. Raises EncodeError naming the path of what cannot travel."""
    try:
        encoded = _encoder.encode(data)
        # An equal value coming back proves, at the speed of C, that nothing was changed.
        unchanged = _decoder.decode(encoded) == data
    except Exception as exc:  # many types, of msgspec and of hooks; what is wrong is found below
        raise _explained(data, exc) from None
    # Not unchanged may still be fine: a tuple comes back as a list.
    suspect = not unchanged or _is_deep(encoded)
    if suspect and (problem := find_problem(data)):
        raise EncodeError(problem.reason, path=problem.path)
    return encoded


def decode(data: bytes) -> Any:
    """The value of JSON bytes. Raises DecodeError."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as exc:
        raise DecodeError(f"the payload is not JSON: {exc}") from exc


def _explained(data: object, exc: Exception) -> EncodeError:
    if problem := find_problem(data):
        return EncodeError(problem.reason, path=problem.path)
    return EncodeError(str(exc) or type(exc).__name__)


def _plain(value: object) -> object:
    """What msgspec does not know: subclasses of built-in types have the value of their base."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise NotImplementedError  # msgspec makes it a TypeError that names the type


def _is_deep(encoded: bytes) -> bool:
    """Whether arrays and objects nest deeper than MAX_DEPTH."""
    # Each level has a bracket of its own, so few brackets mean few levels.
    if encoded.count(b"[") + encoded.count(b"{") <= MAX_DEPTH:
        return False
    # Reduced to its brackets by means that are fast: first the quotes that end no string go.
    marks = encoded.replace(rb"\\", b"").replace(rb"\"", b"").translate(_AS_SQUARE, _ALL_BUT_MARKS)
    brackets = _STRINGS.sub(b"", marks.replace(b'""', b""))
    for _ in range(MAX_DEPTH):
        # Takes away the innermost level everywhere.
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True


_encoder: Final = msgspec.json.Encoder(enc_hook=_plain)
_decoder: Final = msgspec.json.Decoder()
