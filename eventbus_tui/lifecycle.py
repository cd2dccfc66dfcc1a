"""The life of one message, from what the store still knows of it. Pure.

An ordinary settlement is not recorded: that a group is done with a message is known, who of it was
is not. Retries, takeovers, deaths and redrives are in the journal as long as it reaches back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eventbus_core.monitoring import (
    BusView,
    ChannelKind,
    DeadLetter,
    DeliverySnapshot,
    EventMode,
    FoundMessage,
    InstanceState,
    InstanceView,
    JournalEntry,
    SampledMessage,
)

from . import format
from .format import clean
from .lifecycle_journal import past_of
from .lifecycle_steps import Lane, Life, Step, died_ms, in_words, times
from .rows.journal import names_of

_FINAL: Final = ("settled", "dead letter")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the newest look at the bus tells, prepared for questions."""

    view: BusView | None
    names: Mapping[str, str]
    by_id: Mapping[str, InstanceView]
    by_life: Mapping[str, InstanceView]

    def who(self, incarnation: str) -> str:
        """``bill-2 (life 8f3a…)``, and how it stands if that is not well."""
        name = self.names.get(incarnation, "")
        shown = f"{clean(name)} (life {clean(incarnation)[:8]}…)" if name else clean(incarnation)
        life = self.by_life.get(incarnation)
        if life is not None and life.state is not InstanceState.LIVE:
            shown += f", which is {life.state}"
        return shown

    @property
    def journal(self) -> Sequence[JournalEntry]:
        return () if self.view is None else self.view.snapshot.journal


def life_of(found: FoundMessage, view: BusView | None) -> Life:
    """What is known of a message; `view` is the newest look at its bus."""
    known = _known(view)
    message, letters = found.message, found.dead_letters
    steps = _born(message, letters, known)
    if message is not None and message.kind is ChannelKind.BROADCAST:
        steps.append(_passed(message, known))
    lanes = _lanes(found, known)
    # Of a broadcast nothing more becomes known by looking for it again.
    told = bool(lanes) or (message is not None and message.kind is ChannelKind.BROADCAST)
    settled = told and all(lane.state.word in _FINAL for lane in lanes)
    return Life(tuple(steps), tuple(lanes), final=settled)


def _known(view: BusView | None) -> _Known:
    if view is None:
        return _Known(None, {}, {}, {})
    by_id: dict[str, InstanceView] = {}
    for each in view.instances:
        # Of several lives of one id the living one is meant.
        if each.id not in by_id or each.state is not InstanceState.DEAD:
            by_id[each.id] = each
    return _Known(view, names_of(view), by_id, {each.key: each for each in view.instances})


# Before anybody got it


def _born(
    message: SampledMessage | None, letters: Sequence[DeadLetter], known: _Known
) -> list[Step]:
    if message is None:
        text = "the message itself is not kept any more, only as a dead letter"
        made = next((each.message for each in letters if each.message is not None), None)
        if made is None:
            return [Step("stored", text, level="warn")]
        emitted = Step("emitted", f"by {_sender(made.source, known)}", made.timestamp_ms)
        return [emitted, Step("stored", text, level="warn")]
    emitted = Step("emitted", f"by {_sender(message.source, known)}", message.timestamp_ms)
    delay = message.stored_ms - message.timestamp_ms
    if delay >= 0:
        when = f"{in_words(delay)} later"
    else:
        when = f"before it was emitted: the sender's clock is {in_words(-delay)} ahead"
    where = {
        ChannelKind.BROADCAST: "as a broadcast",
        ChannelKind.INBOX: f"in the inbox of {clean(message.stream)}",
        ChannelKind.WORK: f"as work of {clean(message.stream)}",
    }[message.kind]
    return [emitted, Step("stored", f"{when}, {where}", message.stored_ms)]


def _sender(source: str, known: _Known) -> str:
    sender = known.by_id.get(source)
    if sender is None:
        return f"{clean(source)} (not known any more)" if known.view else clean(source)
    parts = []
    if sender.snapshot is not None:
        parts.append(f"{clean(sender.snapshot.host)} pid {sender.snapshot.pid}")
    parts.append(str(sender.state))
    return f"{clean(source)} ({', '.join(parts)})"


def _passed(message: SampledMessage, known: _Known) -> Step:
    """Who has a broadcast behind it: known for sure of those that have all behind them."""
    if known.view is None or known.view.snapshot.at_ms <= message.stored_ms:
        return Step("broadcast", "who has handled it is not recorded")
    listeners = [
        each.snapshot
        for each in known.view.instances
        if each.state is not InstanceState.DEAD
        and each.snapshot is not None
        and any(
            one.event == message.event and one.mode is EventMode.BROADCAST
            for one in each.snapshot.subscriptions
        )
    ]
    if not listeners:
        return Step("broadcast", "no live instance listens to this event", level="warn")
    passed = sum(each.behind == 0 for each in listeners)
    if passed == len(listeners):
        return Step("broadcast", f"all {passed} live instances that listen have passed it")
    open_ones = [each for each in listeners if each.behind != 0]
    named = ", ".join(
        f"{clean(each.id)} ({format.count(each.behind)} behind)" for each in open_ones[:5]
    )
    more = f" and {len(open_ones) - 5} more" if len(open_ones) > 5 else ""
    return Step(
        "broadcast",
        f"at least {passed} of {len(listeners)} live instances that listen have passed it; "
        f"not known of {named}{more}",
    )


# Those that get it


def _lanes(found: FoundMessage, known: _Known) -> list[Lane]:
    message, letters = found.message, list(found.dead_letters)
    lanes: list[Lane] = []
    for delivery in found.deliveries:
        own = [each for each in letters if _owner(each) == delivery.group]
        letters = [each for each in letters if _owner(each) != delivery.group]
        lanes.append(_lane(delivery.group, message, delivery, own, found, known))
    for owner in dict.fromkeys(map(_owner, letters)):
        own = [each for each in letters if _owner(each) == owner]
        lanes.append(_lane(owner, message, None, own, found, known))
    return lanes


def _owner(letter: DeadLetter) -> str:
    return letter.instance if letter.group is None else letter.group


def _lane(
    owner: str,
    message: SampledMessage | None,
    delivery: DeliverySnapshot | None,
    letters: Sequence[DeadLetter],
    found: FoundMessage,
    known: _Known,
) -> Lane:
    kind = "group"
    if message is not None and message.kind is not ChannelKind.WORK:
        kind = "inbox" if message.kind is ChannelKind.INBOX else "instance"
    elif letters and letters[0].group is None:
        kind = "instance"
    past: list[Step] = []
    if message is not None:
        past += past_of(message, owner, delivery, known.journal, known.names, copies=found.copies)
    current = letters[-1] if letters and (delivery is None or delivery.state == "settled") else None
    deaths = {died_ms(each) for each in letters}
    # The letter itself says more than the journal's line about it, and its time is the same.
    past = [each for each in past if each.word != "died" or not _near(each.at_ms, deaths)]
    past += [_death(each, known) for each in letters if each is not current]
    past.sort(key=lambda step: step.at_ms or 0)
    if current is not None:
        state = _death(current, known)
    else:
        assert delivery is not None
        state = _standing(delivery, message, known)
    return Lane(f"{kind} {clean(owner)}", state, tuple(past))


def _near(at_ms: int | None, times: set[int]) -> bool:
    return at_ms is not None and any(abs(at_ms - each) <= 50 for each in times)


def _death(letter: DeadLetter, known: _Known) -> Step:
    # Most reasons say how often it was tried.
    counted = not letter.attempts or str(letter.attempts) in letter.reason
    tried = "" if counted else f", tried {times(letter.attempts)}"
    by = f" at {clean(letter.instance)}" if letter.instance and letter.group is not None else ""
    error = f": {clean(letter.error)}" if letter.error else ""
    return Step(
        "dead letter", f"{clean(letter.reason)}{tried}{by}{error}", died_ms(letter), level="crit"
    )


def _standing(delivery: DeliverySnapshot, message: SampledMessage | None, known: _Known) -> Step:
    starts = delivery.starts
    tried = "" if not starts else f", tried {times(starts)}"
    match delivery.state:
        case "settled":
            kind = "inbox" if message is not None and message.kind is ChannelKind.INBOX else "group"
            text = f"settled by {kind} {clean(delivery.group)}; by whom is not recorded"
            return Step("settled", text, level="ok")
        case "pending":
            if starts == 0:
                tried = ", whose handler has not started with it"
            return Step("pending", f"with {known.who(delivery.holder)}{tried}", level="strong")
        case "waiting":
            if delivery.holder:
                text = f"{known.who(delivery.holder)} has died with it; it waits to be taken over"
            else:
                text = "came back, and waits to be taken again"
            return Step("waiting", f"{text}{tried}", level="warn")
        case "delayed":
            due = "until its next attempt"
            if delivery.due_ms is not None:
                due = f"until {format.clock(delivery.due_ms, millis=True)}{_left(delivery, known)}"
            return Step("delayed", f"set aside {due}{tried}", level="warn")
        case "new":
            return Step("new", f"not handed out yet{_queue(delivery, message, known)}")
        case other:
            return Step(clean(other), "")


def _left(delivery: DeliverySnapshot, known: _Known) -> str:
    if known.view is None or delivery.due_ms is None:
        return ""
    left = delivery.due_ms - known.view.snapshot.at_ms
    return f", in {in_words(left)}" if left > 0 else ", which is now"


def _queue(delivery: DeliverySnapshot, message: SampledMessage | None, known: _Known) -> str:
    """How it stands with the group that has not got it yet."""
    if known.view is None or message is None:
        return ""
    event = message.stream if message.kind is ChannelKind.WORK else ""
    for group in known.view.groups:
        if (group.snapshot.event, group.snapshot.name) == (event, delivery.group):
            if group.members == 0:
                return "; nobody is there to take it"
            if group.snapshot.lag is not None:
                return f"; {group.snapshot.lag:,} wait in line"
    return ""
