"""What the kit says of itself: what was not tried is never counted as passed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

OWN = """
import pytest
from eventbus_core.conformance import FaultDriver, TransportContract
from eventbus_core.conformance.cases import Cases, faults, needs


class Own(Cases):
    async def test_passes(self, kit):
        peer = await kit.join("a")
        assert await peer.broadcast("x")

    async def test_fails(self, kit):
        seen = [1, 2]
        assert seen == [1, 3]

    @needs("durable", "failover")
    async def test_not_declared(self, kit):
        raise AssertionError("it must not run")

    @faults("flush")
    async def test_tried(self, kit):
        await kit.faults.flush()

    @faults("flush", "restart")
    async def test_not_tried(self, kit):
        raise AssertionError("it must not run")

    @faults("process")
    async def test_in_a_process(self, kit):
        assert isinstance(kit.target, str)

    @pytest.mark.parametrize("mode", ["broadcast", "unicast"])
    async def test_cases(self, kit, mode):
        assert mode

    async def test_passes_then_fails(self, kit, ends_badly):
        assert kit.bus

    async def test_own_skip_passes(self, kit):
        pytest.skip("not today")

    async def test_hangs(self, kit):
        await kit.until(lambda: False, "what never comes")


@pytest.fixture
def ends_badly():
    yield
    raise RuntimeError("at the end")


class Driver(FaultDriver):
    async def flush(self):
        self.flushed = True


class TestOwn(Own, TransportContract):
    @pytest.fixture
    def transport_target(self):
        return TARGET

    @pytest.fixture
    def fault_driver(self):
        return Driver()
"""
ROW = r"^\| {name} +\|" + r" +(\d*) +\|" * 4 + "$"


def _run(folder: Path, target: str) -> str:
    (folder / "test_own.py").write_text(OWN.replace("TARGET", target), "utf-8")
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:asyncio", "-k", "TestOwn",
               "--transport-deadline=0.2", "-k", "passes or fails or declared or tried or process "
               "or cases or hangs", "test_own.py::TestOwn"]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def _row(shown: str, name: str) -> list[int]:
    found = re.search(ROW.format(name=name), shown, re.MULTILINE)
    assert found, shown
    return [int(cell or 0) for cell in found.groups()]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _run(tmp_path_factory.mktemp("own"), "'memory://reporting'")


def test_each_outcome_has_its_column(shown: str) -> None:
    # passed: passes, tried, in a process, two cases. failed: fails, hangs, and, once, what passes
    # and then fails at its end. Not tried: what needs a driver, and what skips itself.
    assert _row(shown, "own tests") == [5, 3, 1, 2]


def test_what_was_not_tried_is_said_with_its_reason(shown: str) -> None:
    assert "not declared: durable (1)" in shown
    assert "not tried: needs a fault driver with restart (1)" in shown
    assert "not tried: skipped by the test itself (1)" in shown
    assert "Declared: failover, redrive, monitoring, actions." in shown


def test_a_failed_comparison_shows_its_values(shown: str) -> None:
    assert "assert [1, 2] == [1, 3]" in shown
    assert "what never comes did not come true" in shown


def test_a_typed_config_starts_no_process(tmp_path: Path) -> None:
    target = "__import__('eventbus_core.memory').memory.MemoryConfig(name='reporting')"
    shown = _run(tmp_path, target)
    assert "a process of its own needs a URL, not a typed config (1)" in shown
