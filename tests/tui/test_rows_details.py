"""What the screens of one stream, group or instance say."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from eventbus_core.monitoring import BusView, ChannelKind, InstanceState
from eventbus_tui.format import NOT_YET
from eventbus_tui.marks import ASCII, UNICODE
from eventbus_tui.rows import group_detail, instance_detail, members, stream_detail
from eventbus_tui.rows.lines import Part, bar, figure, plot
from eventbus_tui.table import Row
from tests.tui import worlds
from tests.tui.clocks import in_utc
from tests.tui.pieces import (
    bus_view,
    consumer,
    group,
    group_view,
    instance,
    instance_view,
    snapshot,
    stream,
    stream_view,
)


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with in_utc():
        yield


def told(parts: Iterable[Part]) -> dict[str, str]:
    return {
        part.title: "\n".join("".join(cell.text for cell in line).rstrip() for line in part.lines)
        for part in parts
    }


def of_stream(view: BusView, number: int = 0, width: int = 60) -> dict[str, str]:
    return told(stream_detail.parts(view, view.streams[number], UNICODE, width))


def of_group(view: BusView, number: int = 0) -> dict[str, str]:
    return told(group_detail.parts(view, view.groups[number], UNICODE, 60))


def of_instance(view: BusView, number: int = 0) -> dict[str, str]:
    return told(instance_detail.parts(view, view.instances[number], UNICODE, 60))


# Streams


def test_figures_of_a_stream_have_units_and_exact_values() -> None:
    figures = of_stream(worlds.healthy(), 1)["Figures"]
    assert figures.splitlines() == [
        "mode            anycast",
        "kept            5,000 messages",
        "not handled     12 messages",
        "size            1,288,490 bytes  1.2 MB",
        "stored so far   1,000,000 messages",
        "oldest          2026-03-01 13:58:32.000 +0000  4m ago",
        "newest          2026-03-01 14:03:21.980 +0000",
        "in              2.1k/s",
        "out             2.1k/s  of whoever is furthest behind",
    ]


def test_an_unknown_figure_says_why() -> None:
    figures = of_stream(worlds.unknown())["Figures"]
    assert "kept            ?  the server refuses XINFO" in figures
    assert "oldest          ?  the server refuses XINFO" in figures


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ChannelKind.BROADCAST, "loses the oldest broadcasts"),
        (ChannelKind.WORK, "emits of this event are refused"),
        (ChannelKind.INBOX, "emits to this instance are refused"),
    ],
)
def test_the_margin_says_what_happens_at_its_end(kind: ChannelKind, words: str) -> None:
    view = bus_view(snapshot([stream("" if kind is ChannelKind.BROADCAST else "x", kind)]))
    margin = of_stream(view)["Margin"]
    assert words in margin
    assert "99% of max_backlog 100,000 free" in margin


def test_options_in_force_are_listed_with_units() -> None:
    options = of_stream(worlds.healthy())["Options in force"]
    assert "message_retention       5 min" in options
    assert "stream_ttl              1 h" in options
    assert "max_backlog             100,000 messages" in options
    nobody = replace(worlds.empty().snapshot, options=None)
    view = bus_view(replace(nobody, streams=(stream("x"),)))
    assert of_stream(view)["Options in force"] == "nobody has announced any"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1.0, "never"), (0.5, "0.5 s"), (90.0, "90 s"), (300.0, "5 min"), (604_800.0, "7 d")],
)
def test_durations_are_exact(seconds: float, text: str) -> None:
    assert stream_detail.duration(seconds) == text


def test_findings_come_first_with_next_step_and_runbook() -> None:
    parts = stream_detail.parts(worlds.memberless(), worlds.memberless().streams[0], UNICODE, 60)
    assert parts[0].title == "Findings"
    text = told(parts)["Findings"]
    assert text.startswith("▲ RETENTION-RISK  4% left  since 13:53:22\n  next: ")
    assert "docs/runbook.md#retention-risk" in text


def test_rates_are_drawn_from_zero_with_the_scale_beside() -> None:
    view = worlds.healthy()
    steady = replace(view.streams[1], history=(100.0,) * 3)
    drawn = told(stream_detail.parts(view, steady, UNICODE, 40))["Rate in"].splitlines()
    assert [line.strip() for line in drawn] == ["███ 100/s", "███", "███", "███ 0"]
    assert of_stream(worlds.unknown())["Rate in"] == "needs a second look"


def test_readers_of_broadcasts_are_listed_by_how_far_they_are_behind() -> None:
    people = [instance("near", behind=2), instance("far", behind=20), instance("pub", behind=None)]
    view = bus_view(snapshot([], [], people))
    rows = {row.key: row for row in members.readers(view, UNICODE)}
    assert rows["life-far"].cells[3].text == "20"
    assert rows["life-far"].cells[4].text == "█" * members.BAR
    assert rows["life-near"].cells[4].text == "██".ljust(members.BAR)
    assert rows["life-pub"].cells[3].text == "?"


# Groups


def test_figures_of_a_group() -> None:
    figures = of_group(worlds.stuck())["Figures"]
    for line in (
        "not handed out  0 messages",
        "in hand         1,204 messages  of live instances",
        "backlog         1,204 messages  the sum of these",
        "settles         0/s",
        "trend           ↑ 40/s  never empty at this rate",
        "oldest in hand  2026-03-01 13:59:17.000 +0000  4m ago",
        "live members    3",
    ):
        assert line in figures.splitlines()


def test_a_group_with_an_unknown_lag_says_why_and_has_no_sum() -> None:
    lines = of_group(worlds.unknown())["Figures"].splitlines()
    assert "not handed out  ?  the server refuses XINFO" in lines
    assert "backlog         ?  the sum of these" in lines
    assert "settled         ?  the server refuses XINFO" in lines


def test_bars_show_how_unevenly_the_work_lies() -> None:
    view = worlds.stuck()
    rows = members.members(view, view.groups[0], UNICODE)
    assert [(row.cells[1].text, row.cells[2].text) for row in rows] == [
        ("bill-1", "1,004"),
        ("bill-2", "150"),
        ("mail-1", "50"),
    ]
    assert [len(row.cells[3].text.rstrip()) for row in rows] == [20, 3, 1]


def test_a_dead_member_holds_its_messages_in_red() -> None:
    view = worlds.dead()
    dead, alive = members.members(view, view.groups[0], UNICODE)
    assert (dead.cells[0].text, dead.cells[2]) == ("✖ DEAD", ("38", "crit"))
    assert alive.cells[0].text == "✓ ok"
    assert "orphaned        38 messages" in of_group(view)["Figures"]


def test_the_journal_of_a_group_is_its_own_newest_first() -> None:
    lines = of_group(worlds.dead())["Happened lately"].splitlines()
    assert lines == [
        "14:03:02  dead letter  1 message of the group shipping: poison",
        "14:02:52  takeover  ship-8 took over 12 messages from ship-7 (shipping@orders)",
    ]


def test_what_is_left_of_a_long_journal_is_counted() -> None:
    many = [worlds.entry("retry", 100 - n, channel="x g", count="1", by=f"b{n}") for n in range(20)]
    view = bus_view(snapshot([], [group("g", "x")], journal=many))
    lines = of_group(view)["Happened lately"].splitlines()
    assert len(lines) == 13
    assert "b19" in lines[0]
    assert lines[-1] == "8 older"


@pytest.mark.parametrize(
    ("details", "mine"),
    [
        ({"channel": "x g"}, True),
        ({"channel": "y g"}, False),
        ({"channel": ""}, False),
        ({"event": "x", "group": "g"}, True),
        ({"event": "y", "group": "g"}, False),
        ({"event": "x", "to": "g"}, True),
        ({"stream": "bus:{b}:w:x", "group": "g"}, True),
        ({"stream": "bus:{b}:w:y", "group": "g"}, False),
        ({"group": "g", "count": "2"}, True),
        ({"cause": "trimmed"}, False),
    ],
)
def test_entries_are_told_apart_by_what_they_name(details: dict[str, str], mine: bool) -> None:
    happened = [worlds.entry("step", 5, **details)]
    view = bus_view(snapshot([], [group("g", "x")], journal=happened))
    assert ("step" in of_group(view)["Happened lately"]) is mine


@pytest.mark.parametrize(
    ("details", "mine"),
    [
        ({"channel": "", "by": "life-box"}, True),
        ({"channel": "", "by": "life-other"}, False),
        ({"instance": "box", "group": "", "event": "x"}, True),
        ({"instance": "box", "group": "g", "event": "x"}, False),
        ({"inbox": "box", "count": "2"}, True),
        ({"event": "x", "to": "box"}, True),
    ],
)
def test_entries_of_an_inbox_are_those_of_its_owner(details: dict[str, str], mine: bool) -> None:
    box = group("box", consumers=[consumer("box")])
    view = bus_view(snapshot([], [box], journal=[worlds.entry("step", 5, **details)]))
    assert ("step" in of_group(view)["Happened lately"]) is mine


def test_only_a_group_without_a_member_can_be_dropped() -> None:
    view = worlds.memberless()
    assert group_detail.droppable(view.groups[0]) is None
    assert "inbox" in (group_detail.droppable(view.groups[1]) or "")
    busy = group_view(group("g", "x", consumers=[consumer("a")]))
    assert group_detail.droppable(busy) == "it has 1 live member"
    leaving = group_view(group("g", "x", consumers=[consumer("a")]), members=0)
    assert "not known to be dead" in (group_detail.droppable(leaving) or "")
    assert "4,000 unhandled messages become dead letters" in " ".join(
        group_detail.drop_lines(view.groups[0])
    )


# Instances


def test_a_live_instance_tells_its_figures_and_its_longest_handler() -> None:
    parts = of_instance(worlds.drifting())
    assert "runs longest    app.handlers.render  for 5m" in parts["Work"]
    assert "running         8 handlers" in parts["Work"]
    assert "failed          44  4.4/s" in parts["Work"]
    assert "version         1.3.9" in parts["Process"]
    assert "host            worker-1.example  pid 4711" in parts["Process"]
    assert parts["Subscriptions"].splitlines() == [
        "anycast    orders  as slow",
        "unicast    cmd.stop",
        "broadcast  prices",
    ]
    assert parts["Options"] == ("max_backlog             ▲ 50 messages, in force 100,000 messages")
    assert of_instance(worlds.drifting(), 1)["Options"] == "as in force on the bus"


def test_a_dead_instance_tells_what_became_of_its_work() -> None:
    parts = of_instance(worlds.dead())
    assert parts["Since its death"].splitlines() == [
        "still holds     38 messages",
        "taken over      12 messages",
        "14:02:52  takeover  ship-8 took over 12 messages from ship-7 (shipping@orders)",
    ]
    assert "last seen       2026-03-01 14:02:35.000 +0000  45s ago" in parts["Figures"]
    assert "declared dead   yes" in parts["Figures"]


@pytest.mark.parametrize(
    ("ago", "details", "its"),
    [
        (10, {"channel": "orders shipping", "from": "life-gone other"}, True),
        (10, {"channel": "orders shipping", "from": "other"}, False),
        (10, {"channel": "orders shipping"}, True),
        (10, {"channel": "orders billing"}, False),
        (100, {"channel": "orders shipping", "from": "life-gone"}, False),
    ],
)
def test_takeovers_are_told_by_whose_messages_they_were(
    ago: float, details: dict[str, str], its: bool
) -> None:
    happened = [worlds.entry("takeover", ago, count="1", by="x", **details)]
    gone = instance_view(instance("gone", "shipping"), InstanceState.DEAD, seen=60)
    view = bus_view(snapshot(journal=happened), instances=[gone])
    assert ("takeover" in of_instance(view)["Since its death"]) is its


def test_one_that_died_before_the_first_look_says_that_no_more_is_known() -> None:
    gone = replace(
        instance_view(instance("gone"), InstanceState.DEAD, seen=60), snapshot=None, uptime=None
    )
    parts = of_instance(bus_view(snapshot(), instances=[gone]))
    assert "before this monitor first looked" in parts["Process"]
    assert "declared dead   no" in parts["Figures"]


def test_groups_in_which_an_instance_has_work() -> None:
    view = worlds.stuck()
    rows = members.holdings(view, view.instances[2], UNICODE)
    assert [(row.key, row.cells[3].text) for row in rows] == [
        ("work orders billing", "50"),
        ("work products search", "90"),
        ("work orders mail", "12"),
    ]


def test_streams_and_groups_find_each_other() -> None:
    view = worlds.healthy()
    orders = view.streams[1]
    assert [each.key for each in members.groups_of(view, orders)] == [
        "work orders billing",
        "work orders mail",
    ]
    assert [each.key for each in members.groups_of(view, view.streams[2])] == ["inbox ship-7"]
    assert members.groups_of(view, view.streams[0]) == []
    assert members.stream_of(view, view.groups[0]) is orders
    assert members.stream_of(worlds.stuck(), group_view(group("x", "nowhere"))) is None


# Pieces


@pytest.mark.parametrize(
    ("value", "most", "drawn"),
    [(0, 10, "    "), (10, 10, "████"), (5, 10, "██  "), (1, 1000, "▏   "), (0, 0, "    ")],
)
def test_bars_start_at_zero_and_show_even_the_smallest(value: int, most: int, drawn: str) -> None:
    assert bar(value, most, 4, ascii_only=False) == drawn


def test_in_ascii_bars_and_plots_are_ascii() -> None:
    assert bar(3, 4, 8, ascii_only=True) == "######  "
    for line in plot([1, 2, 30], width=8, height=3, top_text="30", ascii_only=True):
        assert "".join(cell.text for cell in line).isascii()


def test_a_plot_shows_the_newest_values_and_zero_as_nothing() -> None:
    lines = plot([9, 0, 4, 8], width=3, height=2, top_text="8", ascii_only=False)
    assert ["".join(cell.text for cell in line) for line in lines] == ["  █ 8", " ██ 0"]


def test_a_figure_has_its_note_behind() -> None:
    assert "".join(cell.text for cell in figure("a", "1", note="b", width=4)) == "a   1  b"


def test_a_member_row_is_no_problem_while_all_is_well() -> None:
    view = worlds.healthy()
    found: tuple[Row, ...] = members.members(view, view.groups[0], ASCII)
    assert [row.problem for row in found] == [False, False]
    assert [row.cells[0].text for row in found] == ["ok", "ok"]


def test_rates_of_views_without_any_are_dashes() -> None:
    blind = stream_view(stream("x"), rate_in=None, rate_out=None)
    view = bus_view(snapshot(), streams=[blind])
    assert f"in              {NOT_YET}" in of_stream(view)["Figures"]
