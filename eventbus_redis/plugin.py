"""The plug-in of the schemes redis, rediss, unix, valkey and valkeys."""

from typing import TYPE_CHECKING

from eventbus_core.capabilities import Capabilities
from eventbus_core.errors import InvalidOptionError
from eventbus_core.hooks import Opening, hookimpl

from .capabilities import CAPABILITIES
from .config import RedisConfig

if TYPE_CHECKING:
    from eventbus_core.transport import Transport


@hookimpl
def eventbus_capabilities() -> Capabilities:
    return CAPABILITIES


@hookimpl
def eventbus_open_transport(opening: Opening) -> "Transport":
    # Imported here, so that asking for the capabilities loads no client library.
    from .transport import RedisTransport

    if isinstance(opening.target, RedisConfig):
        config = opening.target
    elif isinstance(opening.target, str):
        config = RedisConfig.from_url(opening.target)
    else:
        raise InvalidOptionError(
            f"the Redis transport takes a URL or a RedisConfig, not {type(opening.target).__name__}"
        )
    return RedisTransport(config, bus=opening.bus, io_timeout=opening.io_timeout)
