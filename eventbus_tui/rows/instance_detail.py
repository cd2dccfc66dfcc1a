"""Everything about one instance."""

from typing import Final

from eventbus_core.monitoring import (
    BusView,
    EventMode,
    InstanceSnapshot,
    InstanceState,
    InstanceView,
    SharedOptions,
    Subscription,
)

from .. import format
from ..marks import Marks
from ..table import Cell, Level
from .instances import beat_text, instance_cell, seen_age
from .journal import about_instance, names_of, newest_lines, takeovers_after
from .lines import Line, Part, amount, figure, finding_lines, many, part, plain, plot
from .stream_detail import option_text

PLOT: Final = 4
SUBSCRIPTIONS: Final = 40
"""Most that are listed."""
_MODE_LEVELS: Final[dict[EventMode, Level]] = {
    EventMode.BROADCAST: "broadcast",
    EventMode.UNICAST: "unicast",
    EventMode.ANYCAST: "anycast",
}


def parts(view: BusView, instance: InstanceView, marks: Marks, width: int) -> tuple[Part, ...]:
    """Its boxes, `width` characters wide inside."""
    of, dead = instance.snapshot, instance.state is InstanceState.DEAD
    found = finding_lines(instance.findings, marks)
    shown = [part("Findings", found, "crit")] if found else []
    shown.append(part("Figures", _figures(view, instance, marks)))
    if dead:
        shown.append(part("Since its death", _since_death(view, instance)))
    if of is None:
        note = "It had died before this monitor first looked: nothing else of it is known."
        return (*shown, part("Process", [plain(note, "dim")]))
    shown.append(part("Process", _process(of, dead=dead)))
    shown.append(part("Work", _work(instance, of)))
    if instance.history and not dead:
        shown.append(part("Handled", _handled(instance, marks, width)))
    shown.append(part("Subscriptions", subscription_lines(of.subscriptions)))
    shown.append(part("Options", drift_lines(of.options, view.snapshot.options, marks)))
    happened = newest_lines(about_instance(view, instance), names_of(view))
    if happened:
        shown.append(part("Happened lately", happened))
    return tuple(shown)


def subscription_lines(subscriptions: tuple[Subscription, ...]) -> tuple[Line, ...]:
    """``anycast    orders  as billing``."""
    lines: list[Line] = []
    for each in subscriptions[:SUBSCRIPTIONS]:
        shared = (Cell(f"  as {format.clean(each.group)}", "dim"),) if each.group else ()
        mode = Cell(f"{each.mode!s:<11}", _MODE_LEVELS[each.mode])
        lines.append((mode, Cell(format.clean(each.event)), *shared))
    if len(subscriptions) > SUBSCRIPTIONS:
        lines.append(plain(f"{len(subscriptions) - SUBSCRIPTIONS:,} more", "dim"))
    return tuple(lines) or (plain("none", "dim"),)


def drift_lines(
    mine: SharedOptions, in_force: SharedOptions | None, marks: Marks
) -> tuple[Line, ...]:
    """What it announced and does not get: of each option the most generous value holds."""
    if in_force is None:
        return (plain("nobody has announced any", "dim"),)
    lines: list[Line] = []
    for name in mine.__struct_fields__:
        wanted, holds = getattr(mine, name), getattr(in_force, name)
        if wanted != holds:
            text = f"{option_text(name, wanted)}, in force {option_text(name, holds)}"
            lines.append(figure(name, f"{marks.warn} {text}", "warn", width=24))
    return tuple(lines) or (plain("as in force on the bus", "dim"),)


def _figures(view: BusView, instance: InstanceView, marks: Marks) -> tuple[Line, ...]:
    state = instance_cell(instance, marks)
    age = seen_age(view, instance)
    dead = instance.state is InstanceState.DEAD
    lines = [
        figure("state", state.text, state.level, note=str(instance.state)),
        figure("id", format.clean(instance.id)),
        figure("incarnation", format.clean(instance.key), note="this life of it"),
        figure(
            "last seen" if dead else "heartbeat",
            beat_text(instance.state, age) if not dead else format.moment(instance.last_seen_ms),
            note=f"{format.age(age)} ago" if dead else "",
        ),
    ]
    if dead:
        told = "yes" if instance.declared else "no: its work waits until another one does so"
        lines.append(figure("declared dead", told, "" if instance.declared else "warn"))
    lines.append(figure("lived" if dead else "up", format.age(instance.uptime)))
    return tuple(lines)


def _process(of: InstanceSnapshot, *, dead: bool) -> tuple[Line, ...]:
    lease = f"{of.lease:g} s"
    left = "" if dead else f"{max(0.0, of.lease_left):.0f} s left"
    return (
        figure("service", format.clean(of.group), note=f"role {format.clean(of.role)}"),
        figure("host", format.clean(of.host), note=f"pid {of.pid}"),
        figure("version", format.clean(of.version)),
        figure("fixed id", "yes" if of.fixed else "no"),
        figure("started", format.moment(of.started_ms), note="by its own clock"),
        figure("lease", lease, note=left),
    )


def _work(instance: InstanceView, of: InstanceSnapshot) -> tuple[Line, ...]:
    lines = [
        amount("in hand", of.pending, "messages", unknown=of.unknown, field="pending"),
        figure("behind", "", note="publishers read no broadcasts")
        if of.role == "publisher"
        else amount("behind", of.behind, "broadcasts", unknown=of.unknown, field="behind"),
    ]
    if of.vitals is None:
        return (*lines, plain("its handlers: nothing told before its first heartbeat", "dim"))
    told = of.vitals
    if instance.state is InstanceState.DEAD:
        lines.append(plain("as it told with its last heartbeat:", "dim"))
    lines += [
        figure("emitted", f"{told.emitted:,}"),
        figure("received", f"{told.received:,}"),
        figure("handled", f"{told.handled:,}", note=format.rate(instance.handled_rate)),
        figure(
            "failed",
            f"{told.failed:,}",
            "warn" if instance.failed_rate else "",
            note=format.rate(instance.failed_rate),
        ),
        figure("dead-lettered", f"{told.dead_lettered:,}", "warn" if told.dead_lettered else ""),
        figure("running", many(told.running, "handlers")),
        figure("waiting", many(told.waiting, "messages"), note="for a handler, or a retry"),
        figure("unsettled", many(told.unsettled, "messages"), note="not confirmed yet"),
    ]
    if told.slowest:
        age = format.age(told.slowest_seconds)
        lines.append(figure("runs longest", format.clean(told.slowest), note=f"for {age}"))
    return tuple(lines)


def _since_death(view: BusView, instance: InstanceView) -> tuple[Line, ...]:
    lines = [
        figure(
            "still holds", many(instance.orphaned, "messages"), "crit" if instance.orphaned else ""
        ),
        figure("taken over", many(instance.taken_over, "messages")),
    ]
    took = newest_lines(takeovers_after(view, instance), names_of(view))
    return (*lines, *took)


def _handled(instance: InstanceView, marks: Marks, width: int) -> tuple[Line, ...]:
    return plot(
        instance.history,
        width=max(10, min(width - 10, 120)),
        height=PLOT,
        top_text=format.rate(max(instance.history)),
        ascii_only=marks.ascii,
    )
