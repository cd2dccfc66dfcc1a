"""Growth, drain time and bounded histories."""

import math

import pytest

from eventbus_core.monitoring.trends import HISTORY, LOOKS, History, Trend, drain_seconds


def test_growth_is_the_slope_over_the_newest_looks() -> None:
    trend = Trend()
    assert trend.see(0, 0.0) is None
    for second in range(1, LOOKS):
        assert trend.see(second * 7, float(second)) == pytest.approx(7.0)


def test_growth_does_not_flicker_with_noise() -> None:
    trend = Trend()
    for second in range(20):
        trend.see(second * 10 + (5 if second % 2 else -5), float(second))
        if second > 5:
            assert trend.growth is not None
            assert 8.0 < trend.growth < 12.0


def test_what_is_long_ago_does_not_count() -> None:
    trend = Trend()
    for second in range(30):
        trend.see(second * 100, float(second))
    for second in range(30, 30 + LOOKS):
        trend.see(2900, float(second))
    assert trend.growth == 0.0


def test_looks_may_be_further_apart_than_the_span() -> None:
    trend = Trend()
    trend.see(0, 0.0)
    assert trend.see(60, 60.0) == pytest.approx(1.0)
    assert trend.see(0, 120.0) == pytest.approx(-1.0)


def test_an_unknown_value_ends_the_trend() -> None:
    trend = Trend()
    trend.see(0, 0.0)
    trend.see(5, 1.0)
    assert trend.see(None, 2.0) is None
    assert trend.see(500, 3.0) is None
    assert trend.see(501, 4.0) == pytest.approx(1.0)


def test_two_looks_at_one_moment_count_once() -> None:
    trend = Trend()
    trend.see(0, 0.0)
    trend.see(5, 1.0)
    trend.see(9, 1.0)
    assert trend.see(18, 2.0) == pytest.approx(9.0)


def test_a_trend_that_stood_still_goes_on_as_if_it_had_been_looked_at() -> None:
    looked_at, left_alone = Trend(), Trend()
    for second in range(40):
        looked_at.see(5, float(second))
    for second in range(10):
        left_alone.see(5, float(second))
    left_alone.nothing_new(39.0)
    for second in range(40, 44):
        looked_at.see(5 + second, float(second))
        left_alone.see(5 + second, float(second))
    assert left_alone.growth == pytest.approx(looked_at.growth, rel=0.3)


@pytest.mark.parametrize(
    ("backlog", "growth", "settle_rate", "seconds"),
    [
        (0, 50.0, 10.0, 0.0),
        (0, None, None, 0.0),
        (1_200, -4.0, 10.0, 300.0),
        (1_200, 4.0, 10.0, math.inf),
        (1_200, 0.0, 10.0, math.inf),
        (1_200, -4.0, None, 300.0),
        (None, 4.0, 10.0, None),
        (1_200, None, 10.0, None),
        (10, 3.0, 100.0, 0.1),  # work in progress
    ],
)
def test_drain_seconds(
    backlog: int | None, growth: float | None, settle_rate: float | None, seconds: float | None
) -> None:
    assert drain_seconds(backlog, growth, settle_rate) == seconds


def test_a_history_is_bounded() -> None:
    history = History()
    for value in range(3 * HISTORY):
        history.add(float(value))
    assert len(history.values) == HISTORY
    assert history.values[-1] == 3 * HISTORY - 1


def test_a_history_of_zeros_stays_the_same_object() -> None:
    history = History()
    history.add(0.0)
    first = history.values
    for _ in range(3):
        history.add(0.0)
    assert history.values is first
    assert history.silent
    history.add(2.0)
    assert history.values == (0.0, 0.0, 0.0, 0.0, 2.0)
    assert not history.silent


def test_a_history_falls_silent_again_when_it_holds_zeros_only() -> None:
    history = History()
    history.add(7.0)
    for _ in range(HISTORY):
        history.add(0.0)
    assert history.values == (0.0,) * HISTORY
    assert history.silent
    last = history.values
    history.add(0.0)
    assert history.values is last
    history.add(1.0)
    assert history.values == (0.0,) * (HISTORY - 1) + (1.0,)


def test_what_is_not_known_adds_nothing_to_a_history() -> None:
    history = History()
    history.add(None)
    assert history.values == ()
