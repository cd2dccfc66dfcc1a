"""STUCK, LAGGING, MEMBERLESS-GROUP, ORPHANED."""

import math
from typing import Any

import pytest

from eventbus_core.monitoring import BusView, Severity, Vitals
from tests.monitoring.looks import (
    T0,
    Looker,
    codes,
    entry,
    found,
    group,
    group_view,
    holder,
    inbox_group,
    instance,
    stream,
    the,
)

RUNNING = Vitals(running=1, slowest="charge", slowest_seconds=3.0)
IDLE = Vitals(running=0)


def one_group(looker: Looker, *instances: Any, **changes: Any) -> BusView:
    """A look at one group that `a` is a member of."""
    shown = instances or (instance("a", vitals=IDLE),)
    return looker.look(groups=(group(**changes),), instances=shown)


class TestStuck:
    def test_nothing_settled_for_a_minute(self) -> None:
        looker = Looker()
        held = {"pending": 3, "settled": 9, "consumers": (holder("a", 3),)}
        for _ in range(60):
            assert codes(one_group(looker, **held)) == []
        finding = the(one_group(looker, **held), "STUCK")
        assert finding.severity is Severity.CRITICAL
        assert finding.subject == ("group", "work paid billing", "billing@paid")
        assert finding.text == "nothing settled for 1m, 3 pending; held by a"
        assert finding.since_ms == T0 + 1_000

    def test_two_looks_are_enough_when_the_data_prove_it(self) -> None:
        looker = Looker()
        held = {"pending": 1, "oldest_pending_ms": T0 - 90_000, "consumers": (holder("a", 1),)}
        assert codes(one_group(looker, **held)) == []
        finding = the(one_group(looker, **held), "STUCK")
        assert finding.text == "nothing settled for 1m, 1 pending, oldest 1m; held by a"
        assert finding.since_ms == T0 - 90_000

    def test_one_settled_between_two_looks_is_proof_of_the_contrary(self) -> None:
        looker = Looker()
        old = {"pending": 1, "oldest_pending_ms": T0 - 90_000, "consumers": (holder("a", 1),)}
        one_group(looker, settled=5, **old)
        assert codes(one_group(looker, settled=6, **old)) == []
        assert codes(one_group(looker, settled=6, **old)) == []

    def test_an_old_message_that_came_back_proves_nothing(self) -> None:
        looker = Looker()
        old = {"pending": 1, "delayed": 1, "oldest_pending_ms": T0 - 90_000}
        one_group(looker, **old)
        assert codes(one_group(looker, **old)) == []

    def test_just_below(self) -> None:
        looker = Looker()
        held = {"pending": 1, "oldest_pending_ms": T0 - 57_000}
        assert [codes(one_group(looker, **held)) for _ in range(2)] == [[], []]
        assert codes(one_group(looker, **held)) == ["STUCK"]

    def test_a_message_that_comes_after_a_quiet_hour_is_not_stuck(self) -> None:
        looker = Looker()
        one_group(looker, settled=5)
        looker.at += 3600
        looker.now += 3600
        one_group(looker, settled=5)
        assert codes(one_group(looker, settled=5, pending=1, lag=4)) == []

    def test_a_running_handler_of_a_holder_is_not_stuck(self) -> None:
        looker = Looker()
        held = {"pending": 1, "oldest_pending_ms": T0 - 90_000, "consumers": (holder("a", 1),)}
        for _ in range(70):
            view = one_group(looker, instance("a", vitals=RUNNING), **held)
            assert codes(view) == []

    @pytest.mark.parametrize(
        "other",
        [
            instance("b", vitals=RUNNING),  # has nothing of this group in hand
            instance("c", vitals=RUNNING, age=12.0),  # its lease is over: what it told is old
        ],
    )
    def test_handlers_of_others_do_not_count(self, other: Any) -> None:
        looker = Looker()
        consumers = (holder("a", 1), holder("b"), holder("c", 1))
        held = {"pending": 2, "oldest_pending_ms": T0 - 90_000, "consumers": consumers}
        for _ in range(2):
            view = one_group(looker, instance("a", vitals=IDLE), other, **held)
        assert "STUCK" in codes(view)

    def test_members_that_fetch_nothing(self) -> None:
        looker = Looker()
        for _ in range(61):
            view = one_group(looker, lag=2_000, consumers=(holder("a"),))
        assert the(view, "STUCK").text == (
            "nothing settled for 1m, 0 pending, 2,000 not handed out"
        )

    def test_without_members_it_is_not_stuck_but_abandoned(self) -> None:
        looker = Looker()
        for _ in range(70):
            view = looker.look(groups=(group(lag=20, waiting=3),))
        assert found(view, "STUCK") == []

    def test_an_inbox_too(self) -> None:
        looker = Looker()
        reader = inbox_group(
            "a", pending=2, oldest_pending_ms=T0 - 90_000, consumers=(holder("a", 2),)
        )
        for _ in range(2):
            view = looker.look(groups=(reader,), instances=(instance("a", vitals=IDLE),))
        assert the(view, "STUCK").subject == ("group", "inbox a", "a (inbox)")

    def test_it_clears_some_seconds_after_something_was_settled(self) -> None:
        looker = Looker(clear=3.0)
        held = {"pending": 1, "oldest_pending_ms": T0 - 90_000}
        for _ in range(2):
            one_group(looker, **held)
        shown = [codes(one_group(looker, settled=n, **held)) for n in (1, 2, 3)]
        assert shown == [["STUCK"], ["STUCK"], []]

    def test_without_a_counter_nothing_can_be_said(self) -> None:
        looker = Looker()
        for _ in range(70):
            view = one_group(looker, pending=5, settled=None, unknown={"settled": "no counter"})
        assert codes(view) == ["LAG-UNKNOWN"]

    def test_a_step_of_the_stores_clock_proves_nothing(self) -> None:
        looker = Looker()
        held = {"pending": 1, "oldest_pending_ms": T0, "consumers": (holder("a", 1),)}
        one_group(looker, **held)
        looker.at += 3600
        assert codes(one_group(looker, **held)) == []


class TestLagging:
    def grow(self, looker: Looker, looks: int, *, start: int = 1_000, by: int = 10) -> BusView:
        for n in range(looks):
            lag = start + by * n
            settled = 5 * round(looker.at)
            view = one_group(looker, lag=lag, settled=settled, consumers=(holder("a"),))
        return view

    def test_large_and_growing_for_half_a_minute(self) -> None:
        looker = Looker()
        # The growth is known from the second look on.
        assert codes(self.grow(looker, 31)) == []
        finding = the(self.grow(looker, 1, start=1_310), "LAGGING")
        assert finding.severity is Severity.WARNING
        assert finding.text == (
            "1,310 behind, growing by 10/s, settles 5.0/s; never drains at this rate"
        )
        assert finding.since_ms == T0 + 2_000

    def test_its_view_says_the_same(self) -> None:
        view = self.grow(Looker(), 10)
        shown = group_view(view)
        assert shown.growth == pytest.approx(10.0)
        assert shown.drain_seconds == math.inf
        assert shown.settle_rate == 5.0
        assert shown.history[-2:] == (1_080, 1_090)

    def test_just_too_small(self) -> None:
        looker = Looker(lagging=2_000)
        assert codes(self.grow(looker, 60, start=1_399)) == []
        assert codes(self.grow(looker, 33, start=2_000)) == ["LAGGING"]

    def test_large_but_shrinking(self) -> None:
        looker = Looker()
        view = self.grow(looker, 60, start=50_000, by=-100)
        assert codes(view) == []
        assert group_view(view).drain_seconds == pytest.approx(44_100 / 100)

    def test_large_and_steady(self) -> None:
        assert codes(self.grow(Looker(), 60, start=50_000, by=0)) == []

    def test_it_clears_when_it_shrinks(self) -> None:
        looker = Looker(clear=5.0)
        assert codes(self.grow(looker, 40, by=100)) == ["LAGGING"]
        assert codes(self.grow(looker, 30, start=5_000, by=-100)) == []


class TestMemberless:
    def look(self, looker: Looker, **changes: Any) -> BusView:
        return looker.look(
            groups=(group("audit", **changes), group("billing", consumers=(holder("a"),))),
            instances=(instance("a"),),
        )

    def test_nobody_for_a_minute_while_others_work(self) -> None:
        looker = Looker()
        view = self.look(looker, lag=1_200, waiting=4, last_member_ms=looker.ms(ago=200))
        finding = the(view, "MEMBERLESS-GROUP")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("group", "work paid audit", "audit@paid")
        assert finding.text == (
            "no live member for 3m, 1,204 unhandled; dropping it makes dead letters of them"
        )
        assert finding.since_ms == looker.at_ms - 200_000

    def test_dropping_an_empty_one_loses_nothing(self) -> None:
        looker = Looker()
        view = self.look(looker, last_member_ms=looker.ms(ago=61))
        assert the(view, "MEMBERLESS-GROUP").text == (
            "no live member for 1m, nothing unhandled; dropping it loses nothing"
        )

    def test_just_below(self) -> None:
        looker = Looker()
        assert codes(self.look(looker, last_member_ms=looker.ms(ago=59.9))) == []

    def test_when_the_store_does_not_say_since_when_it_takes_looks(self) -> None:
        looker = Looker()
        for _ in range(60):
            assert codes(self.look(looker)) == []
        assert codes(self.look(looker)) == ["MEMBERLESS-GROUP"]

    def test_alone_it_is_no_leftover(self) -> None:
        looker = Looker()
        view = looker.look(groups=(group("audit", last_member_ms=looker.ms(ago=900)),))
        assert codes(view) == []

    def test_where_nobody_lives_it_is_no_leftover(self) -> None:
        looker = Looker()
        last = looker.ms(ago=900)
        view = looker.look(
            groups=(group("audit", last_member_ms=last), group("billing", last_member_ms=last))
        )
        assert codes(view) == []

    def test_one_whose_lease_is_over_is_no_member(self) -> None:
        looker = Looker()
        groups = (
            group("audit", last_member_ms=looker.ms(ago=70), consumers=(holder("b"),)),
            group("billing", consumers=(holder("a"),)),
        )
        gone = instance("b", work=[("paid", "audit")], age=80.0)
        view = looker.look(groups=groups, instances=(instance("a"), gone))
        assert "MEMBERLESS-GROUP" in codes(view)
        assert group_view(view, "work paid audit").members == 0

    def test_it_clears_when_somebody_comes(self) -> None:
        looker = Looker(clear=2.0)
        self.look(looker, last_member_ms=looker.ms(ago=200))
        back: dict[str, Any] = {
            "groups": (group("audit", consumers=(holder("b"),)), group("billing")),
            "instances": (instance("a"), instance("b", work=[("paid", "audit")])),
        }
        assert codes(looker.look(**back)) == ["MEMBERLESS-GROUP"]
        assert codes(looker.look(**back)) == []

    def test_it_goes_at_once_when_it_was_dropped(self) -> None:
        looker = Looker()
        self.look(looker, last_member_ms=looker.ms(ago=200))
        view = looker.look(groups=(group("billing"),), instances=(instance("a"),))
        assert codes(view) == []


class TestOrphaned:
    DIED = entry("declared dead", 0.0, instance="b", incarnation="b-1")

    def look(self, looker: Looker, *instances: Any, held: int = 38) -> BusView:
        return looker.look(
            groups=(group(waiting=held, consumers=(holder("b", held, alive=False),)),),
            instances=instances,
            journal=(self.DIED,),
        )

    def test_what_a_dead_one_held_for_ten_seconds(self) -> None:
        looker = Looker()
        assert found(self.look(looker, instance("a")), "ORPHANED") == []
        view = [self.look(looker, instance("a")) for _ in range(9)][-1]
        finding = the(view, "ORPHANED")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("group", "work paid billing", "billing@paid")
        assert finding.text == "38 messages of b not taken over; 1 live member"
        assert finding.since_ms == T0
        assert group_view(view).orphaned == 38

    def test_without_anybody_to_take_them_it_is_critical(self) -> None:
        looker = Looker()
        view = [self.look(looker) for _ in range(11)][-1]
        finding = the(view, "ORPHANED")
        assert finding.severity is Severity.CRITICAL
        assert finding.text.endswith("nobody is there to take them")

    def test_since_the_lease_was_over_when_that_is_known(self) -> None:
        looker = Looker()
        expired = instance("b", age=25.0, pending=5)
        view = looker.look(
            groups=(group(pending=5, consumers=(holder("b", 5),)),), instances=(expired,)
        )
        assert the(view, "ORPHANED").since_ms == looker.at_ms - 15_000

    def test_it_clears_when_all_are_taken_over(self) -> None:
        looker = Looker(clear=2.0)
        for _ in range(12):
            self.look(looker, instance("a"))
        shown = [self.look(looker, instance("a"), held=0) for _ in range(2)][-1]
        assert found(shown, "ORPHANED") == []

    def test_streams_of_it_have_no_findings(self) -> None:
        view = Looker().look(streams=(stream(),), groups=(group(),), instances=(instance(),))
        assert view.findings == ()
