"""The table of streams."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from eventbus_core.monitoring import BusView, ChannelKind, StreamView

from .. import format
from ..marks import Marks
from ..table import Cell, Column, Row
from .figures import coarse, filled, mode_of, number
from .kept import KeptRows
from .state import WIDTH, codes, finding_level, problems_first, state_cell, state_word, worst

SPARK: Final = 8
MARGIN_CODES: Final = ("RETENTION-RISK", "LOST")

COLUMNS: Final = (
    Column(name="STATE", width=WIDTH, biggest_first=True),
    Column(name="STREAM", width=15, grows=True),
    Column(name="MODE", width=9, priority=4),
    Column(name="IN/s", width=7, priority=1, right=True, biggest_first=True),
    Column(name="TREND", width=SPARK, priority=9, biggest_first=True),
    Column(name="OUT/s", width=7, priority=3, right=True, biggest_first=True),
    Column(name="LENGTH", width=6, priority=6, right=True, biggest_first=True),
    Column(name="BACKLOG", width=7, right=True, biggest_first=True),
    Column(name="BYTES", width=8, priority=8, right=True, biggest_first=True),
    Column(name="OLDEST", width=6, priority=7, right=True, biggest_first=True),
    Column(name="MARGIN", width=6, priority=2, right=True),
    Column(name="GROUPS", width=6, priority=5, right=True, biggest_first=True),
)


class _Around(NamedTuple):
    marks: Marks
    oldest: float | None
    readers: int
    absent: bool


def rows(view: BusView, marks: Marks) -> tuple[Row, ...]:
    """One for each stream, in the order of the view."""
    return _kept.rows(_around(view, marks))


def stream_name(stream: StreamView) -> str:
    """As a person would say it; harmless to show."""
    of = stream.snapshot
    if of.kind is ChannelKind.BROADCAST:
        return "broadcasts"
    name = format.clean(of.name)
    return f"{name} (inbox)" if of.kind is ChannelKind.INBOX else name


def readers_of(view: BusView) -> Counter[tuple[ChannelKind, str]]:
    """How many groups each stream has, by kind and name; inboxes have one, broadcasts none."""
    return Counter(
        (each.snapshot.kind, each.snapshot.event or each.snapshot.name) for each in view.groups
    )


def oldest_age(view: BusView, stream: StreamView) -> float | None:
    """Seconds since the oldest kept message was stored."""
    oldest = stream.snapshot.oldest_ms
    return None if oldest is None else max(0.0, (view.snapshot.at_ms - oldest) / 1000)


def _around(view: BusView, marks: Marks) -> Iterator[tuple[StreamView, _Around]]:
    absent, readers = frozenset(view.snapshot.absent), readers_of(view)
    for each in view.streams:
        of = each.snapshot
        yield (
            each,
            _Around(
                marks,
                coarse(oldest_age(view, each)),
                readers[of.kind, of.name],
                of.kind is ChannelKind.INBOX and of.name in absent,
            ),
        )


def _row(stream: StreamView, around: _Around) -> Row:
    marks, of = around.marks, stream.snapshot
    mode, name = mode_of(of.kind), stream_name(stream)
    away = Cell(f"{marks.stale} absent", "dim") if around.absent else None
    at_risk = worst(each for each in stream.findings if each.code in MARGIN_CODES)
    oldest = format.UNKNOWN if "oldest_ms" in of.unknown else format.age(around.oldest)
    cells = (
        state_cell(stream.findings, marks, well=away),
        Cell(name),
        Cell(mode.word, mode.level),
        Cell(format.rate(stream.rate_in)),
        Cell(format.spark(stream.history, SPARK, ascii_only=marks.ascii)),
        Cell(format.rate(stream.rate_out)),
        Cell(format.count(of.length)),
        Cell(format.count(of.backlog)),
        Cell(format.size(of.bytes)),
        Cell(oldest),
        Cell(format.share(stream.margin), finding_level(at_risk) if at_risk else ""),
        Cell(f"{around.readers}" if of.kind is ChannelKind.WORK else "", "dim"),
    )
    return Row(
        key=stream.key,
        cells=cells,
        sort=(
            problems_first(stream.findings, of.backlog),
            name,
            mode.word,
            number(stream.rate_in),
            number(stream.rate_in),
            number(stream.rate_out),
            number(of.length),
            number(of.backlog),
            number(of.bytes),
            # Stays the same while the message does, as an age would not.
            number(None if of.oldest_ms is None else -of.oldest_ms, float("-inf")),
            number(stream.margin, 2.0),
            around.readers,
        ),
        values=filled(
            state=state_word(stream.findings, well="absent" if around.absent else "ok"),
            findings=codes(stream.findings),
            stream=of.name,
            mode=mode.word,
            out=stream.rate_out,
            length=of.length,
            backlog=of.backlog,
            bytes=of.bytes,
            oldest=around.oldest,
            margin=stream.margin,
            groups=around.readers,
            **{"in": stream.rate_in},
        ),
        problem=bool(stream.findings),
    )


_kept: Final = KeptRows(_row)
