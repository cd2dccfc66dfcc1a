"""Finding and loading plug-ins. One that is broken never breaks another."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from typing import Any

import pluggy

from . import hooks
from .capabilities import Capabilities
from .errors import EventBusError, InvalidOptionError, PluginLoadError, UnknownTransportError
from .hooks import Opening
from .transport import Transport


def installed_schemes() -> tuple[str, ...]:
    """Schemes of all installed transports, sorted; imports none of them."""
    return tuple(sorted({entry.name for entry in _entry_points()}))


def open_transport(target: object, *, bus: str, io_timeout: float) -> Transport:
    """Build the transport for a URL or a typed config. Imports only its own plug-in.

    Raises InvalidOptionError, UnknownTransportError or PluginLoadError.
    """
    scheme = _scheme(target)
    manager = _load(scheme)
    opening = Opening(target=target, scheme=scheme, bus=bus, io_timeout=io_timeout)
    try:
        transport = manager.hook.eventbus_open_transport(opening=opening)
    except EventBusError:
        raise
    except Exception as exc:  # third-party code may raise anything
        raise PluginLoadError(scheme, f"{type(exc).__name__} while opening it") from exc
    if transport is None:
        raise PluginLoadError(scheme, "it does not implement eventbus_open_transport")
    checked: Transport = transport
    return checked


def capabilities_of(scheme: str) -> Capabilities:
    """What the transport of `scheme` declares. Raises like `open_transport`."""
    declared = _load(scheme).hook.eventbus_capabilities()
    if not isinstance(declared, Capabilities):
        raise PluginLoadError(scheme, "it does not implement eventbus_capabilities")
    return declared


def observer_manager(plugins: Iterable[object]) -> pluggy.PluginManager:
    """Register the observers of one bus. Raises PluginLoadError for one that is no plug-in."""
    manager = _manager()
    for plugin in plugins:
        _register(manager, plugin, getattr(plugin, "__name__", type(plugin).__name__))
    return manager


def _scheme(target: object) -> str:
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
    return importlib.metadata.entry_points(group=hooks.ENTRY_POINT_GROUP)


def _load(scheme: str) -> pluggy.PluginManager:
    entries = [entry for entry in _entry_points() if entry.name == scheme]
    if not entries:
        raise UnknownTransportError(scheme, installed=installed_schemes())
    try:
        plugin = entries[0].load()
    except Exception as exc:  # third-party code may raise anything on import
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
