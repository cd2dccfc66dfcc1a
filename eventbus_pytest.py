"""Declares the options of the transport conformance kit to pytest, and imports nothing for it.

pytest loads this module into every run of an environment that has the library installed, so the
kit itself (`eventbus_core.conformance`) is imported only by tests that use it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: "pytest.Parser") -> None:
    """See ``pytest --help``, section eventbus."""
    group = parser.getgroup("eventbus", "eventbus: conformance of transports")
    group.addoption(
        "--transport-url",
        metavar="URL",
        help="the store that the conformance kit tests, as in EventBus(URL)",
    )
    group.addoption(
        "--transport-deadline",
        metavar="SECONDS",
        type=float,
        default=10.0,
        help="how long the kit waits for what must come before a test fails (default: 10)",
    )
