"""The table of instances: the living, the late, the dead."""

from dataclasses import replace

import pytest

from eventbus_core.monitoring import BusView, InstanceState, InstanceView
from eventbus_tui import filtering
from eventbus_tui.format import NOT_YET
from eventbus_tui.marks import UNICODE
from eventbus_tui.rows.instances import COLUMNS, beat_text, rows
from eventbus_tui.table import Row, arrange
from tests.tui import worlds
from tests.tui.pieces import AT, bus_view, instance, instance_view, snapshot


def shown(row: Row) -> dict[str, str]:
    return {column.name: cell.text.strip() for column, cell in zip(COLUMNS, row.cells, strict=True)}


def by_id(view: BusView) -> dict[str, Row]:
    return {each.id: row for each, row in zip(view.instances, rows(view, UNICODE), strict=True)}


def test_one_that_lives() -> None:
    assert shown(by_id(worlds.healthy())["bill-1"]) == {
        "STATE": "✓ ok",
        "ID": "bill-1",
        "SERVICE": "bill",
        "HOST/PID": "worker-1.example/4711",
        "UP": "2h",
        "HB-AGE": "<5s",
        "SUBS": "2",
        "PEND": "4",
        "INFLIGHT": "3/1",
        "ACK/s": "120/s",
        "ERR/s": "0/s",
        "TAKEN": "",
        "VERSION": "1.4.0",
    }


def test_a_dead_one_stays_with_what_it_left_behind() -> None:
    row = by_id(worlds.dead())["ship-7"]
    told = shown(row)
    assert (told["STATE"], told["HB-AGE"]) == ("✖ DEAD", "45s ago")
    assert (told["PEND"], told["TAKEN"]) == ("38", "12")
    assert told["ACK/s"] == told["INFLIGHT"] == NOT_YET
    assert row.problem
    assert row.cells[7].level == "crit"


def test_a_dead_one_whose_work_was_taken_over_is_no_problem_any_more() -> None:
    gone = instance_view(instance("gone"), InstanceState.DEAD, seen=400.0, taken_over=5)
    row = rows(bus_view(snapshot(), instances=[gone]), UNICODE)[0]
    told = shown(row)
    assert (told["STATE"], told["HB-AGE"], told["PEND"]) == ("✖ dead", "6m ago", "0")
    assert not row.problem
    assert row.values["state"] == "dead"


def test_one_that_died_before_the_first_look_has_dashes() -> None:
    gone = InstanceView(
        key="life",
        id="early",
        state=InstanceState.DEAD,
        declared=True,
        last_seen_ms=AT - 90_000,
        snapshot=None,
        uptime=None,
        handled_rate=None,
        failed_rate=None,
        orphaned=2,
        taken_over=0,
        history=(),
    )
    told = shown(rows(bus_view(snapshot(), instances=[gone]), UNICODE)[0])
    assert told["UP"] == told["SUBS"] == NOT_YET
    assert (told["HB-AGE"], told["PEND"]) == ("1m ago", "2")


def test_a_late_one_shows_the_age_of_its_heartbeat() -> None:
    row = by_id(worlds.dead())["ship-9"]
    assert (shown(row)["STATE"], shown(row)["HB-AGE"]) == ("▲ LATE", "5s")


def test_a_row_keeps_still_while_heartbeats_come() -> None:
    view = bus_view(snapshot(), instances=[instance_view(instance("a"))])
    first = rows(view, UNICODE)
    for seconds in (1, 2, 3):
        moved = replace(view, snapshot=snapshot(at_ms=AT + seconds * 1000))
        assert rows(moved, UNICODE)[0] is first[0]
    overdue = replace(view, snapshot=snapshot(at_ms=AT + 4_000))
    assert shown(rows(overdue, UNICODE)[0])["HB-AGE"] == "<10s"


def test_unknown_figures_are_question_marks() -> None:
    told = shown(by_id(worlds.unknown())["old-1"])
    assert told["PEND"] == "?"
    assert told["ACK/s"] == told["ERR/s"] == NOT_YET


def test_problems_come_first() -> None:
    ordered = arrange(rows(worlds.dead(), UNICODE), sort=0, descending=True)
    assert [row.cells[1].text for row in ordered.rows] == ["ship-7", "ship-9", "ship-8"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("state=config-drift", ["slow-1"]),
        ("findings~slow-handler", ["slow-1"]),
        ("version!=1.4.0", ["slow-1"]),
        ("err>1", ["slow-1"]),
        ("running>3 waiting>50", ["slow-1"]),
        ("service=fast", ["fast-1"]),
        ("host~worker up>1h", ["slow-1", "fast-1"]),
    ],
)
def test_filters_ask_for_figures_by_name(text: str, found: list[str]) -> None:
    wanted = filtering.parse(text)
    kept = [row for row in rows(worlds.drifting(), UNICODE) if wanted.matches("", row.values)]
    assert [row.cells[1].text for row in kept] == found


def test_one_of_several_findings_stands_for_all() -> None:
    told = shown(by_id(worlds.drifting())["slow-1"])
    assert told["STATE"] == "▲ DRIFT"  # as severe as the other, and older


@pytest.mark.parametrize(
    ("state", "age", "text"),
    [
        (InstanceState.LIVE, 0.0, "<5s"),
        (InstanceState.LIVE, 29.9, "<30s"),
        (InstanceState.LIVE, 9_000.0, "2h"),
        (InstanceState.LATE, 4.2, "4s"),
        (InstanceState.DEAD, 61.0, "1m ago"),
    ],
)
def test_ages_of_heartbeats(state: InstanceState, age: float, text: str) -> None:
    assert beat_text(state, age) == text
