"""Groups that do not move, fall behind, or have nobody."""

from collections.abc import Iterator

from ...snapshots import InstanceSnapshot
from ..figures import names, number, per_second, span
from ..finding import Severity, Subject
from ..hysteresis import Condition
from ..scene import Scene
from ..views import GroupView, InstanceState
from .instances import lease_end_ms


def stuck(scene: Scene) -> Iterator[Condition]:
    """Work, nothing settled, and nobody who could settle it reports a running handler."""
    at_ms = scene.snapshot.at_ms
    for key, quiet in scene.quiet.items():
        if quiet < scene.limits.stuck:
            continue
        view = scene.groups[key]
        holders = list(_holders(scene, view))
        if any(each.vitals is not None and each.vitals.running > 0 for each in holders):
            continue
        group = view.snapshot
        text = f"nothing settled for {span(quiet)}, {number(group.pending or 0)} pending"
        if unseen := (group.lag or 0) + (group.waiting or 0):
            text += f", {number(unseen)} not handed out"
        if view.oldest_age is not None:
            text += f", oldest {span(view.oldest_age)}"
        if group.pending and holders:
            text += f"; held by {names(sorted({each.id for each in holders}))}"
        yield Condition(
            code="STUCK",
            severity=Severity.CRITICAL,
            subject=subject(view),
            text=text,
            since_ms=at_ms - round(quiet * 1000),
            rise=scene.limits.stuck,
        )


def lagging(scene: Scene) -> Iterator[Condition]:
    """A large backlog that grows."""
    for view in scene.groups.values():
        if not view.growth or view.growth <= 0 or not view.history:
            continue
        backlog = int(view.history[-1])
        if backlog < scene.limits.lagging:
            continue
        settles = "" if view.settle_rate is None else f", settles {per_second(view.settle_rate)}"
        yield Condition(
            code="LAGGING",
            severity=Severity.WARNING,
            subject=subject(view),
            text=f"{number(backlog)} behind, growing by {per_second(view.growth)}{settles}; "
            "never drains at this rate",
            rise=scene.limits.lagging_for,
        )


def memberless(scene: Scene) -> Iterator[Condition]:
    """A group without a live member beside groups that have some."""
    at_ms = scene.snapshot.at_ms
    for keys in scene.groups_of.values():
        if len(keys) < 2:
            continue
        siblings = [scene.groups[key] for key in keys]
        if all(view.members for view in siblings) or not any(view.members for view in siblings):
            continue
        for view in siblings:
            last_ms = view.snapshot.last_member_ms
            if view.members or (last_ms is None and scene.blind):
                continue
            known = "" if last_ms is None else f" for {span((at_ms - last_ms) / 1000)}"
            yield Condition(
                code="MEMBERLESS-GROUP",
                severity=Severity.WARNING,
                subject=subject(view),
                text=f"no live member{known}, {_if_dropped(view.snapshot.backlog)}",
                since_ms=last_ms,
                rise=scene.limits.memberless,
            )


def orphaned(scene: Scene) -> Iterator[Condition]:
    """Dead instances still hold messages of a group."""
    for view in scene.groups.values():
        if not view.orphaned:
            continue
        dead = [
            scene.instances[each.incarnation]
            for each in view.snapshot.consumers
            if each.pending
            and each.incarnation in scene.instances
            and scene.instances[each.incarnation].state is InstanceState.DEAD
        ]
        whose = f" of {names(sorted({each.id for each in dead}))}" if dead else ""
        takers = {0: "nobody is there to take them", 1: "1 live member"}
        yield Condition(
            code="ORPHANED",
            severity=Severity.WARNING if view.members else Severity.CRITICAL,
            subject=subject(view),
            text=f"{number(view.orphaned)} messages{whose} not taken over; "
            f"{takers.get(view.members, f'{view.members} live members')}",
            since_ms=min(map(lease_end_ms, dead), default=None),
            rise=scene.limits.orphaned,
        )


def subject(view: GroupView) -> Subject:
    """A group, as a finding names it."""
    return Subject("group", view.key, view.name)


def _holders(scene: Scene, view: GroupView) -> Iterator[InstanceSnapshot]:
    """The living who have messages of it in hand; if nobody has, those who could take some."""
    held = bool(view.snapshot.pending)
    for each in view.snapshot.consumers:
        instance = scene.instances.get(each.incarnation)
        if instance is None or instance.state is InstanceState.DEAD or not each.alive:
            continue
        if instance.snapshot is not None and (each.pending or not held):
            yield instance.snapshot


def _if_dropped(backlog: int | None) -> str:
    if backlog is None:
        return "its unhandled messages would become dead letters if it were dropped"
    if not backlog:
        return "nothing unhandled; dropping it loses nothing"
    return f"{number(backlog)} unhandled; dropping it makes dead letters of them"
