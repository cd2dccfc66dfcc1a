"""The monitoring core needs no user interface."""

import subprocess
import sys


def test_it_loads_nothing_of_a_user_interface_and_no_transport() -> None:
    program = (
        "import sys, eventbus_core.monitoring as m; m.Watch(m.Thresholds()); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30
    )
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert not tops & {"eventbus_redis", "eventbus_tui", "redis", "rich", "textual"}
