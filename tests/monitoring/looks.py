"""Snapshots of one bus, made by hand, and somebody who looks at them once a second."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from eventbus_core.monitoring import (
    BusSnapshot,
    BusView,
    ChannelKind,
    ConsumerSnapshot,
    DeadLettersSnapshot,
    EventMode,
    Finding,
    GroupSnapshot,
    GroupView,
    InstanceSnapshot,
    InstanceView,
    JournalEntry,
    ServerSnapshot,
    SharedOptions,
    StreamSnapshot,
    StreamView,
    Subscription,
    Thresholds,
    Watch,
)

T0: Final = 1_767_225_600_000
"""The first look, by the store's clock."""
LEASE: Final = 10.0


def stream(event: str = "paid", **changes: Any) -> StreamSnapshot:
    """A work stream with nothing in it."""
    told = {
        "kind": ChannelKind.WORK, "name": event, "length": 0, "bytes": 0, "added": 0, "backlog": 0,
        "oldest_ms": None, "newest_ms": None,
    }  # fmt: skip
    return StreamSnapshot(**{**told, **changes})


def inbox_stream(id: str, **changes: Any) -> StreamSnapshot:
    return stream(id, kind=ChannelKind.INBOX, **changes)


def broadcasts(**changes: Any) -> StreamSnapshot:
    return stream("", kind=ChannelKind.BROADCAST, **changes)


def group(name: str = "billing", event: str = "paid", **changes: Any) -> GroupSnapshot:
    """A group without members that has handled everything."""
    told = {
        "kind": ChannelKind.WORK, "event": event, "name": name, "lag": 0, "pending": 0,
        "waiting": 0, "delayed": 0, "settled": 0, "oldest_pending_ms": None, "consumers": (),
        "last_member_ms": None,
    }  # fmt: skip
    return GroupSnapshot(**{**told, **changes})


def inbox_group(id: str, **changes: Any) -> GroupSnapshot:
    return group(id, "", kind=ChannelKind.INBOX, **changes)


def holder(id: str, pending: int = 0, *, alive: bool = True) -> ConsumerSnapshot:
    """The share of an instance that `instance` made."""
    return ConsumerSnapshot(incarnation=f"{id}-1", instance=id, alive=alive, pending=pending)


def instance(
    id: str = "a",
    *,
    work: Sequence[tuple[str, str]] = (("paid", "billing"),),
    age: float = 0.0,
    **changes: Any,
) -> InstanceSnapshot:
    """One that lives; `work`: events and groups; `age`: seconds since its heartbeat."""
    told = {
        "id": id, "incarnation": f"{id}-1", "fixed": False, "role": "both", "group": "billing",
        "host": "h1", "pid": 7, "version": "0.1.0", "started_ms": T0 - 60_000, "lease": LEASE,
        "lease_left": LEASE - age, "options": SharedOptions(), "behind": 0, "pending": 0,
        "vitals": None,
        "subscriptions": tuple(Subscription(EventMode.ANYCAST, *each) for each in work),
    }  # fmt: skip
    return InstanceSnapshot(**{**told, **changes})


def entry(kind: str, at: float = 0.0, **details: str) -> JournalEntry:
    """`at`: seconds after T0. A trailing underscore of a detail's name is left out."""
    named = {name.rstrip("_"): text for name, text in details.items()}
    return JournalEntry(at_ms=T0 + round(at * 1000), kind=kind, details=named)


def letters(count: int | None = 0, newest_ms: int | None = None) -> DeadLettersSnapshot:
    return DeadLettersSnapshot(count=count, oldest_ms=newest_ms, newest_ms=newest_ms)


EMPTY: Final = BusSnapshot(
    bus="shop",
    at_ms=T0,
    streams=(),
    groups=(),
    instances=(),
    absent=(),
    dead_letters=letters(),
    totals={},
    journal=(),
    options=SharedOptions(),
    server=ServerSnapshot(
        product="valkey",
        version="9.1",
        where="h:1",
        used_bytes=1,
        max_bytes=0,
        clients=1,
        uptime=9.0,
    ),
)


class Looker:
    """Shows a Watch one snapshot after the other."""

    def __init__(self, **thresholds: Any) -> None:
        self.watch = Watch(Thresholds(**thresholds))
        self.now = 1000.0
        self.at = 0.0
        """Seconds after T0."""

    def look(
        self,
        *,
        after: float = 1.0,
        poll_seconds: float = 0.01,
        interval: float = 1.0,
        wall_ms: int | None = None,
        **told: Any,
    ) -> BusView:
        """`after` seconds later the bus is empty but for what is told."""
        self.now += after
        self.at += after
        return self.watch.see(
            replace(EMPTY, at_ms=self.at_ms, **told),
            now=self.now,
            poll_seconds=poll_seconds,
            interval=interval,
            wall_ms=wall_ms,
        )

    @property
    def at_ms(self) -> int:
        return T0 + round(self.at * 1000)

    def ms(self, ago: float) -> int:
        """`ago` seconds before the look that comes next, when that is one second later."""
        return self.at_ms + round((1.0 - ago) * 1000)


def found(view: BusView, code: str) -> list[Finding]:
    return [finding for finding in view.findings if finding.code == code]


def the(view: BusView, code: str) -> Finding:
    """The only finding of that code."""
    (finding,) = found(view, code)
    return finding


def codes(view: BusView) -> list[str]:
    return [finding.code for finding in view.findings]


def stream_view(view: BusView, key: str) -> StreamView:
    return {each.key: each for each in view.streams}[key]


def group_view(view: BusView, key: str = "work paid billing") -> GroupView:
    return {each.key: each for each in view.groups}[key]


def instance_view(view: BusView, id: str = "a") -> InstanceView:
    """Of an instance that `instance` made."""
    return {each.key: each for each in view.instances}[f"{id}-1"]
