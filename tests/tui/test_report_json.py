"""The JSON report: its documented fields, all figures, and nothing that breaks a reader."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from eventbus_core.monitoring import CODES, BusView
from eventbus_tui.arguments import _parser
from eventbus_tui.filtering import parse
from eventbus_tui.report import Report, report_of, unreachable
from eventbus_tui.report_json import SCHEMA, as_json
from eventbus_tui.usage import Status
from tests.tui import worlds

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "monitor-cli.md"
WORLDS: Final = {
    "healthy": worlds.healthy,
    "stuck": worlds.stuck,
    "dead": worlds.dead,
    "memberless": worlds.memberless,
    "unknown": worlds.unknown,
    "drifting": worlds.drifting,
    "empty": worlds.empty,
}
FREE: Final = (".unknown", ".totals", ".details", ".options", ".vitals")
"""Objects whose names are not fixed."""


def report(view: BusView | None) -> Report:
    bus = "" if view is None else view.snapshot.bus
    return report_of(view, bus=bus, buses=[bus] if bus else [], interval=1.0)


def read(made: Report, filter: str = "") -> Any:
    return json.loads(as_json(made, parse(filter)))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field as it is documented, with its value."""
    if isinstance(value, dict) and not path.endswith(FREE):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from _flat(inner, f"{path}[]")
    else:
        yield path, value


def _documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([a-z_.\[\]]+)` \| ([a-z ]+) \| .+ \|$", PAGE.read_text("utf-8"), re.M)
    return dict(rows)


def _is(value: Any, documented: str) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "list": (list,),
        "object": (dict,),
        "null": (type(None),),
    }
    allowed = [kind for name in documented.split(" or ") for kind in kinds[name]]
    if isinstance(value, bool):
        return bool in allowed
    return isinstance(value, tuple(allowed))


def test_the_page_has_exactly_the_fields_that_are_printed() -> None:
    found: set[str] = set()
    for make in WORLDS.values():
        found.update(path for path, _ in _flat(read(report(make()))))
    # An object that is not empty stands for its fields, a list for those of its items.
    inner = {name for name in found if any(other.startswith(f"{name}[].") for other in found)}
    assert found - inner == _documented().keys() - {"view"}


@pytest.mark.parametrize("name", [*WORLDS, "unreachable", "no bus"])
def test_the_types_are_those_of_the_page(name: str) -> None:
    if name == "unreachable":
        made = unreachable("gone", bus="", interval=1.0)
    else:
        made = report(None if name == "no bus" else WORLDS[name]())
    documented = _documented()
    for path, value in _flat(read(made)):
        if path not in documented:
            assert value == []  # a list of objects that has none
        else:
            assert _is(value, documented[path]), (path, value)


def test_the_page_has_the_schema_and_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.read_text("utf-8")
    assert f"`{SCHEMA}`" in page
    monkeypatch.setitem(os.environ, "COLUMNS", "100")
    shown = (ROOT / "docs" / "snippets" / "monitor_help.txt").read_text("utf-8")
    assert shown == _parser().format_help()
    for status in Status:
        assert re.search(rf"^\| {int(status)} \| ", page, re.M)


def test_findings_have_all_that_a_reader_needs() -> None:
    view = worlds.stuck()
    found = read(report(view))["view"]["findings"]
    assert len(found) == len(view.findings) == 2
    first, finding = found[0], view.findings[0]
    assert first == {
        "code": "STUCK",
        "severity": "critical",
        "subject": {
            "kind": "group",
            "key": finding.subject.key,
            "name": "billing@orders",
        },
        "text": "nothing settled for 3m, 1,204 pending",
        "since_ms": finding.since_ms,
        "next_step": CODES["STUCK"].next_step,
        "runbook": "docs/runbook.md#stuck",
    }
    (group,) = (
        each for each in read(report(view))["view"]["groups"] if each["findings"] == ["STUCK"]
    )
    assert group["key"] == finding.subject.key


def test_what_is_not_known_is_null_with_a_reason() -> None:
    view = read(report(worlds.unknown()))["view"]
    (stream,), (group,), (instance,) = view["streams"], view["groups"], view["instances"]
    assert (stream["length"], group["lag"], instance["pending"]) == (None, None, None)
    assert stream["unknown"]["length"] == "the server refuses XINFO"
    assert group["unknown"] == {
        "lag": "the server refuses XINFO",
        "settled": "the server refuses XINFO",
    }
    assert instance["unknown"]["pending"] == "the server refuses XINFO"
    assert group["backlog"] is None
    assert view["dead_letters"]["count"] is None


def test_figures_are_exact() -> None:
    view = worlds.dead()
    shown = read(report(view))["view"]
    (group,) = view.groups
    of = group.snapshot
    (found,) = shown["groups"]
    for name in ("lag", "pending", "waiting", "delayed", "backlog", "settled", "last_member_ms"):
        assert found[name] == getattr(of, name)
    for name in ("settle_rate", "growth", "drain_seconds", "members", "orphaned", "oldest_age"):
        assert found[name] == getattr(group, name)
    assert [each["pending"] for each in found["consumers"]] == [38, 3]
    assert shown["journal"][-1]["kind"] == "dead letter"
    assert shown["totals"] == dict(view.snapshot.totals)
    gone = next(each for each in shown["instances"] if each["state"] == "dead")
    assert (gone["orphaned"], gone["taken_over"], gone["declared"]) == (38, 12, True)
    alive = next(each for each in shown["instances"] if each["id"] == "ship-8")
    assert alive["vitals"]["handled"] == next(
        each.vitals.handled for each in view.snapshot.instances if each.vitals
    )


def test_never_is_said_without_an_infinite_number() -> None:
    groups = {each["name"]: each for each in read(report(worlds.stuck()))["view"]["groups"]}
    assert (groups["billing"]["drain_seconds"], groups["billing"]["never_drains"]) == (None, True)
    assert (groups["mail"]["drain_seconds"], groups["mail"]["never_drains"]) == (1.3, False)
    unknown = read(report(worlds.unknown()))["view"]["groups"][0]
    assert (unknown["drain_seconds"], unknown["never_drains"]) == (None, False)


def test_one_that_died_before_the_first_look() -> None:
    view = worlds.dead()
    gone = [replace(each, snapshot=None) for each in view.instances]
    shown = read(report(replace(view, instances=tuple(gone))))["view"]["instances"]
    assert (shown[0]["host"], shown[0]["options"], shown[0]["subscriptions"]) == (None, None, [])


@pytest.mark.parametrize("text", worlds.HOSTILE)
def test_any_text_goes_through_unharmed_and_harmless(text: str) -> None:
    made = report(worlds.hostile(text))
    printed = as_json(made, parse(""))
    assert printed.isascii()
    assert printed.isprintable()
    shown = json.loads(printed)
    assert shown["bus"] == text
    assert text in [each["name"] for each in shown["view"]["streams"]]
    assert shown["view"]["findings"][0]["text"] == text
    journal = shown["view"]["journal"]
    assert text in [value for each in journal for value in each["details"].values()]


def test_a_filter_keeps_what_matches_and_all_findings() -> None:
    shown = read(report(worlds.stuck()), "lag>1000")["view"]
    assert [each["name"] for each in shown["groups"]] == ["search"]
    assert shown["streams"] == []
    assert len(shown["findings"]) == 2


def test_on_one_line_or_on_many() -> None:
    made = report(worlds.stuck())
    assert "\n" not in as_json(made, parse(""))
    assert as_json(made, parse(""), indent=2).count("\n") > 50


@pytest.mark.parametrize(
    ("view", "bus", "buses", "status"),
    [
        (worlds.healthy(), "default", ["default"], Status.OK),
        (worlds.stuck(), "default", ["default"], Status.CRITICAL),
        (worlds.unknown(), "default", ["default"], Status.WARNING),
        (worlds.empty(), "default", [], Status.WARNING),
        (worlds.stuck(), "default", [], Status.CRITICAL),
        (worlds.healthy(), "default", [], Status.OK),  # it has just begun
        (None, "", [], Status.OK),
    ],
)
def test_the_status(view: BusView | None, bus: str, buses: list[str], status: Status) -> None:
    made = report_of(view, bus=bus, buses=buses, interval=1.0)
    shown = read(made)
    assert (made.status, shown["exit_status"]) == (status, int(status))
    assert shown["status"] == status.word
    assert shown["stored"] is (view is not None and view.snapshot.instances != ())


def test_a_store_that_is_gone() -> None:
    shown = read(unreachable("the cable is out", bus="shop", interval=2.0))
    assert (shown["status"], shown["exit_status"]) == ("unreachable", 3)
    assert (shown["error"], shown["view"], shown["bus"]) == ("the cable is out", None, "shop")
