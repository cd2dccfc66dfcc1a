"""What the user wants, and where each part of it was said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from eventbus_core.monitoring import Thresholds

from .table import Level

NOWHERE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every option. Those that are empty are not given."""

    url: str = field(default="", repr=False)
    """May hold a password: never to be shown."""
    bus: str = ""
    interval: float = 1.0
    """Seconds between two looks."""
    filter: str = ""
    screen: str = "overview"
    theme: str = "dark"
    ascii: bool = False
    mouse: bool = True
    badge: str = ""
    badge_level: Level = "warn"
    audit_file: str = ""
    allow_actions: bool = False
    once: bool = False
    json: bool = False
    watch: float = 0.0
    """Seconds between two reports; 0: none but the screen."""
    record: str = ""
    replay: str = ""
    speed: float = 1.0
    """Recorded seconds that a second of replay shows."""
    demo: bool = False
    scenario: str = "tour"
    seed: int = 0
    thresholds: Thresholds = field(default_factory=Thresholds)
    origins: Mapping[str, str] = field(default_factory=lambda: NOWHERE)
    """Where an option that is not the default was said, by its name; a threshold as
    ``thresholds.NAME``."""
