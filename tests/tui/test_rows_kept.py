"""Rows of what did not change are not made again, however many there are."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from eventbus_core.monitoring import BusView
from eventbus_tui.marks import ASCII, UNICODE, Marks
from eventbus_tui.rows import groups, instances, streams
from eventbus_tui.rows.kept import KeptRows
from eventbus_tui.table import Cell, Row
from tests.tui import worlds


class Thing(NamedTuple):
    key: str
    value: int


def test_only_changed_views_and_surroundings_are_built_again() -> None:
    built: list[str] = []

    def build(thing: Thing, around: str) -> Row:
        built.append(thing.key)
        return Row(thing.key, (Cell(f"{thing.value}{around}"),), (0,), {})

    kept = KeptRows(build)
    a, b = Thing("a", 1), Thing("b", 2)
    first = kept.rows([(a, "x"), (b, "x")])
    assert built == ["a", "b"]
    assert kept.rows([(b, "x"), (a, "x")]) == (first[1], first[0])
    assert built == ["a", "b"]
    assert kept.rows([(a, "y"), (Thing("b", 3), "x")])[1].cells[0].text == "3x"
    assert built == ["a", "b", "a", "b"]
    kept.rows([])
    kept.rows([(a, "y")])
    assert built[-1] == "a"


@pytest.mark.parametrize("rows", [groups.rows, streams.rows, instances.rows])
def test_the_next_look_gives_the_same_rows(
    rows: Callable[[BusView, Marks], tuple[Row, ...]],
) -> None:
    view = worlds.big(20, 40, 50)
    first = rows(view, UNICODE)
    again = rows(replace(view, looks=31), UNICODE)
    assert all(new is old for new, old in zip(again, first, strict=True))
    assert rows(view, ASCII)[0] is not first[0]


@pytest.mark.parametrize(
    ("rows", "many"),
    [
        (groups.rows, {"groups": 900}),
        (streams.rows, {"streams": 900}),
        (instances.rows, {"instances": 900}),
    ],
)
def test_nine_hundred_unchanged_rows_cost_less_than_eight_milliseconds(
    rows: Callable[[BusView, Marks], tuple[Row, ...]], many: dict[str, int]
) -> None:
    view = worlds.big(**many)
    rows(view, UNICODE)
    best = min(_seconds(lambda: rows(view, UNICODE)) for _ in range(20))
    assert best < 0.008


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
