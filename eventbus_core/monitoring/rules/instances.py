"""Instances that died, are late, or whose handlers do not end."""

from collections.abc import Iterator

from ..figures import number, short, span
from ..finding import Severity, Subject
from ..hysteresis import Condition
from ..scene import Scene
from ..views import InstanceState, InstanceView


def dead(scene: Scene) -> Iterator[Condition]:
    """Critical while its work cannot be, or has not been, taken over."""
    living = {
        view.id
        for view in scene.instances.values()
        if view.id and view.state is not InstanceState.DEAD
    }
    for view in scene.instances.values():
        if view.state is InstanceState.DEAD and view.id not in living:
            yield Condition(
                code="DEAD",
                severity=Severity.WARNING if _settled(view) else Severity.CRITICAL,
                subject=subject(view),
                text=_how_dead(view, scene.snapshot.at_ms),
                since_ms=lease_end_ms(view),
            )


def late(scene: Scene) -> Iterator[Condition]:
    """Its heartbeat is overdue, its lease still holds."""
    for view in scene.instances.values():
        if view.state is InstanceState.LATE and view.snapshot is not None:
            lease = view.snapshot.lease
            yield Condition(
                code="LATE",
                severity=Severity.WARNING,
                subject=subject(view),
                text=f"heartbeat {span(view.snapshot.heartbeat_age)} ago, lease {span(lease)}",
                since_ms=view.last_seen_ms + round(lease * scene.limits.late_share * 1000),
            )


def slow_handler(scene: Scene) -> Iterator[Condition]:
    """One handler has been running for long, as of the newest heartbeat."""
    limit = scene.limits.slow_handler
    for view in scene.instances.values():
        if view.state is InstanceState.DEAD or view.snapshot is None:
            continue
        vitals = view.snapshot.vitals
        if vitals is None or not vitals.running or vitals.slowest_seconds < limit:
            continue
        begun_ms = view.last_seen_ms - round(vitals.slowest_seconds * 1000)
        runs = max(vitals.slowest_seconds, (scene.snapshot.at_ms - begun_ms) / 1000)
        yield Condition(
            code="SLOW-HANDLER",
            severity=Severity.WARNING,
            subject=subject(view),
            text=f"handler {short(vitals.slowest)} has been running for {span(runs)}",
            since_ms=begun_ms,
        )


def unknown_format(scene: Scene) -> Iterator[Condition]:
    """It announces itself in a format that this release does not know."""
    for view in scene.instances.values():
        if view.snapshot is not None and (reason := view.snapshot.unknown.get("format")):
            yield Condition(
                code="VERSION",
                severity=Severity.WARNING,
                subject=subject(view),
                text=reason,
            )


def subject(view: InstanceView) -> Subject:
    """An instance, as a finding names it."""
    return Subject("instance", view.key, view.id or view.key)


def lease_end_ms(view: InstanceView) -> int:
    """When the lease of a dead one was over; when it was declared dead, if more is not known."""
    lease = 0.0 if view.snapshot is None else view.snapshot.lease
    return view.last_seen_ms + round(lease * 1000)


def _settled(view: InstanceView) -> bool:
    return view.declared and not view.orphaned


def _how_dead(view: InstanceView, at_ms: int) -> str:
    ago = span((at_ms - view.last_seen_ms) / 1000)
    what = f"heartbeat {ago} ago" if view.snapshot is not None else f"declared dead {ago} ago"
    if not view.declared:
        what += ", nobody has declared it dead yet"
    orphaned = f"{number(view.orphaned)} orphaned" if view.orphaned else "nothing orphaned"
    taken = f", {number(view.taken_over)} taken over" if view.taken_over else ""
    return f"{what}, {orphaned}{taken}"
