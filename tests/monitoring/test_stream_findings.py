"""NO-CONSUMER, RETENTION-RISK, LAG-UNKNOWN."""

from dataclasses import replace
from typing import Any

import pytest

from eventbus_core.monitoring import BusView, ServerSnapshot, Severity, SharedOptions
from tests.monitoring.looks import (
    EMPTY,
    Looker,
    broadcasts,
    codes,
    found,
    group,
    group_view,
    holder,
    inbox_group,
    inbox_stream,
    instance,
    letters,
    stream,
    stream_view,
    the,
)


class TestNoConsumer:
    def waiting(self, looker: Looker, *, ago: float = 11.0, **changes: Any) -> Any:
        return stream(backlog=7, length=7, added=7, oldest_ms=looker.ms(ago), **changes)

    def test_nobody_has_ever_subscribed(self) -> None:
        looker = Looker()
        view = looker.look(streams=(self.waiting(looker),), instances=(instance("a", work=()),))
        finding = the(view, "NO-CONSUMER")
        assert finding.severity is Severity.CRITICAL
        assert finding.subject == ("stream", "work paid", "paid")
        assert finding.text == "7 wait, nobody has subscribed to it yet"
        assert finding.since_ms == looker.at_ms - 11_000
        assert stream_view(view, "work paid").findings == (finding,)

    def test_nobody_is_left(self) -> None:
        looker = Looker()
        left = group(lag=7, last_member_ms=looker.ms(ago=30))
        view = looker.look(streams=(self.waiting(looker, ago=900),), groups=(left,))
        finding = the(view, "NO-CONSUMER")
        assert finding.text == "7 wait, nobody is subscribed any more"
        assert finding.since_ms == looker.at_ms - 30_000

    def test_the_last_one_left_just_now(self) -> None:
        looker = Looker()
        left = group(lag=7, last_member_ms=looker.ms(ago=9))
        assert looker.look(streams=(self.waiting(looker, ago=900),), groups=(left,)).findings == ()

    def test_just_stored(self) -> None:
        looker = Looker()
        assert looker.look(streams=(self.waiting(looker, ago=9.9),)).findings == ()

    def test_without_a_time_it_takes_looks(self) -> None:
        looker = Looker()
        nameless = stream(backlog=7, oldest_ms=None)
        for _ in range(10):
            assert looker.look(streams=(nameless,)).findings == ()
        assert codes(looker.look(streams=(nameless,))) == ["NO-CONSUMER"]

    def test_one_live_subscriber_in_one_group_is_enough(self) -> None:
        looker = Looker()
        groups = (group("audit", lag=7), group("billing", lag=7, consumers=(holder("a"),)))
        view = looker.look(
            streams=(self.waiting(looker),), groups=groups, instances=(instance("a"),)
        )
        assert found(view, "NO-CONSUMER") == []

    def test_one_whose_lease_is_over_is_not(self) -> None:
        looker = Looker()
        view = looker.look(
            streams=(self.waiting(looker, ago=30),),
            groups=(group(lag=7, consumers=(holder("a"),)),),
            instances=(instance("a", age=20.0),),
        )
        assert "NO-CONSUMER" in codes(view)

    def test_nothing_waits(self) -> None:
        view = Looker().look(streams=(stream(length=9, added=9, oldest_ms=1),), groups=(group(),))
        assert view.findings == ()

    def test_nothing_is_claimed_while_subscriptions_cannot_be_read(self) -> None:
        looker = Looker()
        veiled = instance("a", work=(), unknown={"subscriptions": "cannot be read"})
        assert looker.look(streams=(self.waiting(looker),), instances=(veiled,)).findings == ()

    def test_the_target_of_an_inbox_is_absent(self) -> None:
        looker = Looker()
        kept = inbox_stream("till-3", backlog=2, oldest_ms=looker.ms(ago=60))
        view = looker.look(
            streams=(kept,), groups=(inbox_group("till-3", lag=2),), absent=("till-3",)
        )
        finding = the(view, "NO-CONSUMER")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("stream", "inbox till-3", "till-3 (inbox)")
        assert finding.text == "target absent, 2 wait for it"
        assert group_view(view, "inbox till-3").members == 0

    def test_an_inbox_whose_reader_lives(self) -> None:
        looker = Looker()
        kept = inbox_stream("a", backlog=2, oldest_ms=looker.ms(ago=60))
        view = looker.look(
            streams=(kept,), groups=(inbox_group("a", lag=2),), instances=(instance("a"),)
        )
        assert view.findings == ()
        assert group_view(view, "inbox a").members == 1

    def test_it_clears_when_somebody_subscribes(self) -> None:
        looker = Looker(clear=2.0)
        looker.look(streams=(self.waiting(looker),))
        shown = [
            codes(
                looker.look(
                    streams=(self.waiting(looker),), groups=(group(),), instances=(instance(),)
                )
            )
            for _ in range(2)
        ]
        assert shown == [["NO-CONSUMER"], []]


class TestRetentionRisk:
    LIMIT = SharedOptions(max_backlog=1_000)

    def look(self, *streams: Any) -> BusView:
        read = group(consumers=(holder("a"),))
        return Looker().look(
            streams=streams, groups=(read,), instances=(instance("a"),), options=self.LIMIT
        )

    def test_work_nears_the_limit(self) -> None:
        view = self.look(stream(backlog=850))
        finding = the(view, "RETENTION-RISK")
        assert finding.severity is Severity.WARNING
        assert finding.text == "850 unhandled, 85% of max_backlog; at 100% emits are refused"
        assert stream_view(view, "work paid").margin == pytest.approx(0.15)

    def test_at_the_limit_it_is_critical(self) -> None:
        finding = the(self.look(stream(backlog=1_001)), "RETENTION-RISK")
        assert finding.severity is Severity.CRITICAL
        assert finding.text == "1,001 unhandled, 100% of max_backlog; now emits are refused"

    def test_broadcasts_get_lost(self) -> None:
        view = self.look(broadcasts(backlog=999))
        finding = the(view, "RETENTION-RISK")
        assert finding.subject == ("stream", "broadcast", "broadcasts")
        assert finding.text == (
            "999 unhandled, 99% of max_backlog; at 100% whoever is furthest behind loses the oldest"
        )

    def test_just_below(self) -> None:
        assert self.look(stream(backlog=799)).findings == ()

    def test_nothing_unhandled_is_all_free(self) -> None:
        assert stream_view(self.look(stream()), "work paid").margin == 1.0

    @pytest.mark.parametrize("options", [None, SharedOptions(max_backlog=0)])
    def test_without_a_limit_nothing_is_said(self, options: SharedOptions | None) -> None:
        view = Looker().look(
            streams=(stream(backlog=10**6),), groups=(group(),), instances=(instance(),),
            options=options,
        )  # fmt: skip
        assert stream_view(view, "work paid").margin is None
        assert view.findings == ()

    def test_the_store_has_little_memory_left(self) -> None:
        def server(used: int | None, most: int | None) -> ServerSnapshot:
            return replace(EMPTY.server, used_bytes=used, max_bytes=most)

        finding = the(Looker().look(server=server(95, 100)), "RETENTION-RISK")
        assert finding.subject == ("bus", "", "store")
        assert finding.text.startswith("the store uses 95% of the 100 bytes that it may")
        full = the(Looker().look(server=server(100, 100)), "RETENTION-RISK")
        assert full.severity is Severity.CRITICAL
        for used, most in ((89, 100), (95, 0), (95, None), (None, 100)):
            assert Looker().look(server=server(used, most)).findings == ()


class TestLagUnknown:
    def test_of_a_stream_and_a_group(self) -> None:
        reason = "the server refuses XINFO GROUPS"
        veiled = group(lag=None, pending=None, unknown={"pending": reason, "lag": reason})
        view = Looker().look(
            streams=(stream(backlog=None, unknown={"backlog": reason}),), groups=(veiled,)
        )
        first, second = found(view, "LAG-UNKNOWN")
        assert first.subject == ("group", "work paid billing", "billing@paid")
        assert first.text == "lag, pending unknown: the server refuses XINFO GROUPS"
        assert second.subject == ("stream", "work paid", "paid")
        assert first.severity is Severity.WARNING

    @pytest.mark.parametrize("name", ["bytes", "last_member_ms"])
    def test_what_says_nothing_about_lag_is_no_finding(self, name: str) -> None:
        view = Looker().look(
            streams=(stream(bytes=None, unknown={name: "why"}),),
            groups=(group(unknown={name: "why"}),),
        )
        assert view.findings == ()

    def test_of_dead_letters_and_of_the_bus(self) -> None:
        unknown = letters(None)
        unknown = type(unknown)(
            count=None, oldest_ms=None, newest_ms=None, unknown={"count": "the server refuses XLEN"}
        )
        view = Looker().look(dead_letters=unknown, unknown={"options": "cannot be read"})
        told = {finding.subject.kind: finding.text for finding in found(view, "LAG-UNKNOWN")}
        assert told == {
            "dead letters": "their number is unknown: the server refuses XLEN",
            "bus": "options unknown: cannot be read",
        }
