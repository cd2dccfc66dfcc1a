"""Rates from counters that may start again."""

import math

from hypothesis import given
from hypothesis import strategies as st

from eventbus_core.monitoring.rates import SHORTEST, Rate


def test_there_is_none_before_the_second_look() -> None:
    rate = Rate()
    assert rate.see(500, 10.0) is None
    assert rate.see(600, 12.0) == 50.0


def test_intervals_may_be_odd() -> None:
    rate = Rate()
    rate.see(0, 0.0)
    assert rate.see(30, 0.3) == 100.0
    assert rate.see(60, 60.3) == 0.5


def test_a_counter_that_starts_again_gives_none_once() -> None:
    rate = Rate()
    rate.see(1_000_000, 0.0)
    rate.see(1_000_010, 1.0)
    assert rate.see(5, 2.0) is None
    assert rate.see(15, 3.0) == 10.0


def test_what_is_unknown_gives_none_and_is_no_base() -> None:
    rate = Rate()
    rate.see(10, 0.0)
    assert rate.see(None, 1.0) is None
    assert rate.see(1_000, 2.0) is None
    assert rate.see(1_001, 3.0) == 1.0


def test_two_looks_at_one_moment_keep_the_rate_and_lose_no_count() -> None:
    rate = Rate()
    rate.see(0, 0.0)
    rate.see(10, 1.0)
    assert rate.see(17, 1.0) == 10.0
    assert rate.see(18, 1.0 + SHORTEST / 2) == 10.0
    assert rate.see(30, 2.0) == 20.0


def test_after_a_step_back_of_the_clock_the_next_look_tells() -> None:
    rate = Rate()
    rate.see(0, 100.0)
    rate.see(10, 101.0)
    assert rate.see(50, 40.0) == 10.0
    assert rate.see(52, 41.0) == 2.0


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 10**12), st.floats(-1e6, 1e9, allow_nan=False)),
        max_size=30,
    )
)
def test_a_rate_is_never_negative_and_always_a_number(
    looks: list[tuple[int | None, float]],
) -> None:
    rate = Rate()
    for counter, now in looks:
        value = rate.see(counter, now)
        assert value is None or (value >= 0 and math.isfinite(value))
