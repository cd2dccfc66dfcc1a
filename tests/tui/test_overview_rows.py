"""What the overview shows, as plain values."""

from dataclasses import replace

import pytest

from eventbus_core.monitoring import BusView, ChannelKind, Severity, Subject
from eventbus_tui.finding_history import Change, FindingHistory
from eventbus_tui.format import NOT_YET
from eventbus_tui.marks import ASCII, UNICODE
from eventbus_tui.rows import overview
from eventbus_tui.rows.lines import Line
from tests.tui import worlds
from tests.tui.pieces import bus_view, finding, snapshot, stream, stream_view

WORLDS = (
    worlds.healthy, worlds.stuck, worlds.dead, worlds.memberless, worlds.unknown, worlds.empty,
    worlds.drifting, worlds.big,
)  # fmt: skip


def said(line: Line) -> str:
    return "".join(cell.text for cell in line).strip()


def texts(view: BusView) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in overview.rows(view, UNICODE)]


def test_a_problem_says_what_with_whom_and_since_when() -> None:
    assert texts(worlds.stuck())[0][:3] == [
        "✖ STUCK",
        "group billing@orders",
        "nothing settled for 3m, 1,204 pending",
    ]
    assert [row[0] for row in texts(worlds.stuck())] == ["✖ STUCK", "▲ LAGGING"]
    assert all(row.problem for row in overview.rows(worlds.stuck(), UNICODE))


def test_what_began_before_today_tells_how_long_ago() -> None:
    old = finding("LOST", Severity.CRITICAL, Subject("bus", "", "default"), "text", 3 * 86_400)
    new = finding("LOST", Severity.CRITICAL, Subject("bus", "", "default"), "text", 60)
    shown = texts(replace(worlds.healthy(), findings=(old, new)))
    assert shown[0][3] == "3d ago"
    assert shown[1][3].count(":") == 2


def test_signs_without_unicode() -> None:
    cells = [row.cells[0].text for row in overview.rows(worlds.stuck(), ASCII)]
    assert cells == ["X STUCK", "! LAGGING"]


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (Subject("group", "work a b", "b@a"), "group b@a"),
        (Subject("dead letters", "", "dead letters"), "dead letters"),
        (Subject("dead letters", "", ""), "dead letters"),
        (Subject("bus", "", "default"), "default"),
        (Subject("stream", "s", "[/x]\x1b"), "stream [/x]␛"),
    ],
)
def test_names_of_subjects(subject: Subject, name: str) -> None:
    about = finding("LOST", Severity.CRITICAL, subject, "text", 1)
    assert overview.subject_name(about) == name


def test_keys_tell_findings_apart_and_stay() -> None:
    first = worlds.stuck().findings
    keys = [overview.finding_key(each) for each in first]
    assert len(set(keys)) == len(keys)
    later = [replace(each, text="other figures") for each in first]
    assert [overview.finding_key(each) for each in later] == keys


def test_healthy_says_what_was_checked() -> None:
    line = said(overview.healthy(worlds.healthy(), UNICODE))
    assert line == "✓ nothing wrong, checked 3 groups, 3 streams, 4 instances"
    assert "1 stream," in said(overview.healthy(worlds.unknown(), UNICODE))


def test_the_next_step_comes_with_its_section() -> None:
    lines = overview.next_step(worlds.stuck().findings[0])
    assert said(lines[0]).startswith("next: Open the group")
    assert said(lines[1]) == "runbook: docs/runbook.md#stuck"
    assert overview.next_step(None) == ()


def test_totals_count_and_tell_rates_with_plots_from_zero() -> None:
    line = said(overview.totals(worlds.stuck(), UNICODE, plot=8))
    assert line.startswith("✖ 1 critical ▲ 1 warning")
    for word in ("in ", "out ", "ack ", "fail ", "dead 31"):
        assert word in line
    assert "████" in line  # steady: high, not a flat floor
    assert "█" not in said(overview.totals(worlds.stuck(), UNICODE, plot=0))
    assert said(overview.totals(worlds.stuck(), ASCII, plot=8)).isascii()


def test_totals_of_a_healthy_bus_count_no_problems() -> None:
    assert said(overview.totals(worlds.healthy(), UNICODE, plot=0)).startswith("in 4.8k/s  out ")


def test_when_nothing_happened_that_is_said() -> None:
    (line,) = overview.happened(worlds.healthy(), (), UNICODE, 40)
    assert said(line) == "nothing out of the ordinary"


def test_totals_before_a_second_look_are_not_zero() -> None:
    view = worlds.healthy()
    blind = replace(view.totals, rate_in=None, rate_out=None, settle_rate=None, fail_rate=None)
    line = said(overview.totals(replace(view, totals=blind), UNICODE, plot=0))
    assert "in ?  out ?  ack ?  fail ?".replace("?", NOT_YET) in line


def test_dead_letters_are_told_with_their_growth() -> None:
    view = replace(worlds.stuck(), dead_letter_growth=14)
    assert "dead 31 (+14)" in said(overview.totals(view, UNICODE, plot=0))
    assert "dead" not in said(overview.totals(worlds.healthy(), UNICODE, plot=0))
    assert "dead ?" in said(overview.totals(worlds.unknown(), UNICODE, plot=0))


def test_the_busiest_come_first_and_idle_ones_by_their_backlog() -> None:
    rates = {"slow": 5.0, "fast": 900.0, "idle": 0.0, "behind": 0.0}
    made = [stream(name, backlog=50 if name == "behind" else 0) for name in rates]
    view = bus_view(
        snapshot(made),
        streams=[stream_view(each, rate_in=rates[each.name]) for each in made],
    )
    rows = overview.busiest(view, UNICODE, 3)
    assert [row.cells[0].text for row in rows] == ["fast", "slow", "behind"]
    assert [row.key for row in rows] == [f"work {name}" for name in ("fast", "slow", "behind")]


def test_a_stream_tells_whether_its_backlog_grows_where_it_is_worst() -> None:
    rows = {row.cells[0].text: row.cells for row in overview.busiest(worlds.stuck(), UNICODE, 9)}
    assert rows["orders"][-1].text == "1,204 ↑"  # billing grows, although mail shrinks


def test_what_happened_is_newest_first_with_comings_and_goings() -> None:
    view = worlds.dead()
    at = view.snapshot.at_ms
    gone, came = view.findings[0], view.findings[1]
    changes = [Change(at - 60_000, False, gone), Change(at, True, came)]
    lines = [said(line) for line in overview.happened(view, changes, UNICODE, 40)]
    assert f"✖ {came.code}" in lines[0]
    assert "dead letter" in lines[1]
    assert any(f"✓ {gone.code} is over" in line for line in lines)
    assert "retry" in lines[-1]
    assert [said(x) for x in overview.happened(view, changes, UNICODE, 2)] == lines[:2]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("marks", [UNICODE, ASCII])
def test_every_world_can_be_told(world: object, marks: object) -> None:
    assert callable(world)
    view = world()
    assert isinstance(view, BusView)
    text = overview.as_text(view, UNICODE if marks is UNICODE else ASCII, ())
    assert "in " in text.split("\n")[0]
    for row in overview.rows(view, UNICODE):
        assert len(row.cells) == len(row.sort) == len(overview.COLUMNS)
    for row in overview.busiest(view, UNICODE, 10):
        assert len(row.cells) == len(overview.BUSY_COLUMNS)


@pytest.mark.parametrize("text", worlds.HOSTILE)
def test_texts_of_users_are_harmless(text: str) -> None:
    view = worlds.hostile(text)
    shown = overview.as_text(view, UNICODE, [Change(0, True, each) for each in view.findings])
    assert all(char == "\n" or char.isprintable() for char in shown)


def test_history_of_findings_tells_what_came_and_went() -> None:
    history = FindingHistory()
    sick, well = worlds.stuck(), replace(worlds.stuck(), findings=())
    history.see(sick)
    assert list(history) == []  # they were there before
    history.see(well)
    assert [(change.came, change.finding.code) for change in history] == [
        (False, "STUCK"),
        (False, "LAGGING"),
    ]
    history.see(replace(sick, findings=sick.findings[:1]))
    assert [(change.came, change.finding.code) for change in history][-1] == (True, "STUCK")
    changed = replace(sick.findings[0], text="other figures", severity=Severity.WARNING)
    before = len(list(history))
    history.see(replace(sick, findings=(changed,)))
    assert len(list(history)) == before


def test_history_of_findings_starts_anew_with_another_bus_and_is_bounded() -> None:
    history = FindingHistory()
    sick, well = worlds.stuck(), replace(worlds.stuck(), findings=())
    for _ in range(300):
        history.see(sick)
        history.see(well)
    assert len(list(history)) == 200
    other = replace(sick, snapshot=replace(sick.snapshot, bus="other"))
    history.see(other)
    assert list(history) == []


def test_kinds_of_streams_are_kept_apart() -> None:
    made = [stream("x"), stream("x", ChannelKind.INBOX)]
    rows = overview.busiest(bus_view(snapshot(made)), UNICODE, 9)
    assert len({row.key for row in rows}) == 2
