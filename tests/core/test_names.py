"""Names: 1 to 255 printable characters without spaces, braces or stars."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus_core.errors import InvalidMessageError, InvalidOptionError
from eventbus_core.names import check_event, check_option_name, check_target, name_problem

BAD = [
    ("", "empty"),
    ("a b", "spaces"),
    ("a\tb", "printable"),
    ("a\n", "printable"),
    ("a\x00", "printable"),
    ("\u200b", "printable"),
    ("\ud800", "printable"),
    ("a{b", "{"),
    ("a}b", "}"),
    ("user:*", r"\*"),
    ("x" * 256, "256 characters"),
    (None, "NoneType"),
    (1, "int"),
    (b"bytes", "bytes"),
]


@pytest.mark.parametrize("name", ["a", "user:created", "x" * 255, "größe", "名前", "a/b?c=d#e@[f]"])
def test_good_names_come_back(name: str) -> None:
    assert check_event(name) == check_target(name) == check_option_name("group", name) == name


@pytest.mark.parametrize(("name", "text"), BAD)
def test_bad_names_are_refused_with_the_reason(name: object, text: str) -> None:
    with pytest.raises(InvalidMessageError, match=text):
        check_event(name)
    with pytest.raises(InvalidMessageError, match=f"target.*{text}"):
        check_target(name)
    with pytest.raises(InvalidOptionError, match=f"instance_id=.*{text}"):
        check_option_name("instance_id", name)


@pytest.mark.parametrize("check", [check_event, check_target])
def test_a_long_name_is_cut_in_the_error(check: Callable[[object], str]) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        check("y" * 5000)
    assert len(str(caught.value)) < 200


@given(st.text())
def test_the_rule_in_other_words(name: str) -> None:
    allowed = 1 <= len(name) <= 255 and all(c.isprintable() and c not in " {}*" for c in name)
    assert (name_problem(name) is None) == allowed
