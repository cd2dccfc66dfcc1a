"""Messages that could not be handled, or are gone."""

from collections import Counter
from collections.abc import Iterator

from ...transport import ChannelKind
from ..figures import number, short, span
from ..finding import Severity, Subject
from ..hysteresis import Condition
from ..journal import since
from ..keys import group_key
from ..scene import Scene
from ..windows import Tried
from . import groups
from .bus import subject


def dead_letters(scene: Scene) -> Iterator[Condition]:
    """Their number grows."""
    gained, limits = scene.lately.dead_letters, scene.limits
    if gained.count < limits.dead_letters:
        return
    kept = scene.snapshot.dead_letters.count
    if kept == 0:
        return  # redriven or discarded: somebody has seen to them
    text = f"+{number(gained.count)} in {span(limits.dead_letter_window)}"
    if kept is not None:
        text += f", {number(kept)} kept"
    if reason := _most_common_reason(scene):
        text += f"; {reason}"
    critical = gained.count > limits.dead_letters_critical
    yield Condition(
        code="DEAD-LETTERS",
        severity=Severity.CRITICAL if critical else Severity.WARNING,
        subject=Subject("dead letters", "", "dead letters"),
        text=text,
        since_ms=gained.since_ms,
    )


def lost(scene: Scene) -> Iterator[Condition]:
    """Messages are gone that somebody had yet to handle."""
    gained = scene.lately.lost
    if not gained.count:
        return
    causes = sorted(gained.causes.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{short(cause) or 'cause unknown'} {number(n)}" for cause, n in causes[:3])
    yield Condition(
        code="LOST",
        severity=Severity.CRITICAL,
        subject=subject(scene),
        text=f"{number(gained.count)} lost in {span(scene.limits.lost_window)}: {shown}",
        since_ms=gained.since_ms,
    )


def poison(scene: Scene) -> Iterator[Condition]:
    """One message was started again and again."""
    for (channel, by), tried in scene.lately.tried.items():
        yield Condition(
            code="POISON",
            severity=Severity.WARNING,
            subject=_where(scene, channel, by),
            text=_how_often(scene, tried),
            since_ms=tried.at_ms,
        )


def _how_often(scene: Scene, tried: Tried) -> str:
    view = scene.instances.get(tried.by)
    last = f", last by {view.id}" if view is not None and view.id else ""
    return f"a message was started {tried.starts} times{last}"


def _where(scene: Scene, channel: str, by: str) -> Subject:
    event, _, name = channel.partition(" ")
    if channel:
        key = group_key(ChannelKind.WORK, event, name)
    else:
        reader = scene.instances.get(by)
        key = group_key(ChannelKind.INBOX, "", "" if reader is None else reader.id)
    if key in scene.groups:
        return groups.subject(scene.groups[key])
    return subject(scene, f"{name}@{event}" if channel else f"inbox of {by or 'an instance'}")


def _most_common_reason(scene: Scene) -> str:
    """As the journal tells, with how many of them."""
    at_ms = scene.snapshot.at_ms - round(scene.limits.dead_letter_window * 1000)
    reasons = Counter(
        entry.details.get("reason", "")
        for entry in since(scene.snapshot.journal, at_ms)
        if entry.kind == "dead letter"
    )
    del reasons[""]
    if not reasons:
        return ""
    ((reason, count),) = reasons.most_common(1)
    return f"{short(reason)} ({count})"
