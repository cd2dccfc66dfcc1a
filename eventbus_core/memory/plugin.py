"""The plug-in behind ``memory://``."""

from ..capabilities import Capabilities
from ..errors import InvalidOptionError
from ..hooks import Opening, hookimpl
from .config import MemoryConfig, config_of_url
from .monitor import MemoryMonitor
from .store import MemoryStore
from .transport import CAPABILITIES, MemoryTransport


@hookimpl
def eventbus_open_transport(opening: Opening) -> MemoryTransport:
    """Build the transport for a memory URL or a MemoryConfig."""
    return MemoryTransport(_store_of(opening), opening.bus)


@hookimpl
def eventbus_capabilities() -> Capabilities:
    """What every memory transport can do."""
    return CAPABILITIES


@hookimpl
def eventbus_open_monitor(opening: Opening) -> MemoryMonitor:
    """Build what a monitor reads; it sees the buses of this process only."""
    return MemoryMonitor(_store_of(opening))


def _store_of(opening: Opening) -> MemoryStore:
    target = opening.target
    if isinstance(target, str):
        target = config_of_url(target)
    if not isinstance(target, MemoryConfig):
        raise InvalidOptionError(f"expected a MemoryConfig, not {type(target).__name__}")
    return MemoryStore.named(target.name, target.clock)
