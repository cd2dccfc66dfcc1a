"""The hooks of the pluggy project ``eventbus``.

A transport plug-in is a module named by an entry point of group ``eventbus`` whose name is the URL
scheme; it implements the first two hooks, the third if it can be monitored, and the fourth if it
brings a server. Observers are objects passed as ``plugins=[...]`` to one bus, never switched on by
being installed; they implement the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

if TYPE_CHECKING:
    from .capabilities import Capabilities
    from .monitor_source import MonitorSource
    from .transport import Transport

PROJECT = "eventbus"
ENTRY_POINT_GROUP = "eventbus"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Opening(NamedTuple):
    """What a plug-in is given to build a transport or a monitor."""

    target: Any
    """The URL, or the typed config that the user passed instead."""
    scheme: str
    bus: str
    """Name of the bus; empty for a monitor, which looks at any."""
    io_timeout: float
    """Seconds after which a call to the store without an answer has failed."""


@hookspec(firstresult=True)
def eventbus_open_transport(opening: Opening) -> Transport:
    """Build the transport for `opening`, without I/O.

    Raises InvalidOptionError when the URL or config is wrong; the text must not hold a password.
    """
    raise NotImplementedError  # a specification; pluggy never calls it


@hookspec(firstresult=True)
def eventbus_capabilities() -> Capabilities:
    """What transports of this plug-in can do, known without opening one."""
    raise NotImplementedError  # a specification; pluggy never calls it


@hookspec(firstresult=True)
def eventbus_open_monitor(opening: Opening) -> MonitorSource:
    """Build what `open_monitor` reads, without I/O. Only of transports that declare `monitoring`.

    Raises InvalidOptionError when the URL or config is wrong; the text must not hold a password.
    """
    raise NotImplementedError  # a specification; pluggy never calls it


@hookspec(firstresult=True)
def eventbus_open_embedded() -> AbstractContextManager[str]:
    """A server of its own, for demonstrations and tests: the context gives its URL, and at its end
    the server is gone with its data, even if this process is killed (as far as the system allows).

    Raises UnsupportedError when what it needs is not installed; entering the context raises
    TransportUnavailableError when the server does not start.
    """
    raise NotImplementedError  # a specification; pluggy never calls it


@hookspec
def eventbus_incident(bus: str, instance: str, kind: str, details: Mapping[str, str]) -> None:
    """Something exceptional happened here: a retry, dead letter, takeover, fencing, loss, change
    of the store's state. Called on the bus's loop: return quickly. What it raises is logged."""
