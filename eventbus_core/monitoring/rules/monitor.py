"""Whether the monitor itself sees well."""

from collections.abc import Iterator

from ..figures import span
from ..finding import Severity, Subject
from ..hysteresis import Condition
from ..scene import Scene


def slow_poll(scene: Scene) -> Iterator[Condition]:
    """A look takes a large part of the time between two."""
    if scene.poll_seconds < scene.interval * scene.limits.slow_poll:
        return
    yield Condition(
        code="MONITOR",
        severity=Severity.WARNING,
        subject=Subject("monitor", "", "looks"),
        text=f"a look takes {scene.poll_seconds:.1f}s, one is due every {scene.interval:g}s",
        rise=scene.limits.slow_poll_for,
    )


def clock_skew(scene: Scene) -> Iterator[Condition]:
    """The clocks of the store and of this host differ: ages are wrong."""
    if scene.wall_ms is None:
        return
    ahead = (scene.snapshot.at_ms - scene.wall_ms) / 1000
    # The snapshot is older than its arrival by up to the time that it took.
    apart = ahead if ahead >= 0 else max(0.0, -ahead - scene.poll_seconds)
    if apart < scene.limits.clock_skew:
        return
    side = "ahead of" if ahead > 0 else "behind"
    yield Condition(
        code="MONITOR",
        severity=Severity.WARNING,
        subject=Subject("monitor", "", "clocks"),
        text=f"the store's clock is {span(apart)} {side} this host's",
    )
