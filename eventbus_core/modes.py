"""The three delivery modes."""

from enum import StrEnum


class EventMode(StrEnum):
    """How a message finds its handlers (DESIGN section 4)."""

    BROADCAST = "broadcast"
    """Every instance subscribed to the event, the sender too."""
    UNICAST = "unicast"
    """The one instance whose id is the target."""
    ANYCAST = "anycast"
    """In each group, one of the instances subscribed to the event."""
