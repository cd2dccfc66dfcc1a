"""Who there is: the instances of a small shop, and the process that each of them runs in."""

from collections.abc import Mapping
from typing import Any, Final

PROCESSES: Final[Mapping[str, tuple[str, ...]]] = {
    "front": ("storefront-1", "pricing-1", "office-1"),
    "back": (
        "billing-1",
        "billing-3",
        "mail-1",
        "shipping-1",
        "search-1",
        "images-1",
        "printer-1",
    ),
    "billing-2": ("billing-2",),
    "shipping-2": ("shipping-2",),
}
"""Processes by name. Those that get killed hold one instance, of the same name."""

VICTIMS: Final = ("billing-2", "shipping-2")

LEASE: Final = 2.5
HEARTBEAT: Final = 0.6
"""Short, so that a death is seen soon."""

OPTIONS: Final[Mapping[str, Any]] = {
    "lease": LEASE,
    "heartbeat_interval": HEARTBEAT,
    "message_retention": 120.0,
    "max_message_count": 2_000,
    "max_backlog": 5_000,
    "stream_ttl": 60.0,
    "backlog_ttl": 60.0,
    "dead_letter_retention": 3_600.0,
    "drain_timeout": 0.5,
    "publish_timeout": 2.0,
}
"""Of every instance. The TTLs are short: on a server that is not ours, what a killed demonstration
leaves behind is soon gone."""


def trade_of(instance: str) -> str:
    """What an instance does: ``billing`` for ``billing-2``."""
    return instance.rpartition("-")[0]


def colleagues_of(instance: str) -> tuple[str, ...]:
    """Who else has its trade."""
    everyone = (each for instances in PROCESSES.values() for each in instances)
    return tuple(x for x in everyone if trade_of(x) == trade_of(instance) and x != instance)


def process_of(instance: str) -> str:
    """The process that it runs in."""
    return next(name for name, instances in PROCESSES.items() if instance in instances)
