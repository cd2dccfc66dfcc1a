"""The behaviour tests again, on servers of other versions."""

import pytest

# The fixtures of the behaviour tests, but for their choice of a store.
from tests.behaviour.conftest import bus_name, kill, make_bus  # noqa: F401
from tests.behaviour.test_anycast import *  # noqa: F403
from tests.behaviour.test_broadcast import *  # noqa: F403
from tests.behaviour.test_failure import *  # noqa: F403
from tests.behaviour.test_lifecycle import *  # noqa: F403
from tests.behaviour.test_original_defects import *  # noqa: F403
from tests.behaviour.test_subscribing import *  # noqa: F403
from tests.behaviour.test_unicast import *  # noqa: F403

pytestmark = pytest.mark.matrix
