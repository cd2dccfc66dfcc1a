"""One message: its life, what the sender wrote around the payload, and its dead letters."""

from collections.abc import Iterator
from typing import Final

from eventbus_core.monitoring import BusView, DeadLetter, SampledMessage

from .. import format
from ..format import clean, cut
from ..lifecycle_steps import Life, Step, died_ms
from ..marks import Marks
from ..table import Cell
from .figures import mode_of
from .lines import Line, Part, figure, part, plain

_WORD: Final = 11
_MOST_HEADERS: Final = 200
_LONGEST: Final = 2_000
"""Characters of a header or of a line of a traceback."""


def life_part(life: Life, marks: Marks) -> Part:
    """What happened to it, and how it stands with everybody who gets it."""
    lines = [_line(step, "", marks.dot) for step in life.steps]
    for lane in life.lanes:
        lines.append(_line(lane.state, lane.name, _sign(lane.state, marks)))
        lines.extend(_past(step, marks) for step in lane.past)
    if not life.lanes and not any(step.word == "broadcast" for step in life.steps):
        lines.append(plain(f"{marks.stale} nobody gets it: there is no group", "warn"))
    return part("Life", lines)


def facts_part(message: SampledMessage) -> Part:
    """What it is."""
    mode = mode_of(message.kind)
    return part(
        "Message",
        [
            figure("id", message.id),
            figure("event", clean(message.event), "strong"),
            figure("mode", mode.word, mode.level),
            figure("from", clean(message.source)),
            *((figure("to", clean(message.target)),) if message.target else ()),
            figure("emitted", format.moment(message.timestamp_ms), note="by the sender's clock"),
            figure("size", format.size(message.size), note=f"{message.size:,} bytes stored"),
            figure("payload", clean(message.codec), note=f"{len(message.body):,} bytes"),
        ],
    )


def headers_part(message: SampledMessage) -> Part:
    """What the sender wrote beside the payload."""
    if not message.headers:
        return part("Headers", [plain("none", "dim")])
    shown = message.headers[:_MOST_HEADERS]
    lines: list[Line] = [
        (Cell(f"{clean(cut(name, _LONGEST))}: ", "dim"), Cell(clean(cut(value, _LONGEST))))
        for name, value in shown
    ]
    if len(shown) < len(message.headers):
        lines.append(plain(f"{len(message.headers) - len(shown):,} more", "dim"))
    return part("Headers", lines)


def letter_part(letter: DeadLetter) -> Part:
    """Why it died, with the traceback."""
    owner = f"group {letter.group}" if letter.group is not None else f"instance {letter.instance}"
    lines = [
        figure("reason", clean(letter.reason), "crit"),
        figure("error", clean(letter.error) or format.NOT_YET),
        figure("at", clean(letter.instance) or "nobody in particular"),
        figure("tried", f"{letter.attempts:,}"),
        figure("died", format.moment(died_ms(letter))),
        figure("dead letter", clean(letter.id), "dim"),
        *_traceback(letter.traceback),
    ]
    return part(f"Dead letter of {clean(owner)}", lines, "crit")


def missing_lines(message_id: str, view: BusView | None) -> list[Line]:
    """Where a message was looked for, and why it may be gone."""
    kept = ""
    if view is not None and view.snapshot.options is not None:
        options = view.snapshot.options
        kept = (
            f" This bus keeps handled ones for {format.age(options.message_retention)}, and "
            f"{options.max_message_count:,} of each stream."
        )
    made = int(message_id[:12], 16)
    return [
        plain("not found", "warn"),
        plain(
            f"Its id was made {format.moment(made)}. Looked through: the messages stored from one "
            "minute before to ten minutes after that (of the newest 10,000), and all dead letters."
        ),
        plain(f"Messages are deleted some time after they were handled.{kept}"),
    ]


def _traceback(text: str) -> Iterator[Line]:
    if text.strip():
        yield plain("traceback", "dim")
        for line in text.rstrip().split("\n"):
            yield plain(f"  {clean(cut(line, _LONGEST))}")


def _line(step: Step, name: str, sign: str) -> Line:
    when = format.clock(step.at_ms, millis=True) if step.at_ms is not None else ""
    cells = [Cell(f"{sign} "), Cell(f"{step.word:<{_WORD}} ", step.level or "strong")]
    if name:
        cells.append(Cell(f"{name}  ", "strong"))
    if when:
        cells.append(Cell(f"{when}  ", "dim"))
    cells.append(Cell(step.text))
    return tuple(cells)


def _past(step: Step, marks: Marks) -> Line:
    when = format.clock(step.at_ms, millis=True) if step.at_ms is not None else ""
    sign = {"crit": marks.crit, "warn": marks.warn}.get(step.level, marks.dot)
    return (
        Cell(f"    {sign} "),
        Cell(f"{when}  ", "dim"),
        Cell(f"{step.word}  ", step.level),
        Cell(step.text),
    )


def _sign(step: Step, marks: Marks) -> str:
    return {
        "settled": marks.ok,
        "pending": marks.live,
        "waiting": marks.warn,
        "delayed": marks.paused,
        "dead letter": marks.crit,
    }.get(step.word, marks.stale)
