"""Which test of the kit rejects which broken transport: the page, made from the faults themselves.

``python -m tests.conformance.matrix`` writes docs/conformance-matrix.md. That every pair in it is
true is shown by `test_broken_transports`.
"""

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path

from eventbus_core.conformance import TransportContract
from tests.conformance.broken import faults
from tests.conformance.broken.faults import FAULTS
from tests.conformance.kit_run import kit_tests

PAGE = Path(__file__).parents[2] / "docs" / "conformance-matrix.md"
INTRODUCTION = """# Which test rejects which broken transport

Made by `python -m tests.conformance.matrix`; `make test` runs every pair of it. Each fault is a
thin layer over a good transport, in `tests/conformance/broken/`.
"""


def groups() -> dict[str, list[str]]:
    """Names of the kit's tests by group."""
    found: dict[str, list[str]] = {}
    for name in kit_tests():
        found.setdefault(getattr(TransportContract, name).group, []).append(name)
    return dict(sorted(found.items()))


def rejecting() -> dict[str, list[str]]:
    """For each test the faults that it is meant to find."""
    found: dict[str, list[str]] = {name: [] for name in kit_tests()}
    for fault, broken in sorted(FAULTS.items()):
        for name in broken.meant:
            found[name].append(fault)
    return found


def unbreakable() -> Mapping[str, str]:
    """Tests that no broken transport fails, and why."""
    found: dict[str, str] = {}
    for module in vars(faults).values():
        found |= getattr(module, "UNBREAKABLE", {})
    return found


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION, f"## The {len(FAULTS)} faults", "", "| fault | what is wrong | tests |"]
    lines.append("|---|---|--:|")
    for fault, broken in sorted(FAULTS.items()):
        lines.append(f"| {fault} | {_sentence(broken)} | {len(broken.meant)} |")
    tests, reasons = rejecting(), unbreakable()
    lines += ["", f"## The {len(tests)} tests", ""]
    for group, names in groups().items():
        lines += [f"### {group}", "", "| test | fails on |", "|---|---|"]
        for name in names:
            shown = name.removeprefix("test_").replace("_", " ")
            found = ", ".join(tests[name]) or f"nothing: {reasons.get(name, 'no reason given')}"
            lines.append(f"| {shown} | {found} |")
        lines.append("")
    return "\n".join(lines)


def _sentence(broken: type) -> str:
    text = " ".join((inspect.getdoc(broken) or "").split())
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE.name}: {len(FAULTS)} faults, {len(kit_tests())} tests\n")
