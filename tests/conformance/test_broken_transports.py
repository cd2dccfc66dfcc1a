"""The kit rejects every broken transport, by the tests that are meant for its fault."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance.broken.faults import FAULTS
from tests.conformance.fault_runner import DEADLINE, OTHERS, chosen
from tests.conformance.kit_run import INSTALLED, kit_tests, run_kit

ROOT = Path(__file__).parents[2]
PROCESSES = 6
"""More than there are cores: a test that has found a fault mostly waits."""
pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """The outcome of each test that was run on each fault."""
    folder = tmp_path_factory.mktemp("faults")
    runner = [sys.executable, "-W", "ignore", "-m", "tests.conformance.fault_runner", str(folder)]
    running = [
        subprocess.Popen(
            [*runner, *sorted(FAULTS)[number::PROCESSES]],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(INSTALLED)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    outcomes: dict[str, dict[str, str]] = {}
    try:
        for process in running:
            out, errors = process.communicate(timeout=400)
            assert process.returncode == 0, errors
            outcomes |= json.loads(out)
    finally:
        for process in running:
            process.kill()
            process.communicate()
    return outcomes


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_broken_transport_is_rejected(fault: str, found: Mapping[str, Mapping[str, str]]) -> None:
    outcomes = found[fault]
    assert len(outcomes) == len(FAULTS[fault].meant) + OTHERS
    assert {
        name: outcomes[name] for name in FAULTS[fault].meant if outcomes[name] != "failed"
    } == {}


def test_a_good_transport_passes_with_the_same_deadline(tmp_path: Path) -> None:
    found = run_kit("memory://", tmp_path, deadline=DEADLINE)
    assert set(found) == set(kit_tests())
    assert [name for name, outcome in found.items() if "failed" in outcome] == []


def test_a_fault_is_rejected_by_a_run_of_pytest_too(tmp_path: Path) -> None:
    (fault, *_) = sorted(FAULTS)
    found = run_kit(f"broken://{fault}", tmp_path, only=chosen(fault), deadline=DEADLINE)
    assert {name for name, outcome in found.items() if "failed" in outcome} >= set(
        FAULTS[fault].meant
    )
