"""The memory transport passes the conformance kit."""

from uuid import uuid4

import pytest

from eventbus_core.conformance import FaultDriver, TransportContract
from tests.conformance.memory_faults import MemoryFaults


class TestMemory(TransportContract):
    """Each test on a store of its own."""

    @pytest.fixture
    def store_name(self) -> str:
        return uuid4().hex

    @pytest.fixture
    def transport_target(self, store_name: str) -> object:
        return f"memory://{store_name}"

    @pytest.fixture
    def fault_driver(self, store_name: str) -> FaultDriver:
        return MemoryFaults(store_name)
