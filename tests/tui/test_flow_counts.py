"""What was stored is counted exactly, from the streams' own counters."""

from dataclasses import replace

from eventbus_core.monitoring import BusSnapshot, ChannelKind
from eventbus_tui.flow_counts import FlowCounts
from tests.tui.pieces import AT, snapshot, stream


def look(at_ms: int, **added: int | None) -> BusSnapshot:
    streams = [stream(name, added=number) for name, number in added.items()]
    return snapshot(streams, at_ms=at_ms)


def test_nothing_is_known_before_the_second_look() -> None:
    counts = FlowCounts()
    assert counts.stored_rate is None
    counts.look(look(AT, a=1_000_000))
    assert (counts.stored, counts.stored_rate, counts.since_ms) == (0, None, AT)


def test_differences_are_summed_over_all_streams_and_looks() -> None:
    counts = FlowCounts()
    counts.look(look(AT, a=100, b=7))
    counts.look(look(AT + 1_000, a=150, b=7))
    counts.look(look(AT + 2_000, a=151, b=27))
    assert counts.stored == 71
    assert counts.stored_rate == 35.5


def test_a_stream_that_is_new_counts_from_its_beginning() -> None:
    counts = FlowCounts()
    counts.look(look(AT, a=100))
    counts.look(look(AT + 1_000, a=100, b=9))
    assert counts.stored == 9


def test_a_counter_that_starts_again_loses_nothing_and_gains_nothing() -> None:
    counts = FlowCounts()
    counts.look(look(AT, a=100))
    counts.look(look(AT + 1_000, a=110))
    counts.look(look(AT + 2_000, a=4))
    counts.look(look(AT + 3_000, a=5))
    assert counts.stored == 15


def test_a_stream_that_was_away_for_a_look_is_not_counted_anew() -> None:
    counts = FlowCounts()
    counts.look(look(AT, a=100))
    counts.look(look(AT + 1_000))
    counts.look(look(AT + 2_000, a=103))
    assert counts.stored == 3


def test_an_unknown_counter_makes_it_a_lower_bound() -> None:
    counts = FlowCounts()
    counts.look(look(AT, a=None, b=1))
    counts.look(look(AT + 1_000, a=None, b=3))
    assert counts.stored == 2
    assert counts.partly


def test_the_same_look_again_changes_nothing() -> None:
    counts, first = FlowCounts(), look(AT, a=1)
    counts.look(first)
    newest = look(AT + 1_000, a=3)
    counts.look(newest)
    counts.look(newest)
    assert (counts.stored, counts.stored_rate) == (2, 2.0)


def test_a_clock_that_is_put_back_gives_no_false_rate() -> None:
    counts = FlowCounts()
    counts.look(look(AT, a=0))
    counts.look(look(AT - 3_600_000, a=10))
    rates = [counts.stored_rate]
    counts.look(look(AT - 3_599_000, a=30))
    assert [*rates, counts.stored_rate] == [None, 20.0]
    assert counts.stored == 30


def test_rows_are_counted_for_the_time_that_looks_cover() -> None:
    counts = FlowCounts()
    counts.rows([AT - 5, AT], now=0.0)  # stored before the first look: not of this count
    counts.look(look(AT, a=100))
    counts.rows([AT + 1, AT + 500, AT + 1_500], now=1.0)
    assert counts.shown == 0
    counts.look(look(AT + 1_000, a=110))
    assert (counts.stored, counts.shown, counts.left_out) == (10, 2, 8)
    counts.rows([AT + 900], now=2.0)
    assert counts.shown == 3
    counts.look(look(AT + 2_000, a=112))
    assert (counts.shown, counts.left_out) == (4, 8)


def test_the_rate_of_rows_is_that_of_the_last_seconds() -> None:
    counts = FlowCounts()
    counts.rows(range(500), now=0.0)
    rates = [counts.shown_rate]
    for tick in range(1, 41):
        counts.rows([AT] * 100, now=tick * 0.25)
    rates.append(counts.shown_rate)
    for tick in range(41, 81):
        counts.rows([], now=tick * 0.25)
    assert [*rates, counts.shown_rate] == [None, 400.0, 0.0]


def test_memory_is_bounded_without_looks_and_with_ever_new_streams() -> None:
    counts = FlowCounts()
    for _ in range(30):
        counts.rows([AT] * 10_000, now=0.0)
    assert len(counts._ahead) == 100_000
    for n in range(30):
        streams = [stream(f"{n}-{i}", ChannelKind.INBOX, added=1) for i in range(1_000)]
        counts.look(replace(look(AT + n * 1_000), streams=tuple(streams)))
    assert len(counts._added) <= 11_000
    assert counts.stored == 29_000
