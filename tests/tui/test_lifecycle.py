"""The life of one message, told from what the store knows."""

from collections.abc import Sequence

import pytest

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
    Subscription,
)
from eventbus_tui.lifecycle import life_of
from eventbus_tui.lifecycle_steps import Lane, Life, in_words
from eventbus_tui.marks import UNICODE
from eventbus_tui.rows.message import letter_part, life_part
from tests.tui.letters import dead_letter, sampled
from tests.tui.pieces import (
    AT,
    bus_view,
    consumer,
    group,
    group_view,
    instance,
    instance_view,
    snapshot,
    stream,
)
from tests.tui.worlds import HOSTILE

NOW = AT + 60_000


def view_of(
    *journal: JournalEntry,
    instances: Sequence[InstanceView] | None = None,
    at_ms: int = NOW,
    members: int = 2,
) -> BusView:
    billing = group(
        "billing", "orders", lag=1_204, consumers=[consumer("bill-1"), consumer("bill-2", 1)]
    )
    picture = snapshot(
        [stream("orders")],
        [billing],
        [instance("bill-1"), instance("bill-2")],
        journal=journal,
        at_ms=at_ms,
    )
    return bus_view(picture, groups=[group_view(billing, members=members)], instances=instances)


def happened(kind: str, after: float, **details: str) -> JournalEntry:
    """So many seconds after the message was stored."""
    named = {name.rstrip("_"): value for name, value in details.items()}
    return JournalEntry(at_ms=AT + round(after * 1000), kind=kind, details=named)


def stands(
    state: str,
    *,
    of: str = "billing",
    holder: str = "",
    starts: int | None = None,
    due_ms: int | None = None,
) -> DeliverySnapshot:
    return DeliverySnapshot(group=of, state=state, holder=holder, starts=starts, due_ms=due_ms)


def life(
    *deliveries: DeliverySnapshot,
    view: BusView | None = None,
    message: SampledMessage | None = None,
    letters: Sequence[DeadLetter] = (),
    copies: Sequence[str] = ("1",),
) -> Life:
    found = FoundMessage(
        message=message or sampled(1),
        deliveries=deliveries,
        dead_letters=tuple(letters),
        copies=tuple(copies),
    )
    return life_of(found, view or view_of())


def only(found: Life) -> Lane:
    (lane,) = found.lanes
    return lane


def state_of(delivery: DeliverySnapshot, view: BusView | None = None) -> str:
    return only(life(delivery, view=view)).state.text


# Emitted and stored


def test_who_emitted_it_and_when_it_was_stored() -> None:
    emitted, stored = life(stands("new")).steps
    assert emitted.text == "by bill-1 (worker-1.example pid 4711, live)"
    assert emitted.at_ms == AT - 2
    assert (stored.text, stored.at_ms) == ("2 ms later, as work of orders", AT)


def test_a_sender_that_is_gone() -> None:
    emitted = life(stands("new"), message=sampled(1, source="web-9")).steps[0]
    assert emitted.text == "by web-9 (not known any more)"


def test_clocks_that_differ_are_said() -> None:
    stored = life(message=sampled(1, timestamp_ms=AT + 1_500)).steps[1]
    assert "before it was emitted: the sender's clock is 1.5 s ahead" in stored.text


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (ChannelKind.BROADCAST, "as a broadcast"),
        (ChannelKind.INBOX, "in the inbox of ship-7"),
        (ChannelKind.WORK, "as work of ship-7"),
    ],
)
def test_where_it_was_stored(kind: ChannelKind, where: str) -> None:
    assert where in life(message=sampled(1, kind=kind, stream="ship-7")).steps[1].text


# How it stands


def test_new() -> None:
    lane = only(life(stands("new")))
    assert (lane.name, lane.state.word) == ("group billing", "new")
    assert lane.state.text == "not handed out yet; 1,204 wait in line"
    nobody = state_of(stands("new"), view_of(members=0))
    assert nobody == "not handed out yet; nobody is there to take it"


def test_pending_with_whom_and_how_often_tried() -> None:
    assert state_of(stands("pending", holder="life-bill-2", starts=1)) == (
        "with bill-2 (life life-bil…), tried once"
    )
    assert state_of(stands("pending", holder="life-bill-2", starts=3)).endswith(", tried 3 times")
    assert state_of(stands("pending", holder="life-bill-2", starts=0)).endswith(
        ", whose handler has not started with it"
    )


def test_pending_with_one_whose_heartbeat_is_late() -> None:
    late = instance_view(instance("bill-2"), InstanceState.LATE)
    told = state_of(stands("pending", holder="life-bill-2"), view_of(instances=[late]))
    assert told == "with bill-2 (life life-bil…), which is late"


def test_orphaned() -> None:
    dead = instance_view(instance("bill-2"), InstanceState.DEAD)
    step = only(
        life(
            stands("waiting", holder="life-bill-2", starts=1),
            view=view_of(instances=[dead]),
        )
    ).state
    assert step.word == "waiting"
    assert "which is dead has died with it; it waits to be taken over, tried once" in step.text
    assert step.level == "warn"


def test_given_back() -> None:
    assert state_of(stands("waiting", starts=2)) == (
        "came back, and waits to be taken again, tried 2 times"
    )


def test_delayed_until() -> None:
    assert "in 4.0 s, tried once" in state_of(stands("delayed", starts=1, due_ms=NOW + 4_000))
    assert "which is now" in state_of(stands("delayed", starts=1, due_ms=NOW - 1))


def test_settled_and_nobody_knows_by_whom() -> None:
    found = life(stands("settled"))
    assert only(found).state.text == "settled by group billing; by whom is not recorded"
    assert found.final


def test_it_is_not_over_while_one_group_has_it() -> None:
    found = life(stands("settled"), stands("new", of="mail"))
    assert [lane.name for lane in found.lanes] == ["group billing", "group mail"]
    assert not found.final


def test_without_a_group_somebody_may_still_come() -> None:
    found = life()
    assert not found.final
    text = "".join(cell.text for line in life_part(found, UNICODE).lines for cell in line)
    assert "nobody gets it: there is no group" in text


# What happened before


def test_taken_over_from_the_dead() -> None:
    view = view_of(
        happened("declared dead", 9, instance="bill-9", incarnation="life-bill-9"),
        happened(
            "takeover",
            10,
            channel="orders billing",
            count="2",
            by="life-bill-2",
            from_="life-bill-9",
            positions="1 7",
            starts="1",
        ),
    )
    lane = only(life(stands("pending", holder="life-bill-2", starts=2), view=view))
    (step,) = lane.past
    assert (step.word, step.at_ms) == ("taken over", AT + 10_000)
    assert step.text == "by bill-2 from bill-9, which had died"


def test_retried() -> None:
    view = view_of(
        happened(
            "retry",
            3,
            channel="orders billing",
            count="1",
            by="life-bill-1",
            positions="1",
            starts="2",
        )
    )
    (step,) = only(life(stands("delayed"), view=view)).past
    assert step.text == "failed at bill-1 (tried 2 times), set aside"


@pytest.mark.parametrize(
    "details",
    [
        {"channel": "orders mail", "positions": "1"},
        {"channel": "other billing", "positions": "1"},
        {"channel": "", "positions": "1"},
        {"channel": "orders billing", "positions": "11 12"},
        {"channel": "orders billing"},
    ],
)
def test_what_happened_to_others_is_not_told(details: dict[str, str]) -> None:
    view = view_of(happened("takeover", 3, by="life-bill-2", count="1", **details))
    assert only(life(stands("pending", holder="life-bill-1"), view=view)).past == ()


def test_what_happened_before_it_was_stored_is_not_told() -> None:
    view = view_of(
        happened("retry", -60, channel="orders billing", by="life-bill-1", positions="1")
    )
    assert only(life(stands("new"), view=view)).past == ()


def test_of_many_only_some_are_named() -> None:
    view = view_of(
        happened(
            "takeover",
            3,
            channel="orders billing",
            by="life-bill-2",
            count="45",
            positions=" ".join(map(str, range(100, 120))),
        )
    )
    (step,) = only(life(stands("pending", holder="life-bill-2"), view=view)).past
    assert step.text.startswith("perhaps, by bill-2")
    assert "one of 45, of which 20 are named" in step.text
    assert only(life(stands("pending", holder="life-bill-1"), view=view)).past == ()


def test_inboxes_are_told_apart_by_who_took_part() -> None:
    message = sampled(1, kind=ChannelKind.INBOX, stream="bill-1", target="bill-1")
    view = view_of(
        happened("takeover", 3, channel="", by="life-bill-1", count="1", positions="1"),
        happened("takeover", 4, channel="", by="life-bill-2", count="1", positions="1"),
    )
    lane = only(life(stands("pending", of="bill-1", starts=1), view=view, message=message))
    assert lane.name == "inbox bill-1"
    assert [step.at_ms for step in lane.past] == [AT + 3_000]


# Dead letters


def test_dead_and_why() -> None:
    found = life(stands("settled"), letters=[dead_letter()])
    state = only(found).state
    assert (state.word, state.level, state.at_ms) == ("dead letter", "crit", AT + 5_000)
    assert state.text == "failed 5 times at bill-1: TimeoutError: no answer"
    assert found.final


def test_the_journal_and_the_letter_tell_one_death_once() -> None:
    view = view_of(
        happened(
            "dead letter",
            5,
            event="orders",
            group="billing",
            instance="bill-1",
            reason="failed 5 times",
            position="1",
        )
    )
    assert only(life(stands("settled"), letters=[dead_letter()], view=view)).past == ()


def test_a_death_whose_letter_is_gone_is_told_by_the_journal() -> None:
    view = view_of(
        happened("dead letter", 5, event="orders", group="billing", reason="failed", position="1"),
        happened("redrive", 8, event="orders", to="billing", position="77"),
    )
    lane = only(
        life(stands("pending", holder="life-bill-1", starts=1), view=view, copies=["1", "77"])
    )
    assert [step.word for step in lane.past] == ["died", "redriven"]
    assert lane.state.word == "pending"


def test_who_died_again_after_a_redrive() -> None:
    letters = [dead_letter(1), dead_letter(2, died_ms=AT + 9_000)]
    lane = only(life(stands("settled"), letters=letters))
    assert lane.state.at_ms == AT + 9_000
    assert [step.word for step in lane.past] == ["dead letter"]


def test_only_the_dead_letter_is_left() -> None:
    found = life_of(
        FoundMessage(message=None, deliveries=(), dead_letters=(dead_letter(),)), view_of()
    )
    assert "not kept any more" in found.steps[1].text
    assert only(found).name == "group billing"
    assert found.final


def test_a_letter_that_cannot_be_decoded() -> None:
    found = life_of(
        FoundMessage(message=None, deliveries=(), dead_letters=(dead_letter(known=False),)), None
    )
    assert [step.word for step in found.steps] == ["stored"]
    assert only(found).state.word == "dead letter"


# Broadcasts


def broadcast(*behind: int | None, at_ms: int = NOW, event: str = "prices") -> Life:
    """To instances of which each is so far behind."""
    lives = [
        instance_view(
            instance(
                f"i{n}",
                behind=each,
                subscriptions=[Subscription(EventMode.BROADCAST, "prices")],
            )
        )
        for n, each in enumerate(behind)
    ]
    message = sampled(1, kind=ChannelKind.BROADCAST, stream="", event=event)
    return life(message=message, view=view_of(instances=lives, at_ms=at_ms))


def test_all_have_passed_a_broadcast() -> None:
    found = broadcast(0, 0, 0)
    assert found.steps[-1].text == "all 3 live instances that listen have passed it"
    assert found.final


def test_of_those_behind_it_is_not_known() -> None:
    text = broadcast(0, 12, None).steps[-1].text
    assert text == (
        "at least 1 of 3 live instances that listen have passed it; "
        "not known of i1 (12 behind), i2 (? behind)"
    )


def test_who_passed_is_not_known_from_a_look_before_it() -> None:
    assert broadcast(0, at_ms=AT - 1).steps[-1].text == "who has handled it is not recorded"


def test_nobody_listens() -> None:
    assert broadcast(0, event="other").steps[-1].text == "no live instance listens to this event"


def test_a_broadcast_that_died_at_one_instance() -> None:
    message = sampled(1, kind=ChannelKind.BROADCAST, stream="", event="prices")
    found = life(message=message, letters=[dead_letter(group=None, instance="bill-2")])
    assert only(found).name == "instance bill-2"


# Texts


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_harmless(text: str) -> None:
    message = sampled(1, event=text, stream=text, source=text)
    view = view_of(
        happened(
            "takeover", 1, channel=f"{text} {text}", by=text, from_=text, count=text, positions="1"
        ),
        happened("dead letter", 2, event=text, group=text, reason=text, position="1"),
    )
    letters = [dead_letter(group=text, instance=text, reason=text, error=text)]
    found = life(
        stands("pending", of=text, holder=text, starts=2),
        stands("settled", of=text + "2"),
        message=message,
        view=view,
        letters=letters,
    )
    for part in (life_part(found, UNICODE), letter_part(letters[0])):
        assert part.title.isprintable()
        for line in part.lines:
            assert "".join(cell.text for cell in line).isprintable()


def test_lengths_of_time() -> None:
    times = [0, 999, 1_400, 59_949, 180_000, 7_200_000]
    assert [in_words(ms) for ms in times] == ["0 ms", "999 ms", "1.4 s", "59.9 s", "3 min", "2 h"]
