"""Redrive and discard, from every screen that shows dead letters."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from eventbus_core.monitoring import EventBusError

from ..actions import ActionResult
from ..format import clean
from ..letter_book import Letter
from ..redact import describe
from .confirm import ConfirmDialog
from .letter_reading import book_of

if TYPE_CHECKING:
    from ..app import MonitorApp

LetterAction: TypeAlias = Literal["redrive", "discard"]

_MOST_OWNERS: Final = 6
_MOST_FAILURES: Final = 3


def act(app: "MonitorApp", kind: LetterAction, bus: str, letters: Sequence[Letter]) -> None:
    """Ask, then do it to these letters, the ones that were meant when the key was pressed."""
    why = app.actions.refusal(kind)
    if why is not None:
        app.say(why, error=True)
    elif not letters:
        app.say(f"nothing to {kind} here")
    else:
        # The app's own worker: it goes on when the reader leaves the screen.
        work = _ask_and_act(app, kind, bus, tuple(letters))
        app.run_worker(work, group="act on letters", exit_on_error=False)


async def _ask_and_act(
    app: "MonitorApp", kind: LetterAction, bus: str, letters: Sequence[Letter]
) -> None:
    count = len(letters)
    title = f"{kind.capitalize()} {_many(count)} on bus {bus}?"
    typed = str(count) if count > 1 else None
    if not await app.push_screen_wait(ConfirmDialog(title, what_happens(kind, letters), typed)):
        app.say(f"nothing was done: {kind} was cancelled")
        return
    if count > 100:
        app.say(f"{kind} of {_many(count)} has begun")
    ids = [letter.id for letter in letters]
    try:
        result = await (app.actions.redrive if kind == "redrive" else app.actions.discard)(bus, ids)
    except EventBusError as exc:
        app.say(f"nothing was done: {describe(exc)}", error=True)
        return
    book_of(app).forget(ids)
    app.say(result_text(kind, result), error=bool(result.failed))
    app.feed.poll_now()


def what_happens(kind: LetterAction, letters: Sequence[Letter]) -> list[str]:
    """What the dialog says."""
    count = len(letters)
    lines = []
    if count == 1:
        lines.append(_described(letters[0]))
    else:
        owners = Counter(_owner(letter) for letter in letters)
        named = [f"{number:,} of {owner}" for owner, number in owners.most_common(_MOST_OWNERS)]
        if len(owners) > _MOST_OWNERS:
            named.append(f"and {len(owners) - _MOST_OWNERS:,} more groups or instances")
        lines.append(", ".join(named))
    it, them = ("It", "it") if count == 1 else ("They", "them")
    again = it.lower()
    if kind == "redrive":
        goes = "goes" if count == 1 else "go"
        lines.append(
            f"{it} {goes} back to those named here, and to nobody else, with the same id; attempts "
            f"are counted from one. What made {them} fail must have been repaired, or {again} will "
            "be here again."
        )
    else:
        is_ = "is" if count == 1 else "are"
        lines.append(f"{it} {is_} deleted, with payload and reason. This cannot be undone.")
    return [clean(line) for line in lines]


def result_text(kind: LetterAction, result: ActionResult) -> str:
    """How it went."""
    parts = [f"{kind}: {result.done:,} done"]
    if result.gone:
        parts.append(f"{result.gone:,} were not there any more")
    if result.failed:
        shown = "; ".join(result.failed[:_MOST_FAILURES])
        more = len(result.failed) - _MOST_FAILURES
        parts.append(f"{len(result.failed):,} failed: {shown}{f'; {more:,} more' * (more > 0)}")
    return ", ".join(parts)


def _many(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count:,} dead letters"


def _owner(letter: Letter) -> str:
    owner = f"group {letter.group}" if letter.group else f"instance {letter.instance}"
    return f"{owner} of {letter.event}" if letter.event else owner


def _described(letter: Letter) -> str:
    message = f"message {letter.message_id}" if letter.message_id else "a message without id"
    return f"{message} of {_owner(letter)}: {letter.error or letter.reason}"
