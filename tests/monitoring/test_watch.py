"""From snapshots to views: rates, sums, what is remembered, and what stays the same object."""

import math
from dataclasses import replace
from typing import Any

import pytest

from eventbus_core.monitoring import HISTORY, Thresholds, Vitals, Watch
from tests.monitoring.looks import (
    EMPTY,
    Looker,
    broadcasts,
    codes,
    entry,
    group,
    group_view,
    holder,
    inbox_group,
    inbox_stream,
    instance,
    stream,
    stream_view,
)


class TestRates:
    def test_of_a_work_stream_and_its_group(self) -> None:
        looker = Looker()
        for n in range(3):
            view = looker.look(
                after=2.0,
                streams=(stream(added=100 * n, backlog=40 * n),),
                groups=(group(settled=60 * n, lag=40 * n),),
                instances=(instance(),),
            )
        shown = stream_view(view, "work paid")
        assert (shown.rate_in, shown.rate_out, shown.history) == (50.0, 30.0, (50.0, 50.0))
        assert group_view(view).settle_rate == 30.0
        assert (view.totals.rate_in, view.totals.rate_out) == (50.0, 30.0)
        assert view.totals.settle_rate == 30.0
        assert view.totals.history_in == (50.0, 50.0)

    def test_there_are_none_at_the_first_look(self) -> None:
        view = Looker().look(streams=(stream(added=9),), groups=(group(settled=9),))
        shown = stream_view(view, "work paid")
        assert (shown.rate_in, shown.rate_out, group_view(view).settle_rate) == (None, None, None)
        totals = view.totals
        assert (totals.rate_in, totals.rate_out, totals.settle_rate) == (None, None, None)
        assert totals.fail_rate is None
        assert (view.looks, totals.history_in, shown.history) == (1, (), ())

    def test_out_of_a_stream_goes_what_its_slowest_group_settles(self) -> None:
        looker = Looker()
        for n in range(2):
            view = looker.look(
                streams=(stream(added=90 * n, backlog=80),),
                groups=(group("fast", settled=90 * n), group("slow", settled=5 * n, lag=80)),
            )
        assert stream_view(view, "work paid").rate_out == 5.0

    def test_nothing_goes_out_of_a_stream_without_a_group(self) -> None:
        looker = Looker()
        for n in range(2):
            view = looker.look(streams=(stream(added=90 * n),))
        assert stream_view(view, "work paid").rate_out == 0.0

    def test_of_an_inbox(self) -> None:
        looker = Looker()
        for n in range(2):
            view = looker.look(
                streams=(inbox_stream("a", added=4 * n),), groups=(inbox_group("a", settled=3 * n),)
            )
        assert stream_view(view, "inbox a").rate_out == 3.0

    def test_out_of_the_broadcasts_goes_what_the_slowest_reader_passes(self) -> None:
        looker = Looker()
        for n in range(3):
            view = looker.look(
                streams=(broadcasts(added=100 * n),),
                instances=(instance("a", behind=0), instance("b", behind=90 * n)),
            )
        assert stream_view(view, "broadcast").rate_out == pytest.approx(10.0)

    def test_a_reader_whose_cursor_is_stored_with_heartbeats_does_not_flicker(self) -> None:
        looker = Looker()
        rates = []
        for second in range(10):
            beat = second // 2 * 2
            view = looker.look(
                streams=(broadcasts(added=50 * second),),
                instances=(instance("a", age=second - beat, behind=50 * (second - beat)),),
            )
            rates.append(stream_view(view, "broadcast").rate_out)
        assert rates == [None, None, *[50.0] * 8]

    def test_without_readers_nothing_goes_out_of_the_broadcasts(self) -> None:
        looker = Looker()
        for _ in range(2):
            view = looker.look(streams=(broadcasts(added=5),))
        assert stream_view(view, "broadcast").rate_out == 0.0

    def test_a_counter_that_starts_again(self) -> None:
        looker = Looker()
        told = []
        for added in (1_000, 1_010, 2, 12):
            view = looker.look(streams=(stream(added=added),))
            told.append((stream_view(view, "work paid").rate_in, view.totals.rate_in))
        assert told == [(None, None), (10.0, 10.0), (None, 0.0), (10.0, 10.0)]

    def test_a_stream_that_comes_later_brings_no_spike(self) -> None:
        looker = Looker()
        looker.look()
        view = looker.look(streams=(stream(added=1_000_000),))
        assert view.totals.rate_in == 0.0

    def test_one_that_stood_still_has_the_rate_of_the_last_interval(self) -> None:
        looker = Looker()
        quiet = stream(added=10)
        for _ in range(20):
            looker.look(streams=(quiet,), groups=(group(settled=10),))
        view = looker.look(streams=(stream(added=17),), groups=(group(settled=14),))
        assert stream_view(view, "work paid").rate_in == 7.0
        assert group_view(view).settle_rate == 4.0
        assert stream_view(view, "work paid").history == (*[0.0] * 19, 7.0)

    def test_two_looks_at_one_moment(self) -> None:
        looker = Looker()
        for added in (0, 10):
            looker.look(streams=(stream(added=added),))
        view = looker.look(streams=(stream(added=15),), after=0.0)
        assert stream_view(view, "work paid").rate_in == 10.0


class TestGroups:
    def test_figures(self) -> None:
        looker = Looker()
        consumers = (holder("a", 2), holder("b", 3, alive=False), holder("c", 4))
        view = looker.look(
            groups=(
                group(
                    lag=10, pending=6, waiting=3, delayed=1, consumers=consumers,
                    oldest_pending_ms=looker.ms(ago=30),
                ),
            ),
            instances=(instance("a"), instance("c", age=11.0), instance("d", work=())),
        )  # fmt: skip
        shown = group_view(view)
        assert shown.name == "billing@paid"
        assert shown.oldest_age == 30.0
        assert shown.members == 1
        assert shown.orphaned == 7
        assert shown.history == (20,)

    def test_drain_time(self) -> None:
        looker = Looker()
        for n in range(10):
            left = 1_000 - 10 * n
            view = looker.look(groups=(group(lag=left, settled=10 * n),), instances=(instance(),))
        assert group_view(view).growth == pytest.approx(-10.0)
        assert group_view(view).drain_seconds == pytest.approx(91.0)

    def test_nothing_to_do(self) -> None:
        assert group_view(Looker().look(groups=(group(),))).drain_seconds == 0.0

    def test_never(self) -> None:
        looker = Looker()
        for n in range(3):
            view = looker.look(groups=(group(lag=100 * n),))
        assert group_view(view).drain_seconds == math.inf

    def test_unknown_figures(self) -> None:
        looker = Looker()
        for _ in range(3):
            view = looker.look(groups=(group(lag=None, unknown={"lag": "too old"}),))
        shown = group_view(view)
        assert (shown.growth, shown.drain_seconds, shown.history) == (None, None, ())

    def test_members_are_counted_anew_when_subscriptions_change(self) -> None:
        looker = Looker()
        same = group(consumers=(holder("a"),))
        told = []
        for work in ([("paid", "billing")], [("paid", "audit")], [], [("paid", "billing")]):
            view = looker.look(groups=(same,), instances=(instance("a", work=work),))
            told.append(group_view(view).members)
        assert told == [1, 0, 0, 1]

    def test_a_publisher_is_no_reader_of_an_inbox(self) -> None:
        view = Looker().look(
            groups=(inbox_group("a"),), instances=(instance("a", role="publisher"),)
        )
        assert group_view(view, "inbox a").members == 0


class TestSameObjects:
    """Sources give the same object for what did not change, and so does a Watch."""

    STREAMS = (stream(added=5), stream("sent", added=7), broadcasts(added=3))
    GROUPS = (group(settled=5), group("mail", "sent", settled=7))

    def settled(self, looker: Looker, **told: Any) -> Any:
        for _ in range(4):
            view = looker.look(**{"streams": self.STREAMS, "groups": self.GROUPS, **told})
        return view

    def test_what_stands_still(self) -> None:
        looker = Looker()
        before = self.settled(looker)
        after = looker.look(streams=self.STREAMS, groups=self.GROUPS)
        assert all(a is b for a, b in zip(after.streams, before.streams, strict=True))
        assert all(a is b for a, b in zip(after.groups, before.groups, strict=True))

    def test_equal_snapshots_do_as_well(self) -> None:
        looker = Looker()
        before = self.settled(looker)
        after = looker.look(
            streams=tuple(map(replace, self.STREAMS)), groups=tuple(map(replace, self.GROUPS))
        )
        assert all(a is b for a, b in zip(after.streams, before.streams, strict=True))
        assert all(a is b for a, b in zip(after.groups, before.groups, strict=True))

    def test_that_a_member_lives_now_is_no_change(self) -> None:
        looker = Looker()
        views = [
            looker.look(groups=(group(last_member_ms=looker.ms(ago=0)),), instances=(instance(),))
            for _ in range(6)
        ]
        assert group_view(views[-1]) is group_view(views[-2])

    def test_only_what_changed_is_new(self) -> None:
        looker = Looker()
        before = self.settled(looker)
        after = looker.look(
            streams=(self.STREAMS[0], stream("sent", added=8), self.STREAMS[2]),
            groups=(self.GROUPS[0], group("mail", "sent", settled=8)),
        )
        assert [a is b for a, b in zip(after.streams, before.streams, strict=True)] == [
            True, False, True,
        ]  # fmt: skip
        assert [a is b for a, b in zip(after.groups, before.groups, strict=True)] == [True, False]

    def test_findings_too(self) -> None:
        looker = Looker()
        full = (stream(backlog=5, oldest_ms=looker.ms(ago=60)),)
        before, after = looker.look(streams=full), looker.look(streams=full)
        assert codes(after) == ["NO-CONSUMER"]
        assert after.findings is before.findings

    def test_another_order_changes_nothing_else(self) -> None:
        looker = Looker()
        before = self.settled(looker)
        after = looker.look(streams=self.STREAMS[::-1], groups=self.GROUPS[::-1])
        assert after.streams == before.streams[::-1]
        assert after.groups == before.groups[::-1]


class TestMemory:
    def test_what_vanishes_is_forgotten(self) -> None:
        looker = Looker()
        looker.look(streams=(stream(added=10),), groups=(group(settled=10),))
        assert looker.look().streams == ()
        view = looker.look(streams=(stream(added=30),), groups=(group(settled=30),))
        assert stream_view(view, "work paid").rate_in is None
        assert group_view(view).settle_rate is None

    def test_another_bus_begins_anew(self) -> None:
        looker = Looker()
        looker.look(streams=(stream(added=10),), journal=(entry("loss", 0.0, count="1"),))
        view = looker.look(bus="other", streams=(stream(added=30),))
        assert (view.looks, view.findings, stream_view(view, "work paid").rate_in) == (1, (), None)
        assert looker.look(bus="shop", streams=(stream(added=40),)).looks == 1

    def test_histories_are_bounded(self) -> None:
        looker = Looker()
        for n in range(HISTORY + 20):
            view = looker.look(
                streams=(stream(added=n * n),),
                groups=(group(settled=n * n, lag=n + 1),),
                instances=(instance(vitals=Vitals(handled=n, failed=n)),),
            )
        (life,), totals = view.instances, view.totals
        for history in (
            stream_view(view, "work paid").history, group_view(view).history, life.history,
            totals.history_in, totals.history_out, totals.history_settle, totals.history_fail,
        ):  # fmt: skip
            assert len(history) == HISTORY

    def test_lately_dead_ones_are_bounded(self) -> None:
        looker = Looker()
        names = [f"i{n}" for n in range(1_500)]
        died = [entry("declared dead", instance=id, incarnation=f"{id}-1") for id in names]
        assert len(looker.look(journal=tuple(died)).instances) == 1_000


def test_instances_are_sorted_by_id() -> None:
    died = entry("declared dead", 0.0, instance="b", incarnation="b-1")
    view = Looker().look(instances=(instance("c"), instance("a")), journal=(died,))
    assert [shown.id for shown in view.instances] == ["a", "b", "c"]


def test_a_name_that_is_there_twice_counts_once() -> None:
    looker = Looker()
    for n in range(3):
        view = looker.look(
            streams=(stream(added=1), stream(added=n)), groups=(group(settled=1), group(settled=n))
        )
    assert (len(view.streams), len(view.groups)) == (1, 1)
    assert stream_view(view, "work paid").rate_in == 1.0


def test_an_empty_bus() -> None:
    watch = Watch(Thresholds())
    view = watch.see(EMPTY, now=0.0, poll_seconds=0.1)
    assert (view.streams, view.groups, view.instances, view.findings) == ((), (), (), ())
    assert (view.poll_seconds, view.looks, view.dead_letter_growth) == (0.1, 1, 0)
