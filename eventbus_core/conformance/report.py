"""Which tests apply, and the table at the end: what was shown, and what was not tried, and why."""

from collections import Counter, defaultdict
from typing import Any, Final

import pytest

from ..capabilities import Capabilities
from .faults import FAULTS, FaultDriver

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
    noted = {"suite": suite, "group": getattr(function, "group", "own tests")}
    request.node.user_properties.append((_PROPERTY, noted))

    missing = [name for name in getattr(function, "needs", ()) if not getattr(capabilities, name)]
    if missing:
        noted["not declared"] = ", ".join(missing)
        pytest.skip(f"not declared: {noted['not declared']}")
    wanted = getattr(function, "faults", ())
    if untried := [name for name in wanted if name in FAULTS and not driver.can(name)]:
        noted["not tried"] = f"needs a fault driver with {', '.join(untried)}"
    elif "process" in wanted and not isinstance(target, str):
        noted["not tried"] = "a process of its own needs a URL, not a typed config"
    if "not tried" in noted:
        pytest.skip(noted["not tried"])


class Report:
    """Collects outcomes, and writes them under the tests."""

    def __init__(self) -> None:
        self._suites: dict[str, str] = {}
        """Name of each suite and its declared capabilities."""
        self._outcomes: dict[str, dict[str, Counter[str]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        self._reasons: dict[str, Counter[str]] = defaultdict(Counter)

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
        outcomes = self._outcomes[noted["suite"]][noted["group"]]
        if report.when == "call" or report.failed or report.skipped:
            column = next((c for c in _COLUMNS[2:] if c in noted), report.outcome)
            if column in noted:
                self._reasons[noted["suite"]][f"{column}: {noted[column]}"] += 1
            outcomes[column] += 1

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for suite, declared in self._suites.items():
            terminalreporter.section(f"conformance of {suite}")
            for line in self.lines(suite, declared):
                terminalreporter.write_line(line)

    def lines(self, suite: str, declared: str) -> list[str]:
        """A table in Markdown, for a README too, and the reasons why tests were not run."""
        groups = self._outcomes[suite]
        total: Counter[str] = Counter()
        rows = []
        for group in sorted(groups):
            total.update(groups[group])
            rows.append(_row(group, groups[group]))
        lines = [
            f"Declared: {declared}.",
            "",
            f"| {'group':<20} | " + " | ".join(_COLUMNS) + " |",
            f"|:{'-' * 20}-|" + "".join(f"{'-' * (len(c) + 1)}:|" for c in _COLUMNS),
            *rows,
            _row("all", total),
            "",
        ]
        lines += [f"{text} ({n})" for text, n in sorted(self._reasons[suite].items())]
        return lines


def _row(group: str, counted: Counter[str]) -> str:
    cells = (f"{counted[column] or '':>{len(column)}}" for column in _COLUMNS)
    return f"| {group:<20} | " + " | ".join(cells) + " |"
