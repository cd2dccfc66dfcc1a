"""The plug-in behind ``memory://``."""

from ..capabilities import Capabilities
from ..errors import InvalidOptionError
from ..hooks import Opening, hookimpl
from .config import MemoryConfig, config_of_url
from .store import MemoryStore
from .transport import CAPABILITIES, MemoryTransport


@hookimpl
def eventbus_open_transport(opening: Opening) -> MemoryTransport:
    """Build the transport for a memory URL or a MemoryConfig."""
    target = opening.target
    if isinstance(target, str):
        target = config_of_url(target)
    if not isinstance(target, MemoryConfig):
        raise InvalidOptionError(f"expected a MemoryConfig, not {type(target).__name__}")
    return MemoryTransport(MemoryStore.named(target.name, target.clock), opening.bus)


@hookimpl
def eventbus_capabilities() -> Capabilities:
    """What every memory transport can do."""
    return CAPABILITIES
