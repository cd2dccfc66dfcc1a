"""Lines of panels are broken to the width there is, and lose nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus_tui.table import Cell
from eventbus_tui.widgets.painted import text_width
from eventbus_tui.widgets.panel import wrapped
from tests.tui.worlds import HOSTILE


def texts(line: tuple[Cell, ...], width: int) -> list[str]:
    return ["".join(cell.text for cell in part) for part in wrapped(line, width)]


def test_a_line_that_fits_stays_as_it_is() -> None:
    line = (Cell("short "), Cell("line", "dim"))
    assert list(wrapped(line, 10)) == [line]


def test_a_long_line_is_broken_at_spaces_and_indented() -> None:
    line = (Cell("figure    ", "dim"), Cell("12 messages that came back", "warn"))
    assert texts(line, 20) == ["figure    12 ", "  messages that came", "  back"]
    levels = [{cell.level for cell in part if cell.text.strip()} for part in wrapped(line, 20)]
    assert levels == [{"dim", "warn"}, {"warn"}, {"warn"}]


def test_a_word_that_fits_on_no_line_is_cut_into_pieces() -> None:
    assert texts((Cell("id  "), Cell("W" * 40)), 16) == [
        "id  " + "W" * 12,
        "  " + "W" * 14,
        "  " + "W" * 14,
    ]


def test_where_there_is_no_room_nothing_is_broken() -> None:
    line = (Cell("W" * 40),)
    assert list(wrapped(line, 5)) == [line]


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_users_are_broken_too(text: str) -> None:
    for part in wrapped((Cell("name  "), Cell(text), Cell("  note")), 24):
        assert sum(text_width(cell.text) for cell in part) <= 24


@given(
    st.lists(st.text(st.sampled_from("ab 世e\u0301\N{FIRE}"), max_size=40), max_size=4),
    st.integers(10, 40),
)
def test_every_line_fits_and_no_sign_is_lost(pieces: list[str], width: int) -> None:
    line = tuple(Cell(piece) for piece in pieces)
    broken = list(wrapped(line, width))
    for part in broken:
        assert sum(text_width(cell.text) for cell in part) <= width
    before = "".join("".join(pieces).split())
    after = "".join("".join(cell.text for cell in part) for part in broken)
    assert "".join(after.split()) == before
