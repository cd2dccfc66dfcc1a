"""The plug-in of the schemes redis, rediss, unix, valkey and valkeys."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from eventbus_core.capabilities import Capabilities
from eventbus_core.errors import InvalidOptionError
from eventbus_core.hooks import Opening, hookimpl

from .capabilities import CAPABILITIES
from .config import RedisConfig

if TYPE_CHECKING:
    from eventbus_core.monitor_source import MonitorSource
    from eventbus_core.transport import Transport

    from .embedded import EmbeddedServer


@hookimpl
def eventbus_capabilities() -> Capabilities:
    return CAPABILITIES


@hookimpl
def eventbus_open_transport(opening: Opening) -> "Transport":
    # Imported here, so that asking for the capabilities loads no client library.
    # The client itself too: a bus connects at once, and its loop should not wait for that.
    from . import connecting  # noqa: F401
    from .transport import RedisTransport

    return RedisTransport(_config(opening), bus=opening.bus, io_timeout=opening.io_timeout)


@hookimpl
def eventbus_open_monitor(opening: Opening) -> "MonitorSource":
    from .monitor import RedisMonitor

    return RedisMonitor(_config(opening), io_timeout=opening.io_timeout)


@hookimpl
def eventbus_open_embedded() -> AbstractContextManager[str]:
    from .embedded import EmbeddedServer

    return _url_of(EmbeddedServer())


@contextmanager
def _url_of(server: "EmbeddedServer") -> Iterator[str]:
    with server:
        yield server.url


def _config(opening: Opening) -> RedisConfig:
    if isinstance(opening.target, RedisConfig):
        return opening.target
    if isinstance(opening.target, str):
        return RedisConfig.from_url(opening.target)
    raise InvalidOptionError(
        f"the Redis transport takes a URL or a RedisConfig, not {type(opening.target).__name__}"
    )
