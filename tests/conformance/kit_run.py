"""Running the kit in a process of its own, and what came of each test."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

INSTALLED = Path(__file__).with_name("installed")
"""Where the broken transports are "installed"."""
TIMEOUT = 300


def run_kit(
    url: str, folder: Path, *, only: Collection[str] = (), deadline: float = 10.0
) -> dict[str, set[str]]:
    """Run the tests or groups (``group_…``) named, all if none is, from an empty folder; the
    outcomes of each test by name: ``passed``, ``failed``, ``skipped``. Parametrised cases are one
    test."""
    results = folder / "results.xml"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio",
        "--pyargs", "eventbus_core.conformance", f"--transport-url={url}",
        f"--transport-deadline={deadline}", f"--junitxml={results}",
    ]  # fmt: skip
    if only:
        command += ["-k", " or ".join(only)]
    environment = {**os.environ, "PYTHONPATH": str(INSTALLED)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT,
        check=False,
    )  # fmt: skip
    assert results.exists(), done.stdout + done.stderr
    found = outcomes(results)
    if not only or any(name.startswith("group_") for name in only):
        return found
    # `-k` matches parts of names.
    return {name: found[name] for name in found if name in only}


def outcomes(results: Path) -> dict[str, set[str]]:
    """Read a JUnit file."""
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(results).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if kinds else "passed"
        found[case.attrib["name"].partition("[")[0]].add(outcome)
    return dict(found)


def kit_tests() -> Sequence[str]:
    """Names of all tests of the kit."""
    from eventbus_core.conformance import TransportContract

    return sorted(name for name in dir(TransportContract) if name.startswith("test_"))


def needs_a_driver() -> set[str]:
    """Names of the tests that need a fault driver, which a run by URL has not."""
    from eventbus_core.capabilities import Capabilities
    from eventbus_core.conformance import FaultDriver, TransportContract
    from eventbus_core.conformance.cases import not_run

    everything = Capabilities(**{field.name: True for field in fields(Capabilities)})
    tests = {name: getattr(TransportContract, name) for name in kit_tests()}
    return {
        name
        for name, test in tests.items()
        if not_run(test, everything, FaultDriver(), "memory://")
    }
