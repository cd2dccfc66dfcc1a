"""The table of streams."""

from dataclasses import replace

import pytest

from eventbus_core.monitoring import ChannelKind
from eventbus_tui import filtering
from eventbus_tui.format import NOT_YET
from eventbus_tui.marks import ASCII, UNICODE
from eventbus_tui.rows.streams import COLUMNS, rows
from eventbus_tui.table import Row, arrange
from tests.tui import worlds
from tests.tui.pieces import AT, bus_view, snapshot, stream, stream_view


def shown(row: Row) -> dict[str, str]:
    return {column.name: cell.text.strip() for column, cell in zip(COLUMNS, row.cells, strict=True)}


def test_every_mode_has_its_words() -> None:
    told = [shown(row) for row in rows(worlds.healthy(), UNICODE)]
    assert [(each["STREAM"], each["MODE"], each["GROUPS"]) for each in told] == [
        ("broadcasts", "broadcast", ""),
        ("orders", "anycast", "2"),
        ("ship-7 (inbox)", "unicast", ""),
    ]
    assert told[1] == {
        "STATE": "✓ ok",
        "STREAM": "orders",
        "MODE": "anycast",
        "IN/s": "2.1k/s",
        "TREND": "████████",
        "OUT/s": "2.1k/s",
        "LENGTH": "5,000",
        "BACKLOG": "12",
        "BYTES": "1.2 MB",
        "OLDEST": "4m",
        "MARGIN": "99%",
        "GROUPS": "2",
    }


def test_an_empty_stream_has_no_oldest_message_and_an_unreadable_one_an_unknown() -> None:
    assert shown(rows(worlds.healthy(), UNICODE)[2])["OLDEST"] == NOT_YET
    told = shown(rows(worlds.unknown(), UNICODE)[0])
    assert {told[name] for name in ("LENGTH", "BACKLOG", "BYTES", "OLDEST", "MARGIN")} == {"?"}
    assert told["IN/s"] == told["OUT/s"] == NOT_YET


def test_a_margin_at_risk_is_coloured_and_named() -> None:
    row = rows(worlds.memberless(), UNICODE)[0]
    assert shown(row)["STATE"] == "▲ RETENTION"
    assert row.cells[10] == ("2%", "warn")


def test_an_inbox_without_its_owner_says_absent() -> None:
    assert shown(rows(worlds.memberless(), UNICODE)[1])["STATE"] == "◌ absent"
    assert shown(rows(worlds.memberless(), ASCII)[1])["STATE"] == "o absent"


def test_problems_come_first_then_the_largest_backlog() -> None:
    found = worlds.memberless()
    more = [*found.streams, stream_view(stream("z", backlog=9_999)), stream_view(stream("y"))]
    ordered = arrange(
        rows(bus_view(found.snapshot, streams=more), UNICODE), sort=0, descending=True
    )
    assert [row.key for row in ordered.rows] == ["work audit", "work z", "work y", "inbox ship-7"]


def test_the_oldest_sorts_by_its_time_and_the_row_changes_only_with_its_shown_age() -> None:
    old, young = stream("old", oldest=4_000), stream("young", oldest=31)
    views = [stream_view(old), stream_view(young), stream_view(stream("none", oldest=None))]
    ordered = arrange(rows(bus_view(snapshot(), streams=views), UNICODE), sort=9, descending=True)
    assert [row.key for row in ordered.rows] == ["work old", "work young", "work none"]
    assert ordered.rows[1].values["oldest"] == 30

    def later(seconds: int) -> Row:
        return rows(bus_view(snapshot(at_ms=AT + seconds * 1000), streams=views), UNICODE)[1]

    assert later(1) is later(2)
    assert shown(later(4))["OLDEST"] == "35s"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mode=unicast", ["ship-7 (inbox)"]),
        ("in>2k mode!=broadcast", ["orders", "ship-7 (inbox)"]),
        ("bytes>1MB stream~ord", ["orders"]),
        ("groups>1", ["orders"]),
        ("margin<0.5", []),
        ("backlog<1", ["ship-7 (inbox)"]),
    ],
)
def test_filters_ask_for_figures_by_name(text: str, found: list[str]) -> None:
    wanted = filtering.parse(text)
    kept = [row for row in rows(worlds.healthy(), UNICODE) if wanted.matches("", row.values)]
    assert [row.cells[1].text for row in kept] == found


def test_a_group_that_appears_changes_the_row_of_its_stream() -> None:
    view = worlds.healthy()
    before = rows(view, UNICODE)
    fewer = replace(view, groups=view.groups[1:])
    after = rows(fewer, UNICODE)
    assert after[0] is before[0]
    assert shown(after[1])["GROUPS"] == "1"


def test_an_inbox_and_an_event_of_one_name_are_kept_apart() -> None:
    both = [stream("x"), stream("x", ChannelKind.INBOX)]
    assert [row.key for row in rows(bus_view(snapshot(both)), UNICODE)] == ["work x", "inbox x"]
