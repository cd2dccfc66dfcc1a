"""What the feed tells the screens after every look, or failed look. Pure."""

from dataclasses import dataclass
from typing import Literal

from eventbus_core.monitoring import BusView


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How it stands with the store."""

    state: Literal["connecting", "live", "lost", "ended"]
    """``ended``: a recording has been played to its end."""
    error: str = ""
    """Of the last failed look; never with a password."""
    attempts: int = 0
    """Failed looks in a row."""
    retry_at: float | None = None
    """When the next look is, by the monotonic clock."""
    seen_at: float | None = None
    """When the last successful look was, by the monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The newest that is known. While the link is lost the last view stays."""

    view: BusView | None
    link: Link
    bus: str
    """The bus looked at; empty before one is chosen."""
    buses: tuple[str, ...]
    interval: float
    """Seconds between looks."""
    sequence: int
    """Grows with each look that brought something."""
