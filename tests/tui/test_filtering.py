"""What a typed filter keeps."""

import pytest

from eventbus_tui.filtering import parse

TEXT = "✖ STUCK billing@orders anycast 1,204"
VALUES: dict[str, str | float] = {"state": "stuck", "lag": 1204.0, "event": "orders.paid"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", True),
        ("   ", True),
        ("!", True),
        ("BILLING", True),
        ("mail", False),
        ("!mail", True),
        ("!billing", False),
        ("!!billing", True),
        ("billing orders", True),
        ("billing mail", False),
        ('"stuck billing"', True),
        ('"billing stuck"', False),
        ("re:bill.*@ord", True),
        ("re:^billing", False),
        ("!re:^billing", True),
        ("lag>1000", True),
        ("lag>1204", False),
        ("lag>=1204", True),
        ("lag<=1204", True),
        ("lag<1204", False),
        ("lag>1k", True),
        ("lag>2K", False),
        ("lag<1M", True),
        ("LAG>1000", True),
        ("lag=1204", True),
        ("lag!=1204", False),
        ("state=STUCK", True),
        ("state=stu", False),
        ("state~stu", True),
        ("state!=ok", True),
        ("!state=ok", True),
        ("event~paid lag>10", True),
        ("lag>10 lag<20", False),
        ("lag~12", True),
        ("nothing>1", False),
        ("nothing=1", False),
        ("nothing~1", False),
        ("nothing!=1", True),
        ("state>1", False),
        ("[/x]", False),
    ],
)
def test_what_is_kept(typed: str, kept: bool) -> None:
    found = parse(typed)
    assert found.error == ""
    assert found.matches(TEXT, VALUES) is kept


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("30s", 30), ("500ms", 0.5), ("5m", 300), ("2min", 120), ("2h", 7200), ("1d", 86_400),
        ("1.5k", 1500), ("2M", 2e6), ("1g", 1e9), ("64KB", 65_536), ("1mb", 1_048_576),
        ("1GB", 1_073_741_824), ("-3", -3),
    ],
)  # fmt: skip
def test_units_of_numbers(typed: str, seconds: float) -> None:
    assert parse(f"x<={typed}").matches("", {"x": float(seconds)})
    assert not parse(f"x<{typed}").matches("", {"x": float(seconds)})


@pytest.mark.parametrize(
    "typed", ["re:(", "re:[", "lag>many", "lag<", "ok re:*", "re:" + "a" * 500]
)
def test_what_is_wrong_is_told_and_keeps_every_row(typed: str) -> None:
    found = parse(typed)
    assert found.error
    assert found.empty
    assert found.matches(TEXT, VALUES)
    assert found.text == typed


def test_an_empty_filter_knows_that_it_is_empty() -> None:
    assert parse("  ").empty
    assert not parse("x").empty


def test_an_expression_searches_the_beginning_of_a_long_text_only() -> None:
    found = parse("re:end")
    assert found.matches("end" + "x" * 10_000, {})
    assert not found.matches("x" * 10_000 + "end", {})
