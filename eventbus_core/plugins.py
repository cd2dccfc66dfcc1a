"""Finding and loading plug-ins. One that is broken never breaks another."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, NamedTuple

import pluggy

from . import hooks
from .capabilities import Capabilities
from .errors import (
    EventBusError,
    InvalidOptionError,
    PluginLoadError,
    UnknownTransportError,
    UnsupportedError,
)
from .hooks import Opening
from .monitor_source import MonitorSource
from .transport import Transport


def installed_schemes() -> tuple[str, ...]:
    """Schemes of all installed transports, sorted; imports none of them."""
    return tuple(sorted({entry.name for entry in _entry_points()}))


class InstalledTransport(NamedTuple):
    """One scheme, as ``python -m eventbus_core transports`` shows it."""

    scheme: str
    provider: str
    """The distribution that it comes from."""
    capabilities: Capabilities | None
    problem: str
    """Why it cannot be used; empty when it can."""


def installed_transports() -> tuple[InstalledTransport, ...]:
    """Every installed transport, also those that cannot be loaded. Imports all of them."""
    return tuple(map(_installed, installed_schemes()))


def _installed(scheme: str) -> InstalledTransport:
    entries = [entry for entry in _entry_points() if entry.name == scheme]
    provider = ", ".join(sorted({_provider(entry) for entry in entries}))
    try:
        return InstalledTransport(scheme, provider, capabilities_of(scheme), "")
    except EventBusError as exc:
        return InstalledTransport(scheme, provider, None, str(exc))


def open_transport(target: object, *, bus: str, io_timeout: float) -> Transport:
    """Build the transport for a URL or a typed config. Imports only its own plug-in.

    Raises InvalidOptionError, UnknownTransportError or PluginLoadError.
    """
    transport: Transport = _open("eventbus_open_transport", target, bus, io_timeout)
    return transport


def open_monitor_source(target: object, *, io_timeout: float) -> MonitorSource:
    """Build what a monitor reads, for a URL or a typed config. Imports only its own plug-in.

    Raises like `open_transport`. Ask first whether it declares `monitoring`.
    """
    source: MonitorSource = _open("eventbus_open_monitor", target, "", io_timeout)
    return source


def capabilities_of(scheme: str) -> Capabilities:
    """What the transport of `scheme` declares. Raises like `open_transport`."""
    declared = _call(scheme, "eventbus_capabilities")
    if not isinstance(declared, Capabilities):
        raise PluginLoadError(scheme, "eventbus_capabilities must return a Capabilities")
    return declared


def open_embedded(scheme: str) -> AbstractContextManager[str]:
    """A server that the plug-in of `scheme` brings along; the context gives its URL. Raises like
    `open_transport`, and UnsupportedError where there is none."""
    if not _load(scheme).hook.eventbus_open_embedded.get_hookimpls():
        raise UnsupportedError(f"the transport {scheme!r} brings no server of its own")
    server: AbstractContextManager[str] = _call(scheme, "eventbus_open_embedded")
    return server


def _open(hook: str, target: object, bus: str, io_timeout: float) -> Any:
    scheme = scheme_of(target)
    opening = Opening(target=target, scheme=scheme, bus=bus, io_timeout=io_timeout)
    return _call(scheme, hook, opening=opening)


def _call(scheme: str, hook: str, **arguments: Any) -> Any:
    manager = _load(scheme)
    try:
        result = getattr(manager.hook, hook)(**arguments)
    except EventBusError:
        raise
    except Exception as exc:  # third-party code may raise anything
        # Not its text: it may quote the URL, and so a password.
        raise PluginLoadError(scheme, f"{type(exc).__name__} in its {hook}") from exc
    if result is None:
        raise PluginLoadError(scheme, f"it does not implement {hook}")
    return result


def observer_manager(plugins: Iterable[object]) -> pluggy.PluginManager:
    """Register the observers of one bus. Raises PluginLoadError for one that is no plug-in."""
    manager = _manager()
    for plugin in plugins:
        _register(manager, plugin, getattr(plugin, "__name__", type(plugin).__name__))
    return manager


def scheme_of(target: object) -> str:
    """The scheme that picks the plug-in of a URL or a typed config. Raises InvalidOptionError."""
    if isinstance(target, str):
        scheme, separator, _ = target.partition("://")
        if not separator or not scheme:
            # Not the URL itself in the text: it may hold a password.
            raise InvalidOptionError(
                "the transport URL has no scheme; write it like redis://localhost:6379/0 "
                "or memory://"
            )
        return scheme.lower()
    scheme_of_config = getattr(target, "scheme", None)
    if isinstance(scheme_of_config, str):
        return scheme_of_config
    raise InvalidOptionError(
        f"a transport is a URL or a typed config such as RedisConfig, not {type(target).__name__}"
    )


def _entry_points() -> Iterable[importlib.metadata.EntryPoint]:
    return _entry_points_on(tuple(sys.path))


@lru_cache(maxsize=4)
def _entry_points_on(path: tuple[str, ...]) -> Iterable[importlib.metadata.EntryPoint]:
    # Kept, since looking through an environment takes milliseconds; `path` is where it looks.
    return importlib.metadata.entry_points(group=hooks.ENTRY_POINT_GROUP)


def _entry_point(scheme: str) -> importlib.metadata.EntryPoint:
    entries = [entry for entry in _entry_points() if entry.name == scheme]
    if not entries:
        raise UnknownTransportError(scheme, installed=installed_schemes())
    # The same one may be found twice, as in an environment on top of another.
    if len({entry.value for entry in entries}) > 1:
        owners = ", ".join(sorted({_provider(entry) for entry in entries}))
        raise PluginLoadError(scheme, f"{owners} all provide it; uninstall all but one")
    return entries[0]


def _provider(entry: importlib.metadata.EntryPoint) -> str:
    return "an unknown distribution" if entry.dist is None else entry.dist.name


def _load(scheme: str) -> pluggy.PluginManager:
    try:
        plugin = _entry_point(scheme).load()
    except EventBusError:
        raise
    except (Exception, SystemExit) as exc:  # third-party code may do anything on import
        raise PluginLoadError(scheme, f"{type(exc).__name__}: {exc}") from exc
    manager = _manager()
    _register(manager, plugin, scheme)
    return manager


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def _register(manager: pluggy.PluginManager, plugin: Any, name: str) -> None:
    try:
        manager.register(plugin)
        manager.check_pending()  # a misspelt hook is an error, not a no-op
    except Exception as exc:
        raise PluginLoadError(name, str(exc)) from exc
    if not manager.get_hookcallers(plugin):
        raise PluginLoadError(name, "it implements no hook of the eventbus project")
