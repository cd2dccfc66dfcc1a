"""Many faults in one process: ``python -m tests.conformance.fault_runner FOLDER FAULT...``

It calls the tests of the kit directly: a run of pytest for each of a hundred faults would take
minutes to start. Writes JSON to standard output: for each fault the outcome of each test.
"""

import hashlib
import itertools
import json
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from eventbus_core.conformance import FaultDriver, TransportContract
from eventbus_core.conformance.cases import not_run
from eventbus_core.conformance.kit import Kit
from eventbus_core.plugins import capabilities_of, scheme_of
from tests.conformance.broken.faults import FAULTS
from tests.conformance.kit_run import kit_tests
from tests.conformance.memory_faults import MemoryFaults

DEADLINE = 1.5
"""Seconds. The good transports pass with it, so a test that fails has found the fault."""
LONGEST = 20.0
"""Seconds that one case may take; only one that hangs takes so long."""
OTHERS = 10
SLOW = {"handing back", "leaks", "outages", "poison", "processes", "subscribing", "whole buses"}
"""Groups with whole buses and processes: run for the faults that are meant for them only."""


def chosen(fault: str) -> list[str]:
    """The tests meant for a fault, and ten others: for each fault the same ones at every run."""
    meant = FAULTS[fault].meant

    def order(name: str) -> bytes:
        return hashlib.sha256(f"{fault} {name}".encode()).digest()

    return [*meant, *sorted(_quick() - set(meant), key=order)[:OTHERS]]


@cache
def _quick() -> set[str]:
    """Tests that need neither a driver nor more than the memory transport declares."""
    declared = capabilities_of("memory")
    tests = {name: getattr(TransportContract, name) for name in kit_tests()}
    return {
        name
        for name, test in tests.items()
        if test.group not in SLOW and not_run(test, declared, FaultDriver(), "memory://") is None
    }


def url_of(fault: str, folder: Path) -> str:
    """Where its broken transport is opened."""
    if FAULTS[fault].base == "sqlite":
        return f"broken-shared://{fault}{folder / fault}.db"
    return f"broken://{fault}"


def driver_of(url: str) -> FaultDriver:
    """What can be done to the store behind it: to a memory store of its own nearly everything."""
    scheme, fault = urlsplit(url)[:2]
    return MemoryFaults(f"broken-{fault}") if scheme == "broken" else FaultDriver()


def outcome(name: str, url: str) -> str:
    """Run one test, in all its cases until one fails: passed, failed or skipped."""
    function = getattr(TransportContract, name)
    capabilities = capabilities_of(scheme_of(url))
    if not_run(function, capabilities, driver_of(url), url):
        return "skipped"
    return next((o for o in _outcomes(function, url, capabilities) if o == "failed"), "passed")


def _give_up(number: int, frame: object) -> None:
    raise TimeoutError("the test never came back to its event loop")


def _outcomes(function: Callable[..., None], url: str, capabilities: Any) -> Iterator[str]:
    for parameters in _cases(function):
        # A broken transport may keep the event loop for ever, where no other limit helps.
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        try:
            with Kit(
                url, capabilities=capabilities, faults=driver_of(url), deadline=DEADLINE
            ) as kit:
                function(TransportContract(), kit, **parameters)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # whatever pytest would call a failure
            yield "failed"
        else:
            yield "passed"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _cases(function: Callable[..., None]) -> Iterator[dict[str, Any]]:
    axes = []
    for mark in getattr(function, "pytestmark", ()):
        names, values = mark.args[:2]
        names = names.replace(" ", "").split(",") if isinstance(names, str) else list(names)
        values = [getattr(value, "values", value) for value in values]
        axes.append(
            [dict(zip(names, v if len(names) > 1 else _one(v), strict=True)) for v in values]
        )
    for combination in itertools.product(*axes):
        yield {name: value for axis in combination for name, value in axis.items()}


def _one(value: Any) -> tuple[Any, ...]:
    # pytest.param(...) has a tuple of values, also of a single one.
    return value if isinstance(value, tuple) and type(value) is tuple else (value,)


def main(folder: Path, faults: list[str]) -> None:
    signal.signal(signal.SIGALRM, _give_up)
    found = {
        fault: {name: outcome(name, url_of(fault, folder)) for name in chosen(fault)}
        for fault in faults
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
