"""Which tests apply, and the table at the end: what was shown, and what was not tried, and why."""

from collections import Counter, defaultdict
from typing import Any, Final, NamedTuple

import pytest

from ..capabilities import Capabilities
from .cases import not_run
from .faults import FaultDriver

_PLUGIN: Final = "eventbus-conformance-report"
_PROPERTY: Final = "eventbus conformance"
_COLUMNS: Final = ("passed", "failed", "not declared", "not tried")


def applies(
    request: pytest.FixtureRequest,
    label: str,
    capabilities: Capabilities,
    driver: FaultDriver,
    target: object,
) -> None:
    """Note the test for the table, and skip it if it does not apply to this transport."""
    manager = request.config.pluginmanager
    plugin = manager.get_plugin(_PLUGIN)
    if plugin is None:
        plugin = Report()
        manager.register(plugin, _PLUGIN)
    assert isinstance(plugin, Report)
    suite = plugin.suite(request, label, capabilities)
    function = request.function
    why = not_run(function, capabilities, driver, target)
    noted = {
        "suite": suite,
        "group": getattr(function, "group", "own tests"),
        "column": why.column if why else "",
        "reason": why.reason if why else "",
    }
    request.node.user_properties.append((_PROPERTY, noted))
    if why is not None:
        pytest.skip(f"{why.column}: {why.reason}")


class Outcome(NamedTuple):
    """What came of one test."""

    suite: str
    group: str
    column: str
    reason: str = ""
    """Why it was not run."""


class Report:
    """Collects outcomes, and writes them under the tests."""

    def __init__(self) -> None:
        self._suites: dict[str, str] = {}
        """Name of each suite and its declared capabilities."""
        self._outcomes: dict[str, Outcome] = {}
        """By node id: a test that passes and then fails to end has failed, once."""

    def suite(self, request: pytest.FixtureRequest, label: str, capabilities: Capabilities) -> str:
        """The name under which a test's outcome is shown."""
        owner = request.cls.__name__ if request.cls is not None else request.module.__name__
        name = label if owner == "TestTransport" else f"{label} ({owner})"
        declared = ", ".join(capabilities.declared()) or "nothing"
        self._suites[name] = declared
        return name

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        noted: Any = dict(report.user_properties).get(_PROPERTY)
        if noted is None:
            return
        place = noted["suite"], noted["group"]
        if report.failed:
            self._outcomes[report.nodeid] = Outcome(*place, "failed")
        elif report.skipped:
            # Also by a word of the test's own: whatever did not run is never counted as passed.
            column = noted["column"] or "not tried"
            reason = noted["reason"] or "skipped by the test itself"
            self._outcomes[report.nodeid] = Outcome(*place, column, reason)
        elif report.when == "call":
            self._outcomes[report.nodeid] = Outcome(*place, "passed")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for suite, declared in self._suites.items():
            terminalreporter.section(f"conformance of {suite}")
            for line in self.lines(suite, declared):
                terminalreporter.write_line(line)

    def lines(self, suite: str, declared: str) -> list[str]:
        """A table in Markdown, for a README too, and the reasons why tests were not run."""
        mine = [outcome for outcome in self._outcomes.values() if outcome.suite == suite]
        groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for outcome in mine:
            groups[outcome.group][outcome.column] += 1
        rows = [_row(group, groups[group]) for group in sorted(groups)]
        total = Counter(outcome.column for outcome in mine)
        reasons = Counter(f"{o.column}: {o.reason}" for o in mine if o.reason)
        lines = [
            f"Declared: {declared}.",
            "",
            f"| {'group':<20} | " + " | ".join(_COLUMNS) + " |",
            f"|:{'-' * 20}-|" + "".join(f"{'-' * (len(c) + 1)}:|" for c in _COLUMNS),
            *rows,
            _row("all", total),
            "",
        ]
        lines += [f"{text} ({n})" for text, n in sorted(reasons.items())]
        return lines


def _row(group: str, counted: Counter[str]) -> str:
    cells = (f"{counted[column] or '':>{len(column)}}" for column in _COLUMNS)
    return f"| {group:<20} | " + " | ".join(cells) + " |"
