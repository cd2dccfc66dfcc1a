"""Everything about one stream."""

from typing import Final

from eventbus_core.monitoring import BusView, ChannelKind, SharedOptions, StreamView

from .. import format
from ..marks import Marks
from .figures import mode_of
from .lines import Line, Part, amount, bar, figure, finding_lines, part, plain, plot
from .streams import oldest_age

PLOT: Final = 4
"""Lines of a plot."""
_AT_ZERO: Final = {
    ChannelKind.BROADCAST: (
        "At 0 % whoever is further behind than max_backlog loses the oldest broadcasts: "
        "counted as lost, handled by nobody."
    ),
    ChannelKind.INBOX: (
        "At 0 % nothing is lost: emits to this instance are refused with BacklogFullError."
    ),
    ChannelKind.WORK: (
        "At 0 % nothing is lost: emits of this event are refused with BacklogFullError."
    ),
}


def parts(view: BusView, stream: StreamView, marks: Marks, width: int) -> tuple[Part, ...]:
    """Its boxes, `width` characters wide inside."""
    found = finding_lines(stream.findings, marks)
    shown = [
        part("Figures", _figures(view, stream, marks)),
        part("Rate in", _rates(stream, marks, width)),
        part("Margin", _margin(view, stream, marks, width)),
        part("Options in force", option_lines(view.snapshot.options)),
    ]
    return (part("Findings", found, "crit"), *shown) if found else tuple(shown)


def duration(seconds: float) -> str:
    """Exact: ``90 s``, ``5 min``, ``7 d``; a negative one is ``never``."""
    if seconds < 0:
        return "never"
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def option_lines(options: SharedOptions | None) -> tuple[Line, ...]:
    """The options of the bus, each with its unit."""
    if options is None:
        return (plain("nobody has announced any", "dim"),)
    return tuple(
        figure(name, option_text(name, getattr(options, name)), width=24)
        for name in options.__struct_fields__
    )


def option_text(name: str, value: float) -> str:
    """A value with its unit."""
    if name.endswith(("retention", "ttl")):
        return duration(value)
    return f"{value:,} messages"


def _figures(view: BusView, stream: StreamView, marks: Marks) -> tuple[Line, ...]:
    of, mode = stream.snapshot, mode_of(stream.snapshot.kind)
    size = format.size(of.bytes) if of.bytes is not None else ""
    away = of.kind is ChannelKind.INBOX and of.name in view.snapshot.absent
    target = (figure("target", f"{marks.stale} absent", note="its inbox waits for it"),)
    age = format.age(oldest_age(view, stream))
    return (
        figure("mode", mode.word, mode.level),
        *(target if away else ()),
        amount("kept", of.length, "messages", unknown=of.unknown, field="length"),
        amount("not handled", of.backlog, "messages", unknown=of.unknown, field="backlog"),
        amount("size", of.bytes, "bytes", unknown=of.unknown, field="bytes", note=size),
        amount("stored so far", of.added, "messages", unknown=of.unknown, field="added"),
        time_line("oldest", of.oldest_ms, of.unknown.get("oldest_ms"), age),
        time_line("newest", of.newest_ms, of.unknown.get("newest_ms")),
        figure("in", format.rate(stream.rate_in)),
        figure("out", format.rate(stream.rate_out), note="of whoever is furthest behind"),
    )


def time_line(label: str, at_ms: int | None, unknown: str | None, age: str = "") -> Line:
    """A time with its age; why it is not known, or that there is none."""
    if at_ms is None:
        if unknown is not None:
            return figure(label, format.UNKNOWN, "warn", note=format.clean(unknown))
        return figure(label, format.NOT_YET, note="none")
    return figure(label, format.moment(at_ms), note=f"{age} ago" if age else "")


def _rates(stream: StreamView, marks: Marks, width: int) -> tuple[Line, ...]:
    if not stream.history:
        return (plain("needs a second look", "dim"),)
    top = format.rate(max(stream.history))
    columns = min(width - 10, 120)
    return plot(
        stream.history,
        width=max(columns, 10),
        height=PLOT,
        top_text=top,
        ascii_only=marks.ascii,
        level=mode_of(stream.snapshot.kind).level,
    )


def _margin(view: BusView, stream: StreamView, marks: Marks, width: int) -> tuple[Line, ...]:
    options, margin = view.snapshot.options, stream.margin
    limit = f"of max_backlog {options.max_backlog:,} free" if options else ""
    if margin is None:
        first = figure("margin", format.UNKNOWN, note="needs the backlog and max_backlog")
    else:
        drawn = bar(margin, 1.0, max(10, min(40, width - 50)), ascii_only=marks.ascii)
        first = figure("margin", f"{format.share(margin)} {limit}  {drawn}".rstrip())
    return (first, plain(_AT_ZERO[stream.snapshot.kind], "dim"))
