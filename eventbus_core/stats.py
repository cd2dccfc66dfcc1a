"""What a bus has counted, and whether it is well."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Counted in this process since the bus object was made."""

    emitted: int = 0
    """Messages that the store confirmed."""
    refused_emits: int = 0
    """Emits that raised: backlog full, no target, store unavailable."""
    received: int = 0
    """Deliveries fetched."""
    handled: int = 0
    """Handlers that ended well."""
    failed: int = 0
    """Handlers that raised or ran out of time."""
    dead_lettered: int = 0
    released: int = 0
    """Deliveries handed back."""
    skipped: int = 0
    """Broadcasts that nobody here subscribed to."""
    unhandled: int = 0
    """Unicasts that nobody here subscribed to."""
    taken_over: int = 0
    """Deliveries taken from a dead instance."""
    repeats: int = 0
    """Deliveries whose handler had been started before, here or elsewhere."""
    refused_acts: int = 0
    """Settlements the store refused because this incarnation had been declared dead."""
    declared_dead: int = 0
    """Other incarnations that this one declared dead."""
    incarnations: int = 0
    """Lives of this instance."""
    loop_stalls: int = 0
    """Times the event loop was blocked for longer than the lease."""
    newer_format: int = 0
    """Deliveries in the format of a later release, left alone."""
    lost: Counter[str] = field(default_factory=Counter)
    """Messages lost, by cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionStats:
    event: str
    handler: str
    group: str
    handled: int
    failed: int
    retried: int
    running: int
    waiting: int
    """Messages here whose handler waits: to be started, or to be tried again."""
    mean_seconds: float | None
    """Recent mean of the handler's time; None before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusStats:
    """A snapshot of the counters; see `Counters` for their meaning."""

    emitted: int
    refused_emits: int
    received: int
    handled: int
    failed: int
    dead_lettered: int
    released: int
    skipped: int
    unhandled: int
    taken_over: int
    repeats: int
    refused_acts: int
    declared_dead: int
    incarnations: int
    loop_stalls: int
    newer_format: int
    lost: Mapping[str, int]
    running: int
    """Handlers running now."""
    waiting: int
    """Messages here whose handler waits: to be started, or to be tried again."""
    unsettled: int
    """Settlements the store has not confirmed yet."""
    subscriptions: tuple[SubscriptionStats, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusHealth:
    """Whether a bus does its work now. `ok` is what a probe asks."""

    ok: bool
    state: str
    """new, starting, live, rejoining, closing or closed."""
    problems: tuple[str, ...]
    """What is wrong, in words; empty when ok."""
    store_reachable: bool
    since: float
    """Unix time since when the store has (not) been reachable."""
    lease_left: float
    """Seconds until this instance may be declared dead if it does not renew."""
    last_fetch_age: float | None
    """Seconds since the last answered fetch; None before the first."""
