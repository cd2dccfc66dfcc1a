"""Every option refuses every wrong value, and the error names the option."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from eventbus_core.durations import seconds
from eventbus_core.errors import InvalidOptionError
from eventbus_core.options import (
    FOREVER,
    Options,
    SharedOptions,
    differing,
    most_generous,
)
from eventbus_core.retry import Retry, RetryPolicy

BAD_NAMES = ["", "a b", "x" * 256, "a{b}", "user:*", 1, b"x"]
BAD_DURATIONS = ["1", True, None, -1, -0.001, float("nan"), float("inf"), timedelta(-1), 1e12, []]
BAD_TTLS = [v for v in BAD_DURATIONS if v is not None] + [0, 0.5]
BAD_COUNTS = ["1", 1.0, True, None, -1, 10**10]
BAD_FLAGS = [0, 1, "yes", None]

BAD: dict[str, list[Any]] = {
    "name": [*BAD_NAMES, None],
    "instance_id": BAD_NAMES,
    "group": [*BAD_NAMES, None],
    "role": ["reader", "", None, 1],
    "only_new": BAD_FLAGS,
    "message_retention": BAD_DURATIONS,
    "max_message_count": BAD_COUNTS,
    "max_backlog": [*BAD_COUNTS, 0],
    "stream_ttl": BAD_TTLS,
    "backlog_ttl": BAD_TTLS,
    "dead_letter_retention": [*BAD_DURATIONS, 0, 0.5],
    "max_dead_letters": [*BAD_COUNTS, 0],
    "retry": [None, 5, {"max_deliveries": 5}],
    "heartbeat_interval": [*BAD_DURATIONS, 0],
    "lease": [*BAD_DURATIONS, 0],
    "drain_timeout": BAD_DURATIONS,
    "publish_timeout": [*BAD_DURATIONS, 0],
    "connect_timeout": [*BAD_DURATIONS, 0],
    "max_message_bytes": [*BAD_COUNTS, 0, 2**30],
    "handler_threads": [*BAD_COUNTS, 0, 5_000],
    "codec": ["pickle", "", None],
    "debug": BAD_FLAGS,
}
BAD_RETRY: dict[str, list[Any]] = {
    "max_deliveries": [0, -1, 10_001, 1.5, "5", True, None],
    "initial": BAD_DURATIONS,
    "maximum": BAD_DURATIONS,
    "factor": [0.5, 0, -1, 1001, "2", True, None, float("nan")],
    "jitter": [-0.1, 1.1, "0", True, None, float("nan")],
}


def test_every_option_has_bad_values_here() -> None:
    assert set(BAD) == {option.name for option in fields(Options)}
    assert set(BAD_RETRY) == set(RetryPolicy.__dataclass_fields__)


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option in BAD for value in BAD[option]]
)
def test_a_bad_option_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        Options(**{option: value})
    assert str(caught.value).startswith(f"{option}=")


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option in BAD_RETRY for value in BAD_RETRY[option]]
)
def test_a_bad_retry_option_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        RetryPolicy(**{option: value})
    assert str(caught.value).startswith(f"{option}=")


@pytest.mark.parametrize(
    ("option", "value", "kept"),
    [
        ("name", "orders", "orders"),
        ("instance_id", "worker-1", "worker-1"),
        ("instance_id", None, None),
        ("role", "publisher", "publisher"),
        ("role", "consumer", "consumer"),
        ("only_new", True, True),
        ("message_retention", 0, 0.0),
        ("message_retention", timedelta(minutes=1), 60.0),
        ("max_message_count", 0, 0),
        ("max_backlog", 1, 1),
        ("stream_ttl", None, None),
        ("stream_ttl", timedelta(hours=2), 7200.0),
        ("backlog_ttl", None, None),
        ("backlog_ttl", 1, 1.0),
        ("heartbeat_interval", 0.5, 0.5),
        ("lease", timedelta(seconds=4), 4.0),
        ("drain_timeout", 0, 0.0),
        ("handler_threads", 1, 1),
        ("debug", True, True),
    ],
)
def test_a_good_option_is_kept_in_seconds(option: str, value: Any, kept: Any) -> None:
    result = getattr(Options(**{option: value}), option)
    assert result == kept
    assert type(result) is type(kept)


def test_a_lease_must_outlast_one_late_heartbeat() -> None:
    assert Options(lease=2.0, heartbeat_interval=1.0).lease == 2.0
    with pytest.raises(InvalidOptionError, match=r"lease=1\.5 .*heartbeat_interval=1,"):
        Options(lease=1.5, heartbeat_interval=1)


def test_options_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Options().name = "other"  # type: ignore[misc]


def test_the_defaults_of_the_design() -> None:
    assert Options().shared() == SharedOptions()
    assert (Options().lease, Options().heartbeat_interval) == (10.0, 2.0)


def test_no_ttl_is_announced_as_forever() -> None:
    shared = Options(stream_ttl=None, backlog_ttl=None, max_backlog=7).shared()
    assert (shared.stream_ttl, shared.backlog_ttl, shared.max_backlog) == (FOREVER, FOREVER, 7)


def test_the_most_generous_value_of_each_option_holds() -> None:
    one = SharedOptions(message_retention=1.0, max_backlog=9, stream_ttl=FOREVER)
    other = SharedOptions(message_retention=2.0, max_backlog=5, stream_ttl=1e9)
    merged = most_generous([one, other])
    assert (merged.message_retention, merged.max_backlog) == (2.0, 9)
    assert merged.stream_ttl == FOREVER
    assert most_generous([]) == SharedOptions()
    assert differing(one, merged) == {"message_retention": (1.0, 2.0)}
    assert differing(merged, merged) == {}


def test_seconds_takes_numbers_and_timedelta() -> None:
    assert seconds("x", 2, minimum=0) == 2.0
    assert seconds("x", timedelta(milliseconds=5), minimum=0) == 0.005
    with pytest.raises(InvalidOptionError, match="between 1 and 2 seconds"):
        seconds("x", 3, minimum=1, maximum=2)


def test_delays_grow_up_to_the_maximum() -> None:
    policy = RetryPolicy(initial=0.5, factor=2.0, maximum=3.0, jitter=0.0)
    assert [policy.delay(attempt) for attempt in (1, 2, 3, 4, 10_000)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_jitter_spreads_a_delay_around_its_value() -> None:
    policy = RetryPolicy(initial=1.0, jitter=0.2)
    delays = [policy.delay(1) for _ in range(500)]
    assert 0.8 <= min(delays) < 0.9 < 1.1 < max(delays) <= 1.2


def test_retry_keeps_its_delay_in_seconds() -> None:
    assert Retry().delay is None
    assert Retry(timedelta(seconds=2)).delay == 2.0
    with pytest.raises(InvalidOptionError, match="delay="):
        Retry(-1)
