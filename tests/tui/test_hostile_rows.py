"""Texts of users in every cell and line: harmless signs, and one line each."""

import unicodedata
from collections.abc import Iterator

import pytest

from eventbus_core.monitoring import BusView
from eventbus_tui.marks import ASCII, UNICODE, Marks
from eventbus_tui.rows import (
    group_detail,
    groups,
    instance_detail,
    instances,
    members,
    stream_detail,
    streams,
)
from tests.tui import worlds

DANGEROUS = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def texts(view: BusView, marks: Marks) -> Iterator[str]:
    """Everything that the tables and detail screens show."""
    for table in (streams.rows, groups.rows, instances.rows):
        for row in table(view, marks):
            yield from (cell.text for cell in row.cells)
    parts = [part for each in view.streams for part in stream_detail.parts(view, each, marks, 60)]
    for group in view.groups:
        parts += group_detail.parts(view, group, marks, 60)
        yield from group_detail.drop_lines(group)
        for row in members.members(view, group, marks):
            yield from (cell.text for cell in row.cells)
    for instance in view.instances:
        parts += instance_detail.parts(view, instance, marks, 60)
        for row in members.holdings(view, instance, marks):
            yield from (cell.text for cell in row.cells)
    for row in members.readers(view, marks):
        yield from (cell.text for cell in row.cells)
    for part in parts:
        yield part.title
        for line in part.lines:
            yield from (cell.text for cell in line)


@pytest.mark.parametrize("marks", [UNICODE, ASCII])
@pytest.mark.parametrize("number", range(len(worlds.HOSTILE)))
def test_no_text_of_a_user_gives_orders_to_a_terminal(number: int, marks: Marks) -> None:
    hostile = worlds.HOSTILE[number]
    shown = list(texts(worlds.hostile(hostile), marks))
    assert len(shown) > 150
    for text in shown:
        bad = [char for char in text if unicodedata.category(char) in DANGEROUS]
        assert not bad, (text, bad)


def test_markup_stays_as_it_was_typed() -> None:
    shown = list(texts(worlds.hostile("[bold red]x[/bold red]"), UNICODE))
    assert sum("[bold red]x[/bold red]" in text for text in shown) > 30
