"""The conformance kit: tests that prove a transport, for anyone to run.

    pytest --pyargs eventbus_core.conformance --transport-url=URL

runs it against any installed transport. The tests of a transport's own repository subclass
`TransportContract` to set a store up and to give the kit a `FaultDriver`. It needs pytest alone:
``pip install "eventbus-streams[conformance]"``.
"""

from pkgutil import iter_modules

import pytest

# Before any module with asserts is imported, so that a failure shows the values compared.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))

from .contract import TransportContract  # noqa: E402 # after the line above
from .faults import FaultDriver  # noqa: E402 # as above

__all__ = ["FaultDriver", "TransportContract"]
