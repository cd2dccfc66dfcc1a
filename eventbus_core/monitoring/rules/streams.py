"""Streams that nobody reads, that run full, or of which figures are missing."""

from collections.abc import Iterator, Mapping
from typing import Final

from ...transport import ChannelKind
from ..figures import names, number, percent, short
from ..finding import Severity, Subject
from ..hysteresis import Condition
from ..keys import stream_name
from ..scene import Scene
from ..views import StreamView
from . import groups

_FIGURES: Final = ("lag", "pending", "waiting", "delayed", "settled", "length", "added", "backlog")
"""Without which nobody can say who is behind."""


def without_consumer(scene: Scene) -> Iterator[Condition]:
    """Work waits, and no live instance is subscribed to it in any group."""
    if scene.blind:
        return
    for view in scene.streams.values():
        stream = view.snapshot
        if stream.kind is not ChannelKind.WORK or not stream.backlog:
            continue
        readers = [scene.groups[key] for key in scene.groups_of.get(stream.name, ())]
        if any(each.members for each in readers):
            continue
        left = [each.snapshot.last_member_ms for each in readers]
        known = [moment for moment in (*left, stream.oldest_ms) if moment is not None]
        who = "nobody is subscribed any more" if readers else "nobody has subscribed to it yet"
        yield Condition(
            code="NO-CONSUMER",
            severity=Severity.CRITICAL,
            subject=subject(view),
            text=f"{number(stream.backlog)} wait, {who}",
            since_ms=max(known, default=None),
            rise=scene.limits.no_consumer,
        )


def inbox_without_reader(scene: Scene) -> Iterator[Condition]:
    """Unicast messages wait for an instance that is not there."""
    present = {each.id for each in scene.snapshot.instances}
    for view in scene.streams.values():
        stream = view.snapshot
        if stream.kind is not ChannelKind.INBOX or not stream.backlog or stream.name in present:
            continue
        yield Condition(
            code="NO-CONSUMER",
            severity=Severity.WARNING,
            subject=subject(view),
            text=f"target absent, {number(stream.backlog)} wait for it",
            since_ms=stream.oldest_ms,
            rise=scene.limits.no_consumer,
        )


def near_the_limit(scene: Scene) -> Iterator[Condition]:
    """Most of what may be unhandled is."""
    options = scene.snapshot.options
    free = 1.0 - scene.limits.retention_share
    for view in scene.streams.values():
        if view.margin is None or view.margin > free or options is None:
            continue
        backlog, full = view.snapshot.backlog or 0, view.margin <= 0
        if view.snapshot.kind is ChannelKind.BROADCAST:
            then = "whoever is furthest behind loses the oldest"
        else:
            then = "emits are refused"
        yield Condition(
            code="RETENTION-RISK",
            severity=Severity.CRITICAL if full else Severity.WARNING,
            subject=subject(view),
            text=f"{number(backlog)} unhandled, {percent(1.0 - view.margin)} of max_backlog; "
            f"{'now' if full else 'at 100%'} {then}",
        )


def unknown_figures(scene: Scene) -> Iterator[Condition]:
    """The store does not say how far behind somebody is."""
    for stream in scene.streams.values():
        if stream.snapshot.unknown and (text := missing(stream.snapshot.unknown)):
            yield lag_unknown(subject(stream), text)
    for group in scene.groups.values():
        if group.snapshot.unknown and (text := missing(group.snapshot.unknown)):
            yield lag_unknown(groups.subject(group), text)


def lag_unknown(about: Subject, text: str) -> Condition:
    return Condition(code="LAG-UNKNOWN", severity=Severity.WARNING, subject=about, text=text)


def missing(unknown: Mapping[str, str]) -> str:
    """Which figures are not known, and why the first of them is not; empty when none matters."""
    found = [name for name in _FIGURES if name in unknown]
    return f"{names(found)} unknown: {short(unknown[found[0]])}" if found else ""


def subject(view: StreamView) -> Subject:
    """A stream, as a finding names it."""
    stream = view.snapshot
    return Subject("stream", view.key, stream_name(stream.kind, stream.name))
