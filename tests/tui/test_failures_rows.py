"""The tables of failures: dead letters by kind and one by one, what is tried again, the journal."""

import pytest

from eventbus_core.monitoring import EventMode
from eventbus_tui.filtering import parse
from eventbus_tui.letter_book import Letter
from eventbus_tui.marks import UNICODE
from eventbus_tui.rows.failures import (
    AGAIN,
    ERRORS,
    KINDS,
    LETTERS,
    again_rows,
    entry_of,
    error_rows,
    kind_key,
    kind_rows,
    kind_title,
    kinds_of,
    letter_rows,
)
from eventbus_tui.table import Row
from tests.tui.pieces import AT, bus_view, group, group_view, instance, snapshot
from tests.tui.worlds import HOSTILE, entry


def letter(
    number: int,
    *,
    event: str = "orders",
    group: str = "billing",
    instance: str = "bill-1",
    error_type: str = "TimeoutError",
    error: str = "TimeoutError: no answer",
    message_id: str = "00",
    mode: EventMode | None = EventMode.ANYCAST,
) -> Letter:
    return Letter(
        id=f"{number:04d}",
        message_id=message_id,
        event=event,
        mode=mode,
        group=group,
        instance=instance,
        reason="failed 5 times",
        error=error,
        error_type=error_type,
        attempts=5,
        died_ms=AT + number * 1_000,
    )


def texts(row: Row) -> list[str]:
    return [cell.text for cell in row.cells]


def test_letters_with_the_same_event_group_and_error_are_one_row() -> None:
    kinds = kinds_of(
        [
            letter(1),
            letter(2, error_type="ValueError"),
            letter(3, instance="bill-2"),
            letter(4, group="mail"),
            letter(5, event="paid"),
        ]
    )
    rows = kind_rows(kinds, ())
    assert [texts(row)[:4] for row in rows] == [
        ["2", "orders", "billing", "TimeoutError"],
        ["1", "orders", "billing", "ValueError"],
        ["1", "orders", "mail", "TimeoutError"],
        ["1", "paid", "billing", "TimeoutError"],
    ]
    assert rows[0].sort[-2:] == (AT + 1_000, AT + 3_000)


def test_letters_without_a_group_belong_to_an_instance() -> None:
    first, second = letter(1, group="", mode=EventMode.UNICAST), letter(2, group="", instance="b")
    assert kind_key(first) != kind_key(second)
    (row,) = kind_rows(kinds_of([first]), ())
    assert (row.cells[2].text, row.cells[2].level) == ("bill-1", "unicast")
    assert kind_title(kinds_of([first])[kind_key(first)]) == "TimeoutError in bill-1@orders"


def test_marked_rows_say_so() -> None:
    kinds = kinds_of([letter(1)])
    assert texts(kind_rows(kinds, {*kinds})[0])[0] == "*1"
    assert texts(letter_rows([letter(1)], {"0001"})[0])[0].startswith("*")


def test_each_letter_has_its_error_and_its_message() -> None:
    known, unknown = letter_rows([letter(1), letter(2, message_id="", event="")], ())
    assert texts(known)[1:] == ["orders", "billing", "5", "TimeoutError: no answer", "00"]
    assert texts(unknown)[1] == "?"
    assert texts(unknown)[5] == "cannot be decoded"


@pytest.mark.parametrize(
    "text", ["event=orders", "group=billing", "mode=anycast", "instance=bill-1", "error~timeout"]
)
def test_what_filters_may_ask_for(text: str) -> None:
    (row,) = letter_rows([letter(1)], ())
    assert parse(text).matches("", row.values)
    assert not parse(f"!{text}").matches("", row.values)


def test_groups_with_something_set_aside_or_retried() -> None:
    groups = [
        group_view(group("billing", "orders", waiting=3, delayed=4), orphaned=3),
        group_view(group("mail", "orders")),
        group_view(group("quiet", "orders")),
        group_view(group("bill-1")),
    ]
    view = bus_view(
        snapshot(
            [],
            [each.snapshot for each in groups],
            [instance("bill-1")],
            journal=[
                entry("retry", 9, channel="orders mail", count="2", by="life-bill-1"),
                entry("retry", 8, channel="orders mail", count="5", by="life-bill-1"),
                entry("retry", 7, channel="", count="1", by="life-bill-1"),
                entry("retry", 7, channel="orders gone", count="x", by="life-bill-1"),
            ],
        ),
        groups=groups,
    )
    rows = again_rows(view, UNICODE)
    assert [texts(row)[:4] for row in rows] == [
        ["billing@orders", "3", "4", "0"],
        ["mail@orders", "0", "0", "7"],
        ["bill-1 (inbox)", "0", "0", "1"],
    ]
    assert [row.problem for row in rows] == [True, False, False]
    assert rows[0].cells[1].level == "warn"


def test_every_entry_of_the_journal_has_a_row_of_its_own() -> None:
    journal = [entry("retry", 5, channel="a b", by="x", count="1")] * 3 + [entry("loss", 4)]
    view = bus_view(snapshot([], journal=journal))
    rows = error_rows(view, UNICODE)
    assert len({row.key for row in rows}) == 4
    assert [row.sort[0] for row in rows] == sorted(row.sort[0] for row in rows)
    assert entry_of(view, rows[3].key) == journal[3]
    assert entry_of(view, "other") is None


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_harmless(text: str) -> None:
    bad = letter(
        1, event=text, group=text, instance=text, error_type=text, error=text, message_id="0"
    )
    journal = [entry(text, 1, by=text), entry("retry", 1, channel=f"{text} {text}", by=text)]
    shown = group_view(group(text, text, waiting=1))
    view = bus_view(snapshot([], [shown.snapshot], journal=journal), groups=[shown])
    kinds = kinds_of([bad])
    assert kind_title(kinds[kind_key(bad)]).isprintable()
    for columns, rows in (
        (KINDS, kind_rows(kinds, ())),
        (LETTERS, letter_rows([bad], ())),
        (AGAIN, again_rows(view, UNICODE)),
        (ERRORS, error_rows(view, UNICODE)),
    ):
        assert rows
        for row in rows:
            assert len(row.cells) == len(row.sort) == len(columns)
            assert all(cell.text.isprintable() for cell in row.cells)
