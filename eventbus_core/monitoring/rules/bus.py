"""What concerns a whole bus."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from ...options import FOREVER, SharedOptions, differing, most_generous
from ...snapshots import InstanceSnapshot
from ..figures import names, number, percent, short
from ..finding import Severity, Subject
from ..hysteresis import Condition
from ..scene import Scene
from ..views import InstanceState
from .streams import lag_unknown


def config_drift(scene: Scene) -> Iterator[Condition]:
    """The living announce different values for options of the whole bus."""
    by_options: dict[SharedOptions, list[str]] = defaultdict(list)
    for each in _living(scene):
        if "options" not in each.unknown:
            by_options[each.options].append(each.id)
    if len(by_options) < 2:
        return
    in_force = scene.snapshot.options or most_generous(list(by_options))
    told = defaultdict(list)
    for options, ids in by_options.items():
        for name, (mine, theirs) in differing(options, in_force).items():
            told[name].append(f"{_shown(mine)} on {names(sorted(ids))} ({_shown(theirs)} in force)")
    if told:
        yield Condition(
            code="CONFIG-DRIFT",
            severity=Severity.WARNING,
            subject=subject(scene),
            text="; ".join(f"{name} {', '.join(each)}" for name, each in sorted(told.items())),
        )


def versions(scene: Scene) -> Iterator[Condition]:
    """The living run different minor releases."""
    ids: dict[str, list[str]] = defaultdict(list)
    for each in _living(scene):
        if each.version:
            ids[_minor(each.version)].append(each.id)
    if len(ids) < 2:
        return
    ordered = sorted(ids.items(), key=lambda item: (-len(item[1]), item[0]))
    told = [f"{short(version)} on {names(sorted(each))}" for version, each in ordered]
    yield Condition(
        code="VERSION", severity=Severity.WARNING, subject=subject(scene), text="; ".join(told[:4])
    )


def store_full(scene: Scene) -> Iterator[Condition]:
    """The store has little memory left; then it refuses what is emitted."""
    used, most = scene.snapshot.server.used_bytes, scene.snapshot.server.max_bytes
    if used is None or not most or used < most * scene.limits.store_full:
        return
    yield Condition(
        code="RETENTION-RISK",
        severity=Severity.CRITICAL if used >= most else Severity.WARNING,
        subject=subject(scene, "store"),
        text=f"the store uses {percent(used / most)} of the {number(most)} bytes that it may; "
        "when it is full, emits fail",
    )


def unknown_figures(scene: Scene) -> Iterator[Condition]:
    """As for streams and groups."""
    snapshot = scene.snapshot
    if (letters := snapshot.dead_letters).count is None and letters.unknown:
        reason = letters.unknown.get("count") or next(iter(letters.unknown.values()))
        about = Subject("dead letters", "", "dead letters")
        yield lag_unknown(about, f"their number is unknown: {short(reason)}")
    if snapshot.unknown:
        name, reason = next(iter(snapshot.unknown.items()))
        yield lag_unknown(subject(scene), f"{name} unknown: {short(reason)}")


def subject(scene: Scene, name: str = "") -> Subject:
    """The bus, or a part of it that has no view of its own."""
    return Subject("bus", "", name or scene.snapshot.bus)


def _living(scene: Scene) -> Iterator[InstanceSnapshot]:
    for view in scene.instances.values():
        if view.state is not InstanceState.DEAD and view.snapshot is not None:
            yield view.snapshot


def _minor(version: str) -> str:
    parts: Sequence[str] = version.split(".")
    return ".".join(parts[:2])


def _shown(value: Any) -> str:
    if value == FOREVER:
        return "for ever"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}s"
