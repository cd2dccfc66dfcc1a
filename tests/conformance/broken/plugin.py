"""The plug-in of ``broken://FAULT``: a fault on the memory transport."""

from typing import Any
from urllib.parse import urlsplit

from eventbus_core import plugins
from eventbus_core.capabilities import Capabilities
from eventbus_core.hooks import Opening, hookimpl

from . import faults
from .base import BrokenTransport


def open_broken(opening: Opening, inner_url: str) -> BrokenTransport:
    """The good transport behind `inner_url`, with the fault that the opened URL names."""
    inner = plugins.open_transport(inner_url, bus=opening.bus, io_timeout=opening.io_timeout)
    return faults.FAULTS[urlsplit(opening.target).netloc](inner, opening.bus)


def open_broken_monitor(opening: Opening, inner_url: str) -> Any:
    """Its monitor, with the fault in it if there is one."""
    wrap = faults.FAULTS[urlsplit(opening.target).netloc].monitor
    source = plugins.open_monitor_source(inner_url, io_timeout=opening.io_timeout)
    return source if wrap is None else wrap(source)


def _inner_url(opening: Opening) -> str:
    return f"memory://broken-{urlsplit(opening.target).netloc}"


@hookimpl
def eventbus_open_transport(opening: Opening) -> BrokenTransport:
    return open_broken(opening, _inner_url(opening))


@hookimpl
def eventbus_capabilities() -> Capabilities:
    return plugins.capabilities_of("memory")


@hookimpl
def eventbus_open_monitor(opening: Opening) -> Any:
    return open_broken_monitor(opening, _inner_url(opening))
