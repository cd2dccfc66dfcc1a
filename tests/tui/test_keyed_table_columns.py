"""Which columns there is room for."""

from itertools import pairwise

import pytest

from eventbus_tui.columns import GAP, place_columns
from eventbus_tui.table import Column

COLUMNS = (
    Column(name="STATE", width=10),
    Column(name="NAME", width=12, grows=True),
    Column(name="LAG", width=6, priority=1),
    Column(name="TREND", width=8, priority=3),
    Column(name="RATE", width=6, priority=2),
    Column(name="OTHER", width=6, priority=3),
)
ALL = sum(column.width for column in COLUMNS) + GAP * (len(COLUMNS) - 1)


def names(width: int) -> list[str]:
    return [COLUMNS[placed.column].name for placed in place_columns(COLUMNS, width)]


def test_all_stand_where_there_is_room_and_one_takes_the_rest() -> None:
    placed = place_columns(COLUMNS, ALL + 15)
    assert [each.column for each in placed] == [0, 1, 2, 3, 4, 5]
    assert placed[1].width == 12 + 15
    assert sum(each.width for each in placed) + GAP * 5 == ALL + 15


def test_the_highest_numbers_go_first_and_of_equal_ones_the_rightmost() -> None:
    seen = [names(width) for width in range(ALL, 0, -1)]
    steps = [a for a, b in pairwise(seen) if a != b] + [seen[-1]]
    assert steps == [
        ["STATE", "NAME", "LAG", "TREND", "RATE", "OTHER"],
        ["STATE", "NAME", "LAG", "TREND", "RATE"],
        ["STATE", "NAME", "LAG", "RATE"],
        ["STATE", "NAME", "LAG"],
        ["STATE", "NAME"],
    ]


@pytest.mark.parametrize("width", [0, 1, 5, 12])
def test_in_hardly_any_room_the_one_that_grows_shrinks(width: int) -> None:
    placed = place_columns(COLUMNS, width)
    assert [each.column for each in placed] == [0, 1]
    assert placed[1].width == 8


def test_without_columns_that_can_go_or_grow_they_keep_their_widths() -> None:
    fixed = (Column(name="A", width=9), Column(name="B", width=9))
    assert [each.width for each in place_columns(fixed, 100)] == [9, 9]
