"""Opens what is to be looked at: a store, a demonstration, or a recording."""

from contextlib import ExitStack

from eventbus_core.monitoring import (
    EventBusError,
    Monitor,
    TransportUnavailableError,
    open_monitor,
    open_replay,
    record,
)

from .actions import AuditFile
from .redact import describe, hide_before_at
from .settings import Settings
from .usage import UsageError

_NO_URL = (
    "what to monitor? Give the URL of the store, as redis://localhost:6379/0, or set "
    "$EVENTBUS_URL, or put it into a file for --url-file. --demo needs none"
)


def open_target(settings: Settings, stack: ExitStack) -> tuple[Monitor, str]:
    """The monitor, and the bus to show (empty: to be chosen). `stack` stops what was started.

    Raises UsageError when the settings name nothing that can be monitored, and
    TransportUnavailableError when the store of a demonstration does not start."""
    try:
        if settings.demo:
            monitor, bus = _demo(settings, stack)
        elif settings.replay:
            # A report is of the end of a recording, so there is nothing to wait for.
            speed = 0.0 if settings.once else settings.speed
            monitor, bus = open_replay(settings.replay, speed=speed), settings.bus
        else:
            monitor, bus = _store(settings.url), settings.bus
        return (record(monitor, settings.record) if settings.record else monitor), bus
    except TransportUnavailableError:
        raise
    except EventBusError as exc:
        raise UsageError(hide_before_at(describe(exc))) from None


def _demo(settings: Settings, stack: ExitStack) -> tuple[Monitor, str]:
    from eventbus_core.demo import open_demo

    demo = stack.enter_context(open_demo(scenario=settings.scenario, seed=settings.seed))
    return open_monitor(demo.url), demo.bus


def _store(url: str) -> Monitor:
    if not url:
        raise UsageError(_NO_URL)
    monitor = open_monitor(url)
    if not monitor.capabilities.shared:
        scheme = url.partition("://")[0]
        raise UsageError(
            f"what is in a {scheme}:// store is visible only inside the process that made it, and "
            "this is another one. Open a monitor in that process, with "
            "eventbus_core.monitoring.open_monitor, or try --demo"
        )
    return monitor


def check_audit_file(settings: Settings) -> None:
    """Raises UsageError when actions are to be written down and cannot be: better now than when
    one is needed."""
    if settings.allow_actions and settings.audit_file:
        try:
            AuditFile(settings.audit_file)
        except OSError as exc:
            raise UsageError(f"the audit file cannot be written: {describe(exc)}") from None
