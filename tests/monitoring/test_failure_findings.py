"""DEAD-LETTERS, LOST, POISON."""

import pytest

from eventbus_core.monitoring import BusView, Severity
from tests.monitoring.looks import (
    T0,
    Looker,
    codes,
    entry,
    found,
    group,
    group_view,
    inbox_group,
    instance,
    letters,
    the,
)


class TestDeadLetters:
    def look(self, looker: Looker, total: int, kept: int | None = None) -> BusView:
        kept_ones = letters(total if kept is None else kept, T0 - 900_000)
        return looker.look(totals={"dead letters": total}, dead_letters=kept_ones)

    def test_one_more_is_a_warning(self) -> None:
        looker = Looker()
        assert self.look(looker, 40).findings == ()
        view = self.look(looker, 41)
        finding = the(view, "DEAD-LETTERS")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("dead letters", "", "dead letters")
        assert finding.text == "+1 in 5m, 41 kept"
        assert finding.since_ms == looker.at_ms
        assert view.dead_letter_growth == 1

    def test_more_than_a_hundred_are_critical(self) -> None:
        looker = Looker()
        self.look(looker, 0)
        assert the(self.look(looker, 100), "DEAD-LETTERS").severity is Severity.WARNING
        assert the(self.look(looker, 101), "DEAD-LETTERS").severity is Severity.CRITICAL

    def test_as_many_as_the_threshold_says(self) -> None:
        looker = Looker(dead_letters=3)
        self.look(looker, 0)
        assert self.look(looker, 2).findings == ()
        assert codes(self.look(looker, 3)) == ["DEAD-LETTERS"]

    def test_it_goes_when_the_window_has_passed(self) -> None:
        looker = Looker(dead_letter_window=10.0, clear=0.0)
        self.look(looker, 0)
        self.look(looker, 2)
        for _ in range(9):
            assert codes(self.look(looker, 2)) == ["DEAD-LETTERS"]
        view = self.look(looker, 2)
        assert view.findings == ()
        assert view.dead_letter_growth == 0

    def test_it_goes_when_all_were_redriven_or_discarded(self) -> None:
        looker = Looker(clear=0.0)
        self.look(looker, 0)
        self.look(looker, 2)
        assert self.look(looker, 2, kept=0).findings == ()

    def test_that_some_were_discarded_meanwhile_does_not_hide_new_ones(self) -> None:
        looker = Looker()
        self.look(looker, 50)
        assert the(self.look(looker, 53, kept=10), "DEAD-LETTERS").text == "+3 in 5m, 10 kept"

    def test_where_a_store_keeps_no_total_the_kept_ones_are_counted(self) -> None:
        looker = Looker()
        looker.look(dead_letters=letters(5))
        assert the(looker.look(dead_letters=letters(7)), "DEAD-LETTERS").text.startswith("+2 ")

    def test_a_total_that_starts_again_is_no_growth(self) -> None:
        looker = Looker()
        self.look(looker, 50)
        assert self.look(looker, 3).findings == ()
        assert the(self.look(looker, 4), "DEAD-LETTERS").text.startswith("+1 ")

    def test_at_the_first_look_the_journal_tells(self) -> None:
        died = [
            entry("dead letter", -500.0, reason="too long ago"),
            entry("dead letter", -200.0, count="12", reason="instance died"),
            entry("dead letter", -100.0, reason="TimeoutError"),
            entry("dead letter", -50.0, reason="TimeoutError"),
        ]
        view = Looker().look(
            totals={"dead letters": 90}, dead_letters=letters(90), journal=tuple(died)
        )
        finding = the(view, "DEAD-LETTERS")
        assert finding.text == "+14 in 5m, 90 kept; TimeoutError (2)"
        assert finding.since_ms == T0 - 200_000

    def test_at_the_first_look_without_a_journal_the_newest_tells(self) -> None:
        looker = Looker()
        view = looker.look(dead_letters=letters(9, T0 - 100_000))
        assert the(view, "DEAD-LETTERS").text == "+1 in 5m, 9 kept"
        assert the(view, "DEAD-LETTERS").since_ms == T0 - 100_000
        assert looker.look(dead_letters=letters(9, T0 - 400_000)).dead_letter_growth == 0


class TestLost:
    def test_a_counter_grew(self) -> None:
        looker = Looker()
        looker.look(totals={"lost: broadcasts trimmed": 5})
        view = looker.look(totals={"lost: broadcasts trimmed": 15, "lost: work deleted": 2})
        finding = the(view, "LOST")
        assert finding.severity is Severity.CRITICAL
        assert finding.subject == ("bus", "", "shop")
        assert finding.text == "12 lost in 10m: broadcasts trimmed 10, work deleted 2"
        assert finding.since_ms == looker.at_ms

    def test_old_losses_are_over(self) -> None:
        looker = Looker()
        for _ in range(3):
            assert looker.look(totals={"lost: work deleted": 5}).findings == ()

    def test_it_goes_when_the_window_has_passed(self) -> None:
        looker = Looker(lost_window=20.0, clear=0.0)
        looker.look()
        lost = {"lost: work deleted": 5}
        assert codes(looker.look(totals=lost)) == ["LOST"]
        assert codes(looker.look(totals=lost, after=19.0)) == ["LOST"]
        assert looker.look(totals=lost).findings == ()

    def test_at_the_first_look_the_journal_tells(self) -> None:
        journal = (
            entry("loss", -900.0, count="99", cause="deleted"),
            entry("loss", -60.0, count="4", cause="broadcasts beyond max_backlog"),
        )
        view = Looker().look(totals={"lost: work deleted": 103}, journal=journal)
        assert the(view, "LOST").text == "4 lost in 10m: broadcasts beyond max_backlog 4"
        assert the(view, "LOST").since_ms == T0 - 59_000 - 1_000

    def test_it_is_not_counted_twice(self) -> None:
        looker = Looker()
        journal = (entry("loss", -60.0, count="4", cause="deleted"),)
        looker.look(totals={"lost: work deleted": 4}, journal=journal)
        later = (*journal, entry("loss", 1.5, count="2", cause="deleted"))
        view = looker.look(totals={"lost: work deleted": 6}, journal=later)
        assert the(view, "LOST").text.startswith("6 lost")


class TestPoison:
    def tried(self, kind: str = "retry", at: float = -10.0, **details: str) -> BusView:
        told = {"channel": "paid billing", "count": "1", "by": "a-1", **details}
        return Looker().look(
            groups=(group(), inbox_group("a")),
            instances=(instance("a"),),
            journal=(entry(kind, at, **told),),
        )

    @pytest.mark.parametrize("kind", ["retry", "takeover"])
    def test_one_message_was_started_again_and_again(self, kind: str) -> None:
        view = self.tried(kind, starts="4")
        finding = the(view, "POISON")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("group", "work paid billing", "billing@paid")
        assert finding.text == "a message was started 4 times, last by a"
        assert finding.since_ms == T0 - 10_000
        assert group_view(view).findings == (finding,)

    def test_of_an_inbox(self) -> None:
        view = self.tried(channel="", starts="5")
        assert the(view, "POISON").subject == ("group", "inbox a", "a (inbox)")

    @pytest.mark.parametrize(
        ("details", "name"),
        [
            ({"channel": "sent mail"}, "mail@sent"),
            ({"channel": "", "by": "gone-1"}, "inbox of gone-1"),
            ({"channel": "", "by": ""}, "inbox of an instance"),
        ],
    )
    def test_of_a_group_that_is_not_there_any_more(
        self, details: dict[str, str], name: str
    ) -> None:
        view = self.tried("retry", -10.0, **{"starts": "5", **details})
        assert the(view, "POISON").subject == ("bus", "", name)

    @pytest.mark.parametrize("starts", ["3", "", "many", "-4", "4.5"])
    def test_just_below_or_not_said(self, starts: str) -> None:
        assert self.tried(starts=starts).findings == ()

    def test_without_the_detail(self) -> None:
        assert self.tried().findings == ()

    def test_too_long_ago(self) -> None:
        assert self.tried(at=-300.0, starts="9").findings == ()

    def test_other_entries_have_no_starts(self) -> None:
        assert found(self.tried("redrive", starts="9"), "POISON") == []

    def test_it_goes_when_the_window_has_passed(self) -> None:
        looker = Looker(poison_window=20.0, clear=0.0)
        journal = (entry("retry", 0.0, channel="paid billing", starts="4", by="x-1"),)
        assert codes(looker.look(journal=journal)) == ["POISON"]
        assert codes(looker.look(journal=journal, after=18.0)) == ["POISON"]
        assert looker.look(journal=journal, after=2.0).findings == ()
