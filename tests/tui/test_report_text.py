"""The text report: what it says first, how it fits, and that no text breaks it."""

import re
from typing import Final

import pytest

from eventbus_core.monitoring import BusView
from eventbus_tui.filtering import parse
from eventbus_tui.marks import ASCII, UNICODE
from eventbus_tui.report import Report, report_of, unreachable
from eventbus_tui.report_text import MOST_ROWS, Paper, as_text
from eventbus_tui.terminal_width import cells_of, fit
from tests.tui import worlds
from tests.tui.clocks import in_utc

PLAIN: Final = Paper(width=80, marks=UNICODE, colours=False)


def report(view: BusView | None, *, bus: str = "default", stored: bool = True) -> Report:
    buses = [bus, "other"] if stored else ["other"]
    return report_of(view, bus=bus, buses=buses, interval=1.0)


def text_of(view: BusView | None, paper: Paper = PLAIN, filter: str = "") -> str:
    with in_utc():
        return as_text(report(view), parse(filter), paper)


def test_the_worst_comes_first() -> None:
    lines = text_of(worlds.stuck()).splitlines()
    assert re.fullmatch(
        r"✖ CRITICAL  bus default  10\.0\.0\.5:6379/0  \d{4}-\d\d-\d\d [\d:]{8}\.\d{3} \+0000",
        lines[0],
    )
    assert lines[1] == "in 4.8k/s  out 4.7k/s  ack 4.1k/s  fail 12/s  a look takes 38 ms"
    assert lines[2:8] == [
        "",
        "FINDINGS (2)",
        "✖ STUCK  group billing@orders  since 14:00:10",
        "    nothing settled for 3m, 1,204 pending",
        "    next: Open the group, see who holds the messages, and restart that instance.",
        "    read: docs/runbook.md#stuck",
    ]


def test_tables_have_problems_first() -> None:
    lines = text_of(worlds.stuck()).splitlines()
    start = lines.index("GROUPS (3)")
    assert [line.split()[:3] for line in lines[start + 1 : start + 5]] == [
        ["STATE", "GROUP@STREAM", "MODE"],
        ["✖", "STUCK", "billing@orders"],
        ["▲", "LAGGING", "search@products"],
        ["✓", "ok", "mail@orders"],
    ]
    assert [line for line in lines if line.endswith(")") and line.isupper()] == [
        "FINDINGS (2)",
        "STREAMS (2)",
        "GROUPS (3)",
        "INSTANCES (3)",
    ]


def test_a_healthy_bus_is_one_line() -> None:
    lines = text_of(worlds.healthy()).splitlines()
    assert lines[0].startswith("✓ OK  bus default  ")
    assert "✓ nothing wrong, checked 3 groups, 3 streams, 4 instances" in lines
    assert not [line for line in lines if line.startswith("FINDINGS")]


def test_dead_letters_server_and_journal() -> None:
    text = text_of(worlds.stuck())
    assert "\nDEAD LETTERS  31, oldest 2026-03-01 " in text
    assert "\nSERVER  redis 7.4.1, up 10d, 50.0 MB used, 12 connections\n" in text
    text = text_of(worlds.dead())
    happened = text[text.index("HAPPENED LATELY (4)\n") :].splitlines()[1:5]
    assert [line[:8] for line in happened] == ["14:03:02", "14:02:52", "14:02:42", "13:58:22"]


def test_what_is_not_known_has_its_reason_once() -> None:
    text = text_of(worlds.unknown())
    assert "\nNOT KNOWN (9)\n" in text
    assert text.count("the server refuses XINFO") == 2  # of the finding, and of eight figures
    assert "count of dead letters: the server refuses XLEN" in text
    assert "NOT KNOWN" not in text_of(worlds.stuck())


def test_many_rows_are_cut_off() -> None:
    text = text_of(worlds.big(10, 200, 60))
    assert text.count("\n✓ ok ") + text.count("\n✖ STUCK  ") <= 3 * MOST_ROWS + 5
    assert f"and {60 - MOST_ROWS} more; --json has all" in text


def test_a_filter() -> None:
    text = text_of(worlds.stuck(), filter="lag>1000")
    assert "GROUPS (1 of 3)\n" in text
    assert "STREAMS (0 of 2)\n" in text
    assert "FINDINGS (2)\n" in text


def test_other_endings() -> None:
    text = as_text(unreachable("the cable is out", bus="", interval=1.0), parse(""), PLAIN)
    assert text.startswith("✖ UNREACHABLE  2")
    assert "\nthe store cannot be reached: the cable is out\n" in text
    text = as_text(report_of(None, bus="", buses=[], interval=1.0), parse(""), PLAIN)
    assert text.startswith("✓ OK  2")
    assert "\nno bus is stored there yet\n" in text
    text = as_text(report(worlds.empty(), stored=False), parse(""), PLAIN)
    assert text.startswith("▲ WARNING  bus default")
    assert re.search(r"bus default is not stored there: .*Stored:\s+other\n", text, re.S)


WORLDS: Final = [
    worlds.healthy(),
    worlds.stuck(),
    worlds.dead(),
    worlds.memberless(),
    worlds.unknown(),
    worlds.drifting(),
    worlds.empty(),
    worlds.big(30, 60, 40),
]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_no_line_is_too_long(number: int, width: int) -> None:
    paper = Paper(width=width, marks=UNICODE, colours=False)
    for line in text_of(WORLDS[number], paper).splitlines():
        assert cells_of(line) <= width, line
        assert line == line.rstrip()


@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_in_ascii(number: int) -> None:
    text = text_of(WORLDS[number], Paper(width=80, marks=ASCII, colours=False))
    assert text.isascii()
    assert "\x1b" not in text


@pytest.mark.parametrize("hostile", worlds.HOSTILE)
@pytest.mark.parametrize("marks", [UNICODE, ASCII])
def test_hostile_texts(hostile: str, marks: object) -> None:
    assert marks in (UNICODE, ASCII)
    paper = Paper(width=80, marks=ASCII if marks is ASCII else UNICODE, colours=False)
    text = text_of(worlds.hostile(hostile), paper)
    assert all(char.isprintable() or char == "\n" for char in text)
    text.encode()  # no half characters
    made = as_text(report(worlds.empty(), bus=hostile, stored=False), parse(""), paper)
    assert all(char.isprintable() or char == "\n" for char in made)


def test_colours_are_only_colours() -> None:
    coloured = text_of(worlds.stuck(), Paper(width=80, marks=UNICODE, colours=True))
    assert "\x1b[1;31m✖ CRITICAL\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[[\d;]+m", "", coloured)
    now = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+")
    assert now.sub("", plain) == now.sub("", text_of(worlds.stuck()))


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("abc", 5, "abc  "),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("世界", 5, "世界 "),
        ("世界", 4, "世界"),
        ("世界", 3, "世…"),
        ("世界", 2, "… "),
        ("e\u0301e", 2, "e\u0301e"),
        ("", 2, "  "),
    ],
)
def test_texts_fit(text: str, width: int, fitted: str) -> None:
    assert fit(text, width) == fitted
    assert cells_of(fitted) == width
    assert cells_of(fit(text, width, right=True)) == width
