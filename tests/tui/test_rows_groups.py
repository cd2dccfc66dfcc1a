"""The table of groups: cells, order, filters, and what it does not know."""

import pytest

from eventbus_core.monitoring import BusView
from eventbus_tui import filtering
from eventbus_tui.format import NOT_YET
from eventbus_tui.marks import ASCII, UNICODE
from eventbus_tui.rows.groups import COLUMNS, rows
from eventbus_tui.table import Row, arrange
from tests.tui import worlds
from tests.tui.pieces import bus_view, group, group_view, snapshot


def shown(row: Row) -> dict[str, str]:
    return {column.name: cell.text.strip() for column, cell in zip(COLUMNS, row.cells, strict=True)}


def by_key(view: BusView) -> dict[str, Row]:
    return {row.key: row for row in rows(view, UNICODE)}


def test_a_stuck_group_tells_all_of_it() -> None:
    row = by_key(worlds.stuck())["work orders billing"]
    assert shown(row) == {
        "STATE": "✖ STUCK",
        "GROUP@STREAM": "billing@orders",
        "MODE": "any",
        "LAG": "0",
        "TREND": "↑ 40/s",
        "BACKLOG": "▁▂▃▅▆▇██",
        "PEND": "1,204",
        "WAIT": "0",
        "OLDEST": "4m",
        "INST": "3/3",
        "DRAIN": "never",
        "ACK/s": "0/s",
    }
    assert row.cells[0].level == "crit"
    assert row.problem


def test_a_group_that_recovers_is_well() -> None:
    row = by_key(worlds.stuck())["work orders mail"]
    told = shown(row)
    assert (told["STATE"], told["TREND"], told["DRAIN"]) == ("✓ ok", "↓ 9.0/s", "1s")
    assert not row.problem


def test_problems_come_first_then_the_largest_backlog() -> None:
    ordered = arrange(rows(worlds.stuck(), UNICODE), sort=0, descending=True)
    assert [row.key for row in ordered.rows] == [
        "work orders billing",
        "work products search",
        "work orders mail",
    ]
    groups = [
        group("small", "x", lag=5),
        group("large", "x", lag=900),
        group("blind", "x", lag=None),
    ]
    ordered = arrange(rows(bus_view(snapshot([], groups)), UNICODE), sort=0, descending=True)
    assert [row.key.split()[-1] for row in ordered.rows] == ["large", "small", "blind"]


def test_what_is_not_known_is_a_question_mark_and_sorts_last() -> None:
    row = by_key(worlds.unknown())["work audit legacy"]
    told = shown(row)
    assert told["STATE"] == "▲ LAG?"
    assert told["LAG"] == "?"
    assert told["ACK/s"] == NOT_YET
    assert told["TREND"] == NOT_YET
    assert told["DRAIN"] == NOT_YET
    assert "lag" not in row.values
    assert row.sort[3] == -1.0


def test_an_inbox_is_a_group_whose_target_may_be_absent() -> None:
    told = shown(by_key(worlds.memberless())["inbox ship-7"])
    assert (told["STATE"], told["GROUP@STREAM"], told["MODE"]) == (
        "◌ absent",
        "ship-7 (inbox)",
        "uni",
    )
    assert shown(by_key(worlds.healthy())["inbox ship-7"])["STATE"] == "✓ ok"


def test_orphans_wait_in_red_and_are_counted_among_the_members() -> None:
    row = by_key(worlds.dead())["work orders shipping"]
    told = shown(row)
    assert (told["WAIT"], told["INST"]) == ("38", "1/2")
    assert row.cells[7].level == "crit"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("state=stuck", ["billing@orders"]),
        ("state!=ok", ["billing@orders", "search@products"]),
        ("lag>10k", ["search@products"]),
        ("pend>100 stream=orders", ["billing@orders"]),
        ("oldest>60", ["billing@orders"]),
        ("growth<0", ["mail@orders"]),
        ("mode=anycast ack>1", ["search@products", "mail@orders"]),
        ("findings~lag", ["search@products"]),
    ],
)
def test_filters_ask_for_figures_by_name(text: str, found: list[str]) -> None:
    wanted = filtering.parse(text)
    assert not wanted.error
    kept = [row for row in rows(worlds.stuck(), UNICODE) if wanted.matches("", row.values)]
    assert [row.cells[1].text for row in kept] == found


def test_in_ascii_every_sign_of_ours_is_ascii() -> None:
    for view in (worlds.stuck(), worlds.dead(), worlds.memberless()):
        for row in rows(view, ASCII):
            assert "".join(cell.text for cell in row.cells).replace(NOT_YET, "-").isascii()


def test_a_group_without_members_says_so() -> None:
    row = by_key(worlds.memberless())["work audit legacy"]
    assert shown(row)["STATE"] == "▲ MEMBERLESS"
    assert shown(row)["INST"] == "0/0"


def test_nothing_to_do_drains_at_once() -> None:
    idle = group_view(group("idle", "x"), drain=0.0)
    view = bus_view(snapshot(), groups=[idle])
    assert shown(rows(view, UNICODE)[0])["DRAIN"] == "0s"
