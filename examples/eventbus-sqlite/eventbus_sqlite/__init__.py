"""The plug-in behind ``sqlite:///relative.db`` and ``sqlite:////absolute/path.db``."""

from urllib.parse import unquote

from eventbus_core import Capabilities, InvalidOptionError, hookimpl
from eventbus_core.authoring import TransactionalMonitor, TransactionalTransport
from eventbus_core.hooks import Opening

from .file import SqliteFile

CAPABILITIES = Capabilities(
    durable=True, shared=True, failover=True, redrive=True, monitoring=True, actions=True
)


@hookimpl
def eventbus_capabilities() -> Capabilities:
    """What every SQLite transport can do."""
    return CAPABILITIES


@hookimpl
def eventbus_open_transport(opening: Opening) -> TransactionalTransport:
    """Build the transport for a URL."""
    return TransactionalTransport(_file(opening, create=True), opening.bus, CAPABILITIES)


@hookimpl
def eventbus_open_monitor(opening: Opening) -> TransactionalMonitor:
    """Build what a monitor reads."""
    return TransactionalMonitor(_file(opening, create=False))


def _file(opening: Opening, *, create: bool) -> SqliteFile:
    _, _, path = str(opening.target).partition(":///")
    if path in ("", ":memory:") or "?" in path or "#" in path:
        raise InvalidOptionError("write sqlite:///relative.db or sqlite:////absolute/path.db")
    return SqliteFile(unquote(path), opening.io_timeout, create=create)
