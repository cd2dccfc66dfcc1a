"""What faults reach for inside the memory transport."""

from typing import Any

from .base import BrokenSession, BrokenTransport


def bus_of(broken: BrokenSession | BrokenTransport) -> Any:
    """The StoredBus behind a session or a transport; of a transport only after a join."""
    if isinstance(broken, BrokenSession):
        return broken.inner._bus
    return broken.inner.store.bus(broken.inner._bus)


def presence_of(session: BrokenSession) -> Any:
    """The Presence of a session."""
    return session.inner._presence


def now(broken: BrokenSession | BrokenTransport) -> float:
    """The time on the store's clock."""
    return float(bus_of(broken).clock.monotonic())


def groups_of(bus: Any) -> list[Any]:
    """The queues of all groups."""
    return [group for stream in bus.streams.values() for group in stream.groups.values()]


def queues_of(bus: Any) -> list[Any]:
    """All queues: of groups and inboxes."""
    return [*groups_of(bus), *bus.inboxes.values()]
