"""Everything about one group, or the one reader of an inbox."""

import math
from typing import Final

from eventbus_core.monitoring import BusView, GroupView

from .. import format
from ..marks import Marks
from .figures import arrow, mode_of
from .groups import is_inbox
from .journal import about_group, names_of, newest_lines
from .lines import Line, Part, amount, figure, finding_lines, many, part, plain, plot

PLOT: Final = 4
_COUNTS: Final = (
    ("not handed out", "lag", ""),
    ("in hand", "pending", "of live instances"),
    ("came back", "waiting", "released, or left by a dead instance"),
    ("set aside", "delayed", "until they are tried again"),
)


def parts(view: BusView, group: GroupView, marks: Marks, width: int) -> tuple[Part, ...]:
    """Its boxes, `width` characters wide inside."""
    found = finding_lines(group.findings, marks)
    happened = newest_lines(about_group(view, group), names_of(view))
    shown = [
        part("Figures", _figures(view, group, marks)),
        part("Backlog", _backlog(group, marks, width)),
        part("Happened lately", happened or (plain("nothing out of the ordinary", "dim"),)),
    ]
    return (part("Findings", found, "crit"), *shown) if found else tuple(shown)


def droppable(group: GroupView) -> str | None:
    """Why a group cannot be dropped; None when it can."""
    if is_inbox(group):
        return "an inbox is not a group: it goes with its instance"
    if group.members:
        return f"it has {many(group.members, 'live members')}"
    if any(each.alive for each in group.snapshot.consumers):
        return "an instance that is not known to be dead still works in it"
    return None


def drop_lines(group: GroupView) -> tuple[str, ...]:
    """What a dialog says before it is dropped."""
    of = group.snapshot
    backlog = "an unknown number of" if of.backlog is None else f"{of.backlog:,}"
    since = of.last_member_ms
    return (
        f"Group {format.clean(of.name)} of event {format.clean(of.event)} is removed.",
        f"Its {backlog} unhandled messages become dead letters, from where they can be redriven "
        "once the group is there again.",
        f"Last live member: {format.moment(since) if since else 'not known'}.",
    )


def _figures(view: BusView, group: GroupView, marks: Marks) -> tuple[Line, ...]:
    of, mode = group.snapshot, mode_of(group.snapshot.kind)
    away = is_inbox(group) and of.name in view.snapshot.absent
    target = (figure("target", f"{marks.stale} absent", note="its inbox waits for it"),)
    lines = [
        figure("mode", mode.word, mode.level),
        *(target if away else ()),
        *(
            amount(label, getattr(of, name), "messages", unknown=of.unknown, field=name, note=note)
            for label, name, note in _COUNTS
        ),
        figure("backlog", _sum_text(of.backlog), note="the sum of these"),
        amount("settled", of.settled, "messages", unknown=of.unknown, field="settled"),
        figure("settles", format.rate(group.settle_rate)),
        figure("trend", arrow(group.growth, marks), note=_drains(group)),
        _oldest(group),
        figure("live members", f"{group.members}", "" if group.members else "warn"),
    ]
    if group.orphaned:
        note = "in the hands of dead instances"
        lines.append(figure("orphaned", many(group.orphaned, "messages"), "crit", note=note))
    if not group.members and of.last_member_ms is not None:
        lines.append(figure("last member", format.moment(of.last_member_ms)))
    if view.snapshot.options:
        lines.append(figure("max_backlog", f"{view.snapshot.options.max_backlog:,} messages"))
    return tuple(lines)


def _sum_text(backlog: int | None) -> str:
    return format.UNKNOWN if backlog is None else many(backlog, "messages")


def _drains(group: GroupView) -> str:
    seconds = group.drain_seconds
    if seconds is None:
        return "when it is empty is not known yet"
    if seconds == 0:
        return "nothing to do"
    if math.isinf(seconds):
        return "never empty at this rate"
    return f"empty in {format.age(seconds)} at this rate"


def _oldest(group: GroupView) -> Line:
    of = group.snapshot
    if of.oldest_pending_ms is None:
        why = of.unknown.get("oldest_pending_ms")
        if why is not None:
            return figure("oldest in hand", format.UNKNOWN, "warn", note=format.clean(why))
        return figure("oldest in hand", format.NOT_YET, note="none is handed out")
    age = format.age(group.oldest_age)
    return figure("oldest in hand", format.moment(of.oldest_pending_ms), note=f"{age} ago")


def _backlog(group: GroupView, marks: Marks, width: int) -> tuple[Line, ...]:
    if not group.history:
        return (plain("needs a second look, or is not known", "dim"),)
    return plot(
        group.history,
        width=max(10, min(width - 10, 120)),
        height=PLOT,
        top_text=format.count(round(max(group.history))),
        ascii_only=marks.ascii,
        level="warn" if group.findings else "",
    )
