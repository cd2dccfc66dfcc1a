"""The contract: every group of tests in one class, and the fixtures that a subclass replaces."""

from collections.abc import Iterator

import pytest

from ..plugins import capabilities_of, scheme_of
from . import report
from .faults import FaultDriver
from .groups.anycast import Anycast
from .groups.backlog import Backlog
from .groups.broadcast import Broadcast
from .groups.cancellation import Cancellation
from .groups.dead_letters import DeadLetterCases
from .groups.failover import Failover
from .groups.handing_back import HandingBack
from .groups.identity import Identity
from .groups.isolation import Isolation
from .groups.leaks import Leaks
from .groups.lifecycle import Lifecycle
from .groups.monitoring import Monitoring
from .groups.order import Order
from .groups.outages import Outages
from .groups.poison import Poison
from .groups.processes import Processes
from .groups.publishing import Publishing
from .groups.retention import Retention
from .groups.settling import Settling
from .groups.subscribing import Subscribing
from .groups.unicast import Unicast
from .groups.whole_buses import WholeBuses
from .groups.work_groups import WorkGroups
from .kit import Kit


class TransportContract(
    Publishing,
    Broadcast,
    Unicast,
    Anycast,
    WorkGroups,
    Order,
    Settling,
    Lifecycle,
    Identity,
    Failover,
    DeadLetterCases,
    Retention,
    Backlog,
    Cancellation,
    Subscribing,
    WholeBuses,
    HandingBack,
    Poison,
    Isolation,
    Leaks,
    Processes,
    Outages,
    Monitoring,
):
    """What a transport must do. Subclass it, named ``Test…``, in the tests of a transport.

    Replace the fixture `transport_target` to say which store to test, and `fault_driver` to have
    the tests run that need a fault from outside.
    """

    @pytest.fixture
    def transport_target(self, request: pytest.FixtureRequest) -> object:
        """A URL, or a typed config (then no test can start a process of its own)."""
        url = request.config.getoption("--transport-url")
        if not url:
            pytest.exit("which transport? Give --transport-url=URL", pytest.ExitCode.USAGE_ERROR)
        return url

    @pytest.fixture
    def fault_driver(self) -> FaultDriver:
        """What can be done to the store; by default nothing."""
        return FaultDriver()

    @pytest.fixture
    def kit(
        self,
        request: pytest.FixtureRequest,
        transport_target: object,
        fault_driver: FaultDriver,
    ) -> Iterator[Kit]:
        """What the tests work with. Decides whether a test applies."""
        scheme = scheme_of(transport_target)
        capabilities = capabilities_of(scheme)
        report.applies(request, scheme, capabilities, fault_driver, transport_target)
        with Kit(
            transport_target,
            capabilities=capabilities,
            faults=fault_driver,
            deadline=request.config.getoption("--transport-deadline"),
        ) as kit:
            yield kit
