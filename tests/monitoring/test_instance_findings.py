"""DEAD, LATE, SLOW-HANDLER, and which instances are listed."""

from typing import Any

import pytest

from eventbus_core.monitoring import BusView, InstanceState, Severity, Vitals
from tests.monitoring.looks import (
    T0,
    Looker,
    codes,
    entry,
    found,
    group,
    holder,
    instance,
    instance_view,
    the,
)


def died(id: str = "a", at: float = 0.0) -> Any:
    return entry("declared dead", at, instance=id, incarnation=f"{id}-1")


class TestDead:
    def test_its_lease_is_over_and_nobody_has_declared_it_dead(self) -> None:
        looker = Looker()
        view = looker.look(instances=(instance("a", age=13.0, pending=38),))
        finding = the(view, "DEAD")
        assert finding.severity is Severity.CRITICAL
        assert finding.subject == ("instance", "a-1", "a")
        assert finding.text == ("heartbeat 10s ago, nobody has declared it dead yet, 38 orphaned")
        assert finding.since_ms == looker.at_ms - 3_000
        shown = instance_view(view)
        assert (shown.state, shown.declared, shown.orphaned) == (InstanceState.DEAD, False, 38)

    def test_just_before_that_it_is_late(self) -> None:
        view = Looker().look(instances=(instance("a", age=10.0),))
        assert codes(view) == ["LATE"]

    def test_it_stays_listed_when_it_was_declared_dead(self) -> None:
        looker = Looker()
        looker.look(instances=(instance("a", age=4.0),))
        orphans = group(waiting=5, consumers=(holder("a", 5, alive=False),))
        view = looker.look(groups=(orphans,), journal=(died(at=2.0),), after=8.0)
        shown = instance_view(view)
        assert (shown.state, shown.declared, shown.orphaned) == (InstanceState.DEAD, True, 5)
        assert shown.snapshot is not None
        assert shown.last_seen_ms == T0 - 3_000
        assert shown.uptime == 57.0
        finding = the(view, "DEAD")
        assert finding.severity is Severity.CRITICAL
        assert finding.text == "heartbeat 10s ago, 5 orphaned"
        assert finding.since_ms == T0 + 7_000  # when its lease was over
        assert shown.findings == (finding,)

    def test_with_nothing_left_to_take_over_it_is_a_warning(self) -> None:
        looker = Looker()
        looker.look(instances=(instance("a"),))
        taken = entry("takeover", 14.0, count="3", from_="a-1", by="b-1", channel="paid billing")
        view = looker.look(journal=(died(at=13.0), taken), after=14.0)
        finding = the(view, "DEAD")
        assert finding.severity is Severity.WARNING
        assert finding.text == "heartbeat 10s ago, nothing orphaned, 3 taken over"
        assert instance_view(view).taken_over == 3

    def test_the_journal_may_tell_a_look_later(self) -> None:
        looker = Looker()
        looker.look(instances=(instance("a"),))
        assert looker.look().instances == ()
        view = looker.look(journal=(died(at=2.5),))
        assert instance_view(view).snapshot is not None

    def test_the_journal_may_tell_a_look_earlier(self) -> None:
        looker = Looker()
        view = looker.look(instances=(instance("a", age=11.0),), journal=(died(at=1.0),))
        assert not instance_view(view).declared
        assert len(view.instances) == 1
        view = looker.look(journal=(died(at=1.0),))
        assert instance_view(view).declared
        assert instance_view(view).snapshot is not None

    def test_without_a_journal_it_is_remembered_when_its_lease_was_over(self) -> None:
        looker = Looker()
        looker.look(instances=(instance("a", age=12.0),))
        view = looker.look()
        assert instance_view(view).declared
        assert codes(view) == ["DEAD"]

    def test_one_that_left_in_good_order_is_not_listed(self) -> None:
        looker = Looker()
        looker.look(instances=(instance("a"), instance("b")))
        view = looker.look(instances=(instance("b"),))
        assert [shown.id for shown in view.instances] == ["b"]
        assert view.findings == ()

    def test_one_that_died_before_the_first_look_is_known_from_the_journal(self) -> None:
        looker = Looker()
        view = looker.look(journal=(died(at=-300.0),), instances=(instance("b"),))
        shown = instance_view(view)
        assert (shown.id, shown.snapshot, shown.uptime) == ("a", None, None)
        assert shown.last_seen_ms == T0 - 300_000
        assert the(view, "DEAD").text == "declared dead 5m ago, nothing orphaned"
        assert the(view, "DEAD").since_ms == T0 - 300_000

    def test_one_that_died_long_ago_is_not(self) -> None:
        assert Looker().look(journal=(died(at=-600.0),)).instances == ()

    def test_it_goes_after_its_time(self) -> None:
        looker = Looker(dead_kept=20.0, clear=2.0)
        looker.look(instances=(instance("a"),))
        journal = (died(at=2.0),)
        looker.look(journal=journal)
        assert codes(looker.look(journal=journal, after=18.0)) == ["DEAD"]
        view = looker.look(journal=journal, after=2.0)
        assert (view.instances, view.findings) == ((), ())

    def test_it_goes_even_when_the_stores_clock_was_set_back(self) -> None:
        looker = Looker(dead_kept=20.0)
        looker.look(journal=(died(at=0.0),))
        looker.at -= 7200.0
        assert len(looker.look(journal=(died(at=0.0),), after=5.0).instances) == 1
        assert looker.look(journal=(died(at=0.0),), after=20.0).instances == ()

    def test_an_id_that_lives_again_is_not_dead(self) -> None:
        looker = Looker(clear=2.0)
        looker.look(instances=(instance("a", age=12.0),))
        again = (instance("a", incarnation="a-2"),)
        view = looker.look(instances=again, journal=(died(at=2.0),))
        assert [shown.key for shown in view.instances] == ["a-2"]
        assert view.findings == ()

    def test_while_its_old_life_holds_messages_both_are_listed(self) -> None:
        looker = Looker()
        orphans = group(waiting=5, consumers=(holder("a", 5, alive=False),))
        again = (instance("a", incarnation="a-2"),)
        view = looker.look(groups=(orphans,), instances=again, journal=(died(at=0.0),))
        assert [shown.key for shown in view.instances] == ["a-1", "a-2"]
        assert found(view, "DEAD") == []

    def test_two_dead_ones_of_unknown_id_are_two(self) -> None:
        unnamed = [
            instance("", incarnation=name, age=12.0, unknown={"id": "lost"}) for name in "xy"
        ]
        view = Looker().look(instances=(*unnamed, instance("", incarnation="z")))
        assert [finding.subject.name for finding in found(view, "DEAD")] == ["x", "y"]

    @pytest.mark.parametrize(
        ("details", "taken_over"),
        [
            ({"count": "3", "from_": "a-1"}, 3),
            ({"count": "3", "from_": "b-1"}, 0),
            ({"count": "3", "from_": "b-1 a-1"}, 3),
            ({"from_": "a-1"}, 1),
            ({"count": "many", "from_": "a-1"}, 1),
            ({"count": "3"}, 3),  # nobody else can have had them
        ],
    )
    def test_what_was_taken_over_from_it(self, details: dict[str, str], taken_over: int) -> None:
        view = Looker().look(journal=(died(at=-9.0), entry("takeover", -8.0, **details)))
        assert instance_view(view).taken_over == taken_over

    def test_without_from_it_cannot_be_told_whose_they_were(self) -> None:
        journal = (died("a", -9.0), died("b", -9.0), entry("takeover", -8.0, count="3"))
        view = Looker().look(journal=journal)
        assert [shown.taken_over for shown in view.instances] == [0, 0]

    def test_takeovers_of_several_looks_add_up(self) -> None:
        looker = Looker()
        journal = [died(at=0.0)]
        for n in range(1, 4):
            journal.append(entry("takeover", float(n), count="2", from_="a-1"))
            view = looker.look(journal=tuple(journal))
        assert instance_view(view).taken_over == 6


class TestLate:
    def test_half_its_lease_without_a_heartbeat(self) -> None:
        looker = Looker()
        view = looker.look(instances=(instance("a", age=6.0),))
        finding = the(view, "LATE")
        assert finding.severity is Severity.WARNING
        assert finding.text == "heartbeat 6s ago, lease 10s"
        assert finding.since_ms == looker.at_ms - 1_000
        assert instance_view(view).state is InstanceState.LATE

    def test_just_below(self) -> None:
        view = Looker().look(instances=(instance("a", age=4.99),))
        assert view.findings == ()
        assert instance_view(view).state is InstanceState.LIVE

    def test_once_its_lease_is_over_it_is_dead_and_no_longer_late(self) -> None:
        looker = Looker()
        assert codes(looker.look(instances=(instance("a", age=9.5),))) == ["LATE"]
        assert codes(looker.look(instances=(instance("a", age=10.5),))) == ["DEAD"]

    def test_the_share_can_be_set(self) -> None:
        view = Looker(late_share=0.9).look(instances=(instance("a", age=8.0),))
        assert view.findings == ()

    def test_a_lease_that_is_not_known_is_not_late(self) -> None:
        unknown = instance("a", lease=0.0, lease_left=3.0, unknown={"lease": "cannot be read"})
        assert Looker().look(instances=(unknown,)).findings == ()

    def test_it_clears(self) -> None:
        looker = Looker(clear=2.0)
        looker.look(instances=(instance("a", age=6.0),))
        shown = [codes(looker.look(instances=(instance("a"),))) for _ in range(2)]
        assert shown == [["LATE"], []]


class TestSlowHandler:
    def look(self, seconds: float, *, age: float = 1.0, running: int = 1) -> tuple[Looker, BusView]:
        looker = Looker()
        vitals = Vitals(running=running, slowest="charge_card", slowest_seconds=seconds)
        return looker, looker.look(instances=(instance("a", age=age, vitals=vitals),))

    def test_one_runs_for_a_minute(self) -> None:
        looker, view = self.look(200.0)
        finding = the(view, "SLOW-HANDLER")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("instance", "a-1", "a")
        assert finding.text == "handler charge_card has been running for 3m"
        assert finding.since_ms == looker.at_ms - 201_000

    def test_just_below(self) -> None:
        assert self.look(59.9)[1].findings == ()

    def test_none_runs_any_more(self) -> None:
        assert self.look(200.0, running=0)[1].findings == ()

    def test_one_that_died_runs_none(self) -> None:
        assert codes(self.look(200.0, age=11.0)[1]) == ["DEAD"]

    def test_a_long_name_is_cut(self) -> None:
        vitals = Vitals(running=1, slowest="x" * 500, slowest_seconds=99.0)
        view = Looker().look(instances=(instance("a", vitals=vitals),))
        assert len(the(view, "SLOW-HANDLER").text) < 120


class TestRates:
    def test_they_do_not_flicker_between_heartbeats(self) -> None:
        looker = Looker()
        rates = []
        for second in range(12):
            beat = second // 2 * 2
            vitals = Vitals(handled=100 * beat, failed=beat)
            view = looker.look(instances=(instance("a", age=second - beat, vitals=vitals),))
            rates.append((instance_view(view).handled_rate, instance_view(view).failed_rate))
        assert rates[:2] == [(None, None), (None, None)]
        assert set(rates[2:]) == {(100.0, 1.0)}
        assert instance_view(view).history == (100.0,) * 5
        assert view.totals.fail_rate == 1.0

    def test_an_idle_one_has_a_rate_of_zero(self) -> None:
        looker = Looker()
        for _ in range(2):
            view = looker.look(instances=(instance("a", vitals=Vitals(handled=5)),))
        assert instance_view(view).handled_rate == 0.0

    def test_a_lease_told_with_rounding_is_no_heartbeat(self) -> None:
        looker = Looker()
        for age in (0.0, 1.001, 1.999):
            view = looker.look(instances=(instance("a", age=age, vitals=Vitals(handled=5)),))
        assert instance_view(view).last_seen_ms == T0 + 1_000
        assert instance_view(view).handled_rate is None

    def test_counters_that_start_again_give_no_rate(self) -> None:
        looker = Looker()
        for handled in (50, 60, 3):
            view = looker.look(instances=(instance("a", vitals=Vitals(handled=handled)),))
        assert instance_view(view).handled_rate is None

    def test_without_vitals_there_is_none(self) -> None:
        looker = Looker()
        for _ in range(3):
            view = looker.look(instances=(instance("a"),))
        assert instance_view(view).handled_rate is None
        assert view.totals.fail_rate == 0.0
