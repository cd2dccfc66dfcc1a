"""One table of thresholds, each of which can be set."""

from dataclasses import fields
from typing import Any

import pytest

from eventbus_core.monitoring import CODES, THRESHOLDS, InvalidOptionError, Thresholds


def test_the_table_has_every_threshold() -> None:
    assert list(THRESHOLDS) == [each.name for each in fields(Thresholds)]
    for info in THRESHOLDS.values():
        assert info.default == getattr(Thresholds(), info.name)
        assert info.code in CODES or info.name == "clear"
        assert info.means


def test_every_code_that_is_judged_by_figures_has_a_threshold() -> None:
    judged = {info.code for info in THRESHOLDS.values()}
    assert set(CODES) - judged == {"CONFIG-DRIFT", "VERSION", "LAG-UNKNOWN"}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_each_can_be_set(name: str) -> None:
    info = THRESHOLDS[name]
    wanted = info.minimum if info.minimum else info.default / 2
    value: Any = type(info.default)(wanted)
    assert getattr(Thresholds(**{name: value}), name) == value


@pytest.mark.parametrize("name", THRESHOLDS)
@pytest.mark.parametrize("value", ["5", None, True, -1, float("nan"), float("inf"), 1e12])
def test_what_makes_no_sense_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidOptionError, match=f"^{name}="):
        Thresholds(**{name: value})


def test_counts_are_whole_numbers() -> None:
    with pytest.raises(InvalidOptionError, match=r"^lagging=0\.5 must be an int"):
        Thresholds(lagging=0.5)  # type: ignore[arg-type]  # that is the point


def test_a_share_is_at_most_one() -> None:
    assert Thresholds(late_share=1).late_share == 1.0
    with pytest.raises(InvalidOptionError, match=r"between 0 and 1 \(share\)"):
        Thresholds(late_share=1.1)


def test_seconds_may_be_given_as_an_int() -> None:
    stuck = Thresholds(stuck=5).stuck
    assert stuck == 5.0
    assert type(stuck) is float
