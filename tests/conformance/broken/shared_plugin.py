"""The plug-in of ``broken-shared://FAULT/path/to/file``: a fault on the SQLite transport, for what
takes several processes to show."""

from typing import Any
from urllib.parse import urlsplit

from eventbus_core import plugins
from eventbus_core.capabilities import Capabilities
from eventbus_core.hooks import Opening, hookimpl

from .base import BrokenTransport
from .plugin import open_broken, open_broken_monitor


def _inner_url(opening: Opening) -> str:
    return f"sqlite:///{urlsplit(opening.target).path}"


@hookimpl
def eventbus_open_transport(opening: Opening) -> BrokenTransport:
    return open_broken(opening, _inner_url(opening))


@hookimpl
def eventbus_capabilities() -> Capabilities:
    return plugins.capabilities_of("sqlite")


@hookimpl
def eventbus_open_monitor(opening: Opening) -> Any:
    return open_broken_monitor(opening, _inner_url(opening))
