"""Payload bytes as lines and trees."""

import json

import pytest

from eventbus_tui.payload import (
    MOST,
    MOST_LINES,
    SHOWN,
    HexLines,
    Members,
    Number,
    PayloadLine,
    UnreadableError,
    branches,
    excerpt,
    parse,
    pretty_lines,
    problem_of,
    raw_lines,
    root,
    visible,
)


def texts(lines: list[PayloadLine]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


def pretty(text: str) -> list[str]:
    return texts(pretty_lines(text))


def test_json_has_a_line_for_each_member() -> None:
    assert pretty('{"a":1,"b":[true,null],"c":{},"d":[]}') == [
        "{",
        '  "a": 1,',
        '  "b": [',
        "    true,",
        "    null",
        "  ],",
        '  "c": {},',
        '  "d": []',
        "}",
    ]


@pytest.mark.parametrize("value", [{"a": [1, {"b": "x, y: {z}"}]}, [], "text", 1.5, None, [[[]]]])
def test_it_is_still_the_same_json(value: object) -> None:
    assert json.loads("\n".join(pretty(json.dumps(value)))) == value


def test_the_parts_are_told_apart() -> None:
    (line,) = pretty_lines('"a"')
    assert [piece.kind for piece in line if piece.text] == ["string"]
    kinds = {
        piece.text: piece.kind for line in pretty_lines('{"k":"v","n":-1.5e3,"t":true}')
        for piece in line
    }  # fmt: skip
    assert kinds['"k"'] == "key"
    assert kinds['"v"'] == "string"
    assert kinds["-1.5e3"] == "number"
    assert kinds["true"] == "word"
    assert kinds["{"] == "mark"


def test_broken_json_is_shown_as_far_as_it_goes() -> None:
    assert pretty('{"a":1,"b') == ["{", '  "a": 1,', '  "b']
    assert pretty("}}]") == ["", "}", "}", "]"]
    assert "oops" in "".join(pretty('{"a": oops}'))


def test_deep_nesting_costs_neither_time_nor_width() -> None:
    lines = pretty("[" * 60_000)
    assert len(lines) == MOST_LINES + 1
    assert "more" in lines[-1]
    assert max(map(len, lines)) < 100


def test_many_values_in_one_line_do_not_become_one_line() -> None:
    assert max(map(len, pretty('"x" ' * 50_000))) < 2_000


def test_what_no_terminal_should_get_is_an_escape() -> None:
    assert visible("a\x1b[31m\u202e\x00\t\U000e0001") == "a\\x1b[31m\\u202e\\x00\\t\\U000e0001"
    assert visible("\ud800") == "\\ud800"
    assert visible("Zoë 世界 \N{FIRE}") == "Zoë 世界 \N{FIRE}"
    assert not {"\x1b", "\u202e"} & {*"".join(pretty('{"\x1b":"\u202e"}'))}


def test_bytes_that_are_no_utf_8_are_escapes() -> None:
    assert excerpt(b"a\xff\xfeb").text == "a\\xff\\xfeb"
    assert problem_of(b'{"a":"\xff"}') == "not UTF-8: byte 0xff at 6"


def test_a_long_payload_is_cut_and_no_character_with_it() -> None:
    body = "€".encode() * MOST
    part = excerpt(body)
    assert len(part.data) == SHOWN
    assert part.left == len(body) - SHOWN
    assert {*part.text} == {"€"}
    assert len(excerpt(body, everything=True).data) == MOST


def test_raw_keeps_the_lines_of_the_sender() -> None:
    assert texts(raw_lines("a\nb\r\n\x1b")) == ["a", "b\\r", "\\x1b"]
    assert len(raw_lines("\n" * 200_000)) == MOST_LINES + 1


def test_hexadecimal_has_offsets_and_characters() -> None:
    lines = HexLines(bytes(range(0x30, 0x50)) + b"\x00\xff")
    assert len(lines) == 3
    assert "".join(piece.text for piece in lines[0]) == (
        "00000000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?"
    )
    assert "".join(piece.text for piece in lines[2]).split() == ["00000020", "00", "ff", ".."]
    assert lines[-1] == lines[2]
    assert lines[1:3] == [lines[1], lines[2]]
    with pytest.raises(IndexError):
        lines[3]
    assert len(HexLines(b"")) == 0


def test_keys_that_occur_twice_and_long_numbers_are_kept() -> None:
    digits = "9" * 5_000
    value = parse(f'{{"a":1,"a":2,"n":{digits},"f":1.10}}'.encode())
    assert value == Members([("a", "1"), ("a", "2"), ("n", digits), ("f", "1.10")])
    assert isinstance(value, Members)
    assert isinstance(value[0][1], Number)


@pytest.mark.parametrize(
    ("body", "codec", "problem"),
    [
        (b"{", "json", "not JSON: "),
        (b"NaN", "json", "NaN is no number"),
        (b"", "json", "not JSON: "),
        (b"[" * 50_000, "json", "nested too deep"),
        (b"\x81", "msgpack", "encoded as 'msgpack'"),
        (b"x", "\x1b[31m", "encoded as"),
    ],
)
def test_what_is_no_json_says_why(body: bytes, codec: str, problem: str) -> None:
    with pytest.raises(UnreadableError, match=problem):
        parse(body, codec)
    assert problem in problem_of(body, codec)
    assert "\x1b" not in problem_of(body, codec)


def test_a_tree_is_built_where_it_is_unfolded() -> None:
    value = parse(b'{"a":[1,2,3],"b":"text","c":null,"d":{}}')
    top = root(value)
    assert (top.text, top.folds) == ("{4}", True)
    below, left = branches(value)
    assert [(each.name, each.text, each.kind, each.folds) for each in below] == [
        ("a", "[3]", "mark", True),
        ("b", '"text"', "string", False),
        ("c", "null", "word", False),
        ("d", "{0}", "mark", False),
    ]
    assert left == 0
    items, left = branches(below[0].value, 1, 1)
    assert [(each.name, each.text) for each in items] == [("1", "2")]
    assert left == 1
    assert branches("text") == ([], 0)


def test_labels_are_short_and_harmless() -> None:
    value = parse(json.dumps({"k\x1b": "x" * 5_000 + "\n", "u": "\u202e"}).encode())
    (long, turned), _ = branches(value)
    assert long.name == "k\\x1b"
    assert len(long.text) < 1_100
    assert long.text.endswith('more"')
    assert turned.text == '"\\u202e"'
