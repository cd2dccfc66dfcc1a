"""The bytes of a payload as lines to read: JSON, as they are, hexadecimal, and a tree. Pure.

Nothing is hidden or made prettier than it is: keys that occur twice, long numbers and escapes stand
as they were written, and what no terminal should get (control characters, directions, bytes that
are not UTF-8) is written as an escape.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, overload

SHOWN: Final = 65_536
"""Bytes that are shown unasked."""
MOST: Final = 1_048_576
"""Bytes that are shown at all."""
MOST_LINES: Final = 50_000
"""Lines of one view."""
MOST_PIECES: Final = 200_000
"""Pieces of one view: they are what takes time and memory."""

Kind: TypeAlias = Literal["", "key", "string", "number", "word", "mark", "dim", "bad"]

_INDENT: Final = "  "
_LONGEST: Final = 100
_DEEPEST: Final = 30
"""Levels that are set in; what is deeper stands below each other."""
_TOKEN: Final = re.compile(
    r"""
      (?P<key>"[^"\\]*+(?:\\.[^"\\]*+)*+"(?=\s*:))
    | (?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+")
    | (?P<open>[{\[])
    | (?P<close>[}\]])
    | (?P<comma>,)
    | (?P<colon>:)
    | (?P<rest>"[\s\S]*)              # a string without an end
    | (?P<scalar>[^\s{}\[\],:"]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER: Final = re.compile(r"-?\d[\d.eE+-]*")


class Piece(NamedTuple):
    """A run of characters that look the same."""

    text: str
    kind: Kind = ""


PayloadLine: TypeAlias = tuple[Piece, ...]


class Excerpt(NamedTuple):
    """The part of a payload that is shown."""

    data: bytes
    left: int
    """Bytes that are not."""

    @property
    def text(self) -> str:
        """Bytes that are no UTF-8 become escapes; a character that was cut in two is left out."""
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        return decoder.decode(self.data, final=not self.left)


def excerpt(body: bytes, *, everything: bool = False) -> Excerpt:
    """The beginning of a payload; with `everything` as much as is ever shown."""
    data = body[: MOST if everything else SHOWN]
    return Excerpt(data, len(body) - len(data))


def visible(text: str) -> str:
    """On one line, with an escape for every character that is not one to look at."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def pretty_lines(text: str) -> list[PayloadLine]:
    """JSON with a line for each member. It goes by the marks alone, so that broken JSON, or the
    beginning of a long one, can be read too."""
    lines: list[PayloadLine] = []
    pieces = 0
    for line in _pretty(text):
        if len(lines) == MOST_LINES or pieces > MOST_PIECES:
            return [*lines, (Piece("… more than is shown in this form", "dim"),)]
        lines.append(line)
        pieces += len(line)
    return lines


def raw_lines(text: str) -> list[PayloadLine]:
    """As it was written, with its own ends of lines."""
    found = text.split("\n", MOST_LINES)
    lines: list[PayloadLine] = [(Piece(visible(line)),) for line in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        lines.append((Piece("… more than is shown in this form", "dim"),))
    return lines


class HexLines(Sequence[PayloadLine]):
    """Offset, bytes and characters; each line is made when it is asked for."""

    def __init__(self, data: bytes, columns: int = 16) -> None:
        self._data = data
        self._columns = columns

    def __len__(self) -> int:
        return -(-len(self._data) // self._columns)

    @overload
    def __getitem__(self, index: int) -> PayloadLine: ...
    @overload
    def __getitem__(self, index: slice) -> list[PayloadLine]: ...
    def __getitem__(self, index: int | slice) -> PayloadLine | list[PayloadLine]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        start = index % len(self) * self._columns
        data = self._data[start : start + self._columns]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
        width = self._columns * 3 - 1
        return (
            Piece(f"{start:08x}  ", "dim"),
            Piece(f"{data.hex(' '):<{width}}  "),
            Piece(text, "string"),
        )


# The tree


class Number(str):
    """A number as it was written: long ones keep all their digits."""

    __slots__ = ()


class Members(list["tuple[str, Json]"]):
    """An object with every member, keys that occur twice too."""

    __slots__ = ()


Json: TypeAlias = "bool | str | Number | Members | list[Json] | None"


class Branch(NamedTuple):
    """One line of the tree."""

    name: str
    """Key or number in its parent; empty at the root."""
    text: str
    """The value, or how many values are in it."""
    kind: Kind
    value: Json

    @property
    def folds(self) -> bool:
        """Whether there is something below it."""
        return isinstance(self.value, list) and bool(self.value)


class UnreadableError(ValueError):
    """It is no JSON; the text says why."""


def parse(body: bytes, codec: str = "json") -> Json:
    """The value of a payload. Raises UnreadableError."""
    if codec != "json":
        raise UnreadableError(f"encoded as {visible(codec)!r}, which can be shown as bytes only")
    try:
        value: Json = json.loads(
            body,
            object_pairs_hook=Members,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refused,
        )
    except UnicodeDecodeError as exc:
        problem = f"not UTF-8: byte 0x{body[exc.start]:02x} at {exc.start:,}"
        raise UnreadableError(problem) from None
    except RecursionError:
        raise UnreadableError("nested too deep to be decoded") from None
    except ValueError as exc:
        raise UnreadableError(f"not JSON: {visible(str(exc))}") from None
    return value


def problem_of(body: bytes, codec: str = "json") -> str:
    """Why a payload cannot be decoded; empty when it can, or is too large to try."""
    if codec == "json" and len(body) > MOST:
        return ""
    try:
        parse(body, codec)
    except UnreadableError as exc:
        return str(exc)
    return ""


def root(value: Json) -> Branch:
    """Where the tree begins."""
    return _branch("", value)


def branches(value: Json, start: int = 0, most: int = 200) -> tuple[list[Branch], int]:
    """What is right below a value: at most `most` from number `start`, and how many are left."""
    if not isinstance(value, list):
        return [], 0
    stop = min(len(value), start + most)
    if isinstance(value, Members):
        found = [_branch(visible(_cut(key)), member) for key, member in value[start:stop]]
    else:
        found = [_branch(str(start + at), each) for at, each in enumerate(value[start:stop])]
    return found, len(value) - stop


def _branch(name: str, value: Json) -> Branch:
    if isinstance(value, Members):
        return Branch(name, f"{{{len(value):,}}}", "mark", value)
    if isinstance(value, list):
        return Branch(name, f"[{len(value):,}]", "mark", value)
    if isinstance(value, Number):
        return Branch(name, _cut(value), "number", value)
    if isinstance(value, str):
        # As JSON writes it, but readable: only what needs an escape has one.
        quoted = json.dumps(_cut(value), ensure_ascii=False)
        return Branch(name, visible(quoted), "string", value)
    return Branch(name, json.dumps(value), "word", value)


def _cut(text: str, most: int = 1_000) -> str:
    return text if len(text) <= most else f"{text[:most]}… {len(text) - most:,} more"


def _refused(name: str) -> Json:
    raise ValueError(f"{name} is no number in JSON")


# Characters and lines


def _escaped(char: str) -> str:
    code = ord(char)
    if char in "\t\r\n":
        return {"\t": "\\t", "\r": "\\r", "\n": "\\n"}[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _pretty(text: str) -> Iterator[PayloadLine]:
    depth, opened, line = 0, False, [Piece("")]
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "close":
            depth = max(0, depth - 1)
            if not opened:
                yield tuple(line)
                line = [_indent(depth)]
            line.append(Piece(token, "mark"))
            opened = False
            continue
        if opened:
            yield tuple(line)
            line = [_indent(depth)]
            opened = False
        if kind == "open":
            line.append(Piece(token, "mark"))
            depth, opened = depth + 1, True
        elif kind == "comma":
            yield (*line, Piece(",", "mark"))
            line = [_indent(depth)]
        elif kind == "colon":
            line.append(Piece(": ", "mark"))
        else:
            line.append(Piece(visible(token), _kind_of(kind, token)))
            if len(line) > _LONGEST:  # no JSON has as many values without a comma
                yield tuple(line)
                line = [_indent(depth)]
    yield tuple(line)


def _kind_of(group: str | None, token: str) -> Kind:
    if group == "key":
        return "key"
    if group == "string":
        return "string"
    if group == "rest":
        return "bad"
    if _NUMBER.fullmatch(token):
        return "number"
    return "word" if token in ("true", "false", "null") else "bad"


def _indent(depth: int) -> Piece:
    return Piece(_INDENT * min(depth, _DEEPEST))
