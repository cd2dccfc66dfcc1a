"""Simulated services to look at: a small shop in which things go wrong, as often as you like.

    with open_demo(scenario="tour", seed=0) as demo:
        print(demo.url, demo.bus)

``python -m eventbus_core.demo`` runs it alone. Read it in this order: `cast` (who there is), `plan`
(what happens), `traffic` (what is sent), `trades` (what is done with it), `worker`, `crew` (the
instances of one process), `stage`, then `process_stage` with its processes `conductor` and
`service`, or `thread_stage`.
"""

from .opening import Demo, open_demo
from .plan import QUICK_THRESHOLDS, SCENARIOS

__all__ = ["QUICK_THRESHOLDS", "SCENARIOS", "Demo", "open_demo"]
