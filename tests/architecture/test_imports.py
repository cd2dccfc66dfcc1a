"""What is loaded by what, seen from a fresh process."""

import subprocess
import sys

import pytest


def _loaded_by(code: str) -> set[str]:
    """Modules that are there after `code`, and were not before it."""
    program = f"import sys; before = set(sys.modules); {code}; print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30
    )
    return set(done.stdout.split())


def test_the_options_of_the_kit_load_nothing() -> None:
    # Every pytest run of an environment with the library loads this module.
    tops = {name.partition(".")[0] for name in _loaded_by("import eventbus_pytest")}
    assert tops - sys.stdlib_module_names == {"eventbus_pytest"}


@pytest.mark.parametrize("code", ["import eventbus_core", "import eventbus_core.monitoring"])
def test_the_core_loads_no_transport_and_no_test_tool(code: str) -> None:
    tops = {name.partition(".")[0] for name in _loaded_by(code)}
    assert not tops & {"eventbus_redis", "hiredis", "hypothesis", "pytest", "redis", "textual"}


def test_opening_a_url_loads_its_own_plug_in_only() -> None:
    loaded = _loaded_by("from eventbus_core import EventBus; EventBus('memory://')")
    assert "eventbus_core.memory.plugin" in loaded
    assert not {name for name in loaded if name.startswith(("eventbus_redis", "eventbus_sqlite"))}


def test_a_process_of_the_kit_does_not_load_the_kit() -> None:
    loaded = _loaded_by(
        "import runpy, eventbus_core; "
        "runpy.run_path(eventbus_core.__path__[0] + '/conformance/child.py')"
    )
    assert not {name for name in loaded if name.startswith(("pytest", "eventbus_core.conf"))}
