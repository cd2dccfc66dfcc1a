"""The constructor's options: validated once, frozen, durations in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from .durations import seconds
from .errors import InvalidOptionError
from .names import check_option_name
from .retry import RetryPolicy

Role = Literal["both", "publisher", "consumer"]
FOREVER: Final = -1.0
"""In SharedOptions: a TTL of None."""


class SharedOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options that belong to the bus, not to one instance: seconds, counts."""

    message_retention: float = 300.0
    max_message_count: int = 5_000
    max_backlog: int = 100_000
    stream_ttl: float = 3_600.0
    backlog_ttl: float = 604_800.0
    dead_letter_retention: float = 604_800.0
    max_dead_letters: int = 10_000


def most_generous(announced: "list[SharedOptions]") -> SharedOptions:
    """Of each option the most generous announced value; the defaults when nobody announced."""
    if not announced:
        return SharedOptions()
    merged: dict[str, Any] = {}
    for name in SharedOptions.__struct_fields__:
        values: list[Any] = [getattr(options, name) for options in announced]
        merged[name] = FOREVER if FOREVER in values else max(values)
    return SharedOptions(**merged)


def differing(mine: SharedOptions, in_force: SharedOptions) -> Mapping[str, tuple[Any, Any]]:
    """Options whose value in force is not mine: name -> (mine, in force)."""
    return {
        name: (getattr(mine, name), getattr(in_force, name))
        for name in SharedOptions.__struct_fields__
        if getattr(mine, name) != getattr(in_force, name)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that `EventBus` takes besides the transport. Raises InvalidOptionError."""

    name: str = "default"
    instance_id: str | None = None
    group: str = "default"
    role: Role = "both"
    only_new: bool = False
    message_retention: float | timedelta = timedelta(minutes=5)
    max_message_count: int = 5_000
    max_backlog: int = 100_000
    stream_ttl: float | timedelta | None = timedelta(hours=1)
    backlog_ttl: float | timedelta | None = timedelta(days=7)
    dead_letter_retention: float | timedelta = timedelta(days=7)
    max_dead_letters: int = 10_000
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    heartbeat_interval: float | timedelta = 2.0
    lease: float | timedelta = 10.0
    drain_timeout: float | timedelta = 30.0
    publish_timeout: float | timedelta = 5.0
    connect_timeout: float | timedelta = 10.0
    max_message_bytes: int = 1_048_576
    handler_threads: int = 8
    codec: str = "json"
    debug: bool = False

    def __post_init__(self) -> None:
        check_option_name("name", self.name)
        check_option_name("group", self.group)
        if self.instance_id is not None:
            check_option_name("instance_id", self.instance_id)
        if self.role not in get_args(Role):
            raise InvalidOptionError(
                f"role={self.role!r} must be one of {', '.join(map(repr, get_args(Role)))}"
            )
        for option in ("only_new", "debug"):
            if not isinstance(getattr(self, option), bool):
                raise InvalidOptionError(
                    f"{option}={getattr(self, option)!r} must be True or False"
                )
        for option, low, high in _COUNTS:
            _check_count(option, getattr(self, option), low, high)
        for option, minimum in _DURATIONS:
            value = seconds(option, getattr(self, option), minimum=minimum)
            object.__setattr__(self, option, value)
        for option in ("stream_ttl", "backlog_ttl"):
            if (ttl := getattr(self, option)) is not None:
                object.__setattr__(self, option, seconds(option, ttl, minimum=1.0))
        if not isinstance(self.retry, RetryPolicy):
            raise InvalidOptionError(f"retry={self.retry!r} must be a RetryPolicy")
        if self.codec != "json":
            raise InvalidOptionError(f"codec={self.codec!r} is not known; use 'json'")
        if self.lease < 2 * self.heartbeat_interval:  # type: ignore[operator]
            raise InvalidOptionError(
                f"lease={self.lease:g} must be at least twice heartbeat_interval="
                f"{self.heartbeat_interval:g}, or one late heartbeat ends the instance's life"
            )

    def shared(self) -> SharedOptions:
        """The part that is announced to the bus."""
        announced: dict[str, Any] = {}
        for name in SharedOptions.__struct_fields__:
            value = getattr(self, name)
            announced[name] = FOREVER if value is None else value
        return SharedOptions(**announced)


_COUNTS: Final = (
    ("max_message_count", 0, 10**9),
    ("max_backlog", 1, 10**9),
    ("max_dead_letters", 1, 10**9),
    ("max_message_bytes", 1, 512 * 1024 * 1024),
    ("handler_threads", 1, 1024),
)
_DURATIONS: Final = (
    ("message_retention", 0.0),
    ("dead_letter_retention", 1.0),
    ("heartbeat_interval", 0.01),
    ("lease", 0.02),
    ("drain_timeout", 0.0),
    ("publish_timeout", 0.01),
    ("connect_timeout", 0.01),
)


def _check_count(option: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidOptionError(f"{option}={value!r} must be an int, not {type(value).__name__}")
    if not low <= value <= high:
        raise InvalidOptionError(f"{option}={value} must be between {low} and {high}")
