"""What travels as JSON travels unchanged; what would not is refused, with its path."""

import dataclasses
import enum
import math
from collections import OrderedDict, namedtuple
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus_core.codec import decode, encode
from eventbus_core.codec_check import find_problem
from eventbus_core.errors import DecodeError, EncodeError

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
json_values = st.recursive(
    scalars | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


class Color(enum.Enum):
    RED = "red"


class Odd(enum.Enum):
    NAN = float("nan")


class Text(str):
    pass


@dataclasses.dataclass
class Point:
    x: Any
    y: int = 2


class User(msgspec.Struct):
    name: Any
    age: int = 3


Pair = namedtuple("Pair", "a b")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@given(json_values)
def test_json_values_come_back_equal_and_of_the_same_type(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert type(back) is type(value)


@given(json_values)
def test_the_slow_check_agrees_that_nothing_is_wrong(value: Any) -> None:
    assert find_problem(value) is None


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[Any, str]:
    """A value with one bad thing somewhere, and the path of it."""
    bad = draw(
        st.sampled_from([math.nan, math.inf, -math.inf, {1: 2}, {None: 1}, {1.5: 0}, "\ud800"])
    )
    value, path = bad, "$"
    for step in draw(st.lists(st.sampled_from(["list", "dict", "odd key"]), max_size=6)):
        if step == "list":
            before = draw(st.lists(json_values, max_size=3))
            value, path = [*before, value], f"$[{len(before)}]{path[1:]}"
        elif step == "dict":
            value, path = {"first": draw(json_values), "key": value}, f"$.key{path[1:]}"
        else:
            value, path = {"a b": value}, f"$['a b']{path[1:]}"
    return value, path


@given(spoiled())
def test_what_would_change_is_found_with_its_path(case: tuple[Any, str]) -> None:
    value, path = case
    with pytest.raises(EncodeError) as caught:
        encode(value)
    assert caught.value.path == path
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ((1, "a"), [1, "a"]),
        (Pair(1, 2), [1, 2]),
        ({7}, [7]),
        (frozenset({7}), [7]),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05.000006"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(days=1, seconds=2), "P1DT2S"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.50"), "1.50"),
        (b"bytes", "Ynl0ZXM="),
        (bytearray(b"bytes"), "Ynl0ZXM="),
        (memoryview(b"bytes"), "Ynl0ZXM="),
        (Color.RED, "red"),
        (Text("text"), "text"),
        (Point(1), {"x": 1, "y": 2}),
        (User("ada"), {"name": "ada", "age": 3}),
        (OrderedDict(a=1), {"a": 1}),
    ],
)
def test_standard_types_have_a_documented_form(value: Any, form: Any) -> None:
    assert decode(encode(value)) == form
    assert decode(encode({"deep": [value]})) == {"deep": [form]}


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ({"user": {"age": math.nan}}, "$.user.age", "nan"),
        ({"p": Point(math.inf)}, "$.p.x", "inf"),
        ([User(name={2: 1})], "$[0].name", "key 2"),
        ({"a": Odd.NAN}, "$.a", "nan"),
        ({True: 1}, "$", "bool"),
        ({"\ud800": 1}, "$", "half a character"),
        ({"f": object()}, "$.f", "object"),
        ({"f": 1 + 2j}, "$.f", "complex"),
        ([range(3)], "$[0]", "range"),
        ([msgspec.Raw(b"1")], "$[0]", "Raw"),
        ({"type": Point}, "$.type", "type"),
        ([10**5000], "$[0]", "digits"),
        ([-(10**5000)], "$[0]", "digits"),
    ],
)
def test_the_error_says_what_and_where(value: Any, path: str, text: str) -> None:
    with pytest.raises(EncodeError, match=text) as caught:
        encode(value)
    assert caught.value.path == path


def test_the_error_proposes_what_to_send_instead() -> None:
    class Model:
        def model_dump(self) -> dict[str, int]:
            return {}

    with pytest.raises(EncodeError, match=r"model_dump\(\)"):
        encode(Model())


@pytest.mark.parametrize("number", [2**64, -(2**64), 2**70 + 1, 10**4298, -(10**4298)])
def test_large_ints_stay_exact(number: int) -> None:
    assert decode(encode([number])) == [number]
    assert type(decode(encode([number]))[0]) is int


def test_nesting_of_one_hundred_is_the_limit() -> None:
    assert decode(encode(nested(100))) == nested(100)
    with pytest.raises(EncodeError, match="nested deeper than 100"):
        encode(nested(101))
    with pytest.raises(EncodeError, match="nested deeper than 100"):
        encode({"wide": [{}] * 500, "deep": nested(100)})


def test_nesting_beyond_the_recursion_limit() -> None:
    with pytest.raises(EncodeError, match="nested deeper than 100"):
        encode(nested(50_000))


@pytest.mark.parametrize("text", ["[{" * 200, '"' * 200, '"[\\"' * 200, "\\" * 201, '\\"]'])
def test_brackets_in_strings_are_no_nesting(text: str) -> None:
    value = [{"text": text, text: [text, "", text]}] * 300
    assert decode(encode(value)) == value


@given(json_values)
def test_depth_is_measured_whatever_the_strings_hold(value: Any) -> None:
    wide = [value, *([[]] * 101)]
    assert decode(encode(wide)) == wide
    with pytest.raises(EncodeError):
        encode([wide, nested(100)])


def test_a_cycle_is_an_encode_error() -> None:
    cycle: dict[str, Any] = {"a": []}
    cycle["a"].append(cycle)
    with pytest.raises(EncodeError, match="contains itself") as caught:
        encode(cycle)
    assert caught.value.path == "$.a[0]"


def test_the_same_object_twice_is_no_cycle() -> None:
    shared = (1, 2)
    assert decode(encode([shared, shared])) == [[1, 2], [1, 2]]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'"\xff"', b"NaN", b"[" * 100_000, b"1 2"])
def test_bytes_that_are_no_json_raise_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data)


@given(st.binary(max_size=50))
def test_decode_raises_nothing_but_decode_error(data: bytes) -> None:
    with suppress(DecodeError):
        decode(data)
