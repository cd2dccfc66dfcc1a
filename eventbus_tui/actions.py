"""The only way to change anything: refused here, below every screen, and written down."""

import contextlib
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from eventbus_core.monitoring import EventBusError, Monitor, TransportUnavailableError

from .redact import describe

Kind: TypeAlias = Literal["redrive", "discard", "drop_group"]


class ActionRefusedError(EventBusError):
    """An action is not allowed here; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What became of one action."""

    done: int
    gone: int
    """Those that were not there any more."""
    failed: tuple[str, ...]
    """A line for each that could not be done, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One action that somebody asked for."""

    time: str
    """By this machine's clock, ISO 8601 with the offset from UTC."""
    kind: Kind
    bus: str
    what: tuple[str, ...]
    """Ids of dead letters, or ``GROUP@EVENT``."""
    result: str
    user: str
    """Who asked, as the environment tells."""


class AuditFile:
    """Appends one line of JSON for each entry; only its owner may read a file that it makes."""

    def __init__(self, path: str) -> None:
        """Raises OSError when it cannot be written to."""
        self._path = path
        self._append("")

    def __call__(self, entry: AuditEntry) -> None:
        self._append(json.dumps(asdict(entry)) + "\n")

    def _append(self, line: str) -> None:
        # One write of one line, so that several monitors can share a file.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


class Actions:
    """Redrive, discard and drop on the store of one monitor, if that is allowed."""

    def __init__(
        self,
        monitor: Monitor,
        *,
        allowed: bool,
        audit: Callable[[AuditEntry], None],
        audit_file: str = "",
    ) -> None:
        """`audit` is told of each action after it, also of refused and cancelled ones. With the
        name of an `audit_file` nothing is done that could not be written down there."""
        self._monitor = monitor
        self._allowed = allowed
        self._audit = audit
        self._audit_file = audit_file

    def refusal(self, kind: Kind) -> str | None:
        """Why this cannot be done; None when it can."""
        if self._monitor.recorded:
            return f"{kind} is not possible in a recording: it shows what was"
        if not self._allowed:
            return f"{kind} is refused: this monitor is read-only; start it with --allow-actions"
        if not self._monitor.capabilities.actions:
            return f"{kind} is not possible: this transport does not declare the capability actions"
        return None

    async def redrive(self, bus: str, ids: Sequence[str]) -> ActionResult:
        """Give dead letters again to those they belong to, one after the other. What fails does
        not stop the rest, except when the store is gone. Raises ActionRefusedError."""
        monitor = self._monitor
        return await self._each("redrive", bus, ids, lambda id: monitor.redrive(bus, id))

    async def discard(self, bus: str, ids: Sequence[str]) -> ActionResult:
        """Delete dead letters; otherwise as `redrive`."""
        monitor = self._monitor
        return await self._each("discard", bus, ids, lambda id: monitor.discard(bus, id))

    async def drop_group(self, bus: str, event: str, group: str) -> ActionResult:
        """Remove a group without a live member. Raises ActionRefusedError."""
        monitor = self._monitor

        async def drop(name: str) -> bool:
            if not await monitor.drop_group(bus, event, group):
                raise EventBusError("there is no such group any more, or somebody works in it")
            return True

        return await self._each("drop_group", bus, [f"{group}@{event}"], drop)

    async def _each(
        self, kind: Kind, bus: str, names: Sequence[str], step: Callable[[str], Awaitable[bool]]
    ) -> ActionResult:
        write = self._permit(kind, bus, names)
        done, gone, failed = 0, 0, list[str]()
        ending = "interrupted"
        try:
            for name in names:
                try:
                    if await step(name):
                        done += 1
                    else:
                        gone += 1
                except TransportUnavailableError as exc:
                    failed.append(f"{name}: {describe(exc)}")
                    if missing := len(names) - done - gone - len(failed):
                        failed.append(f"{missing} more were not tried")
                    break
                except Exception as exc:  # told to the user; the rest goes on
                    failed.append(f"{name}: {describe(exc)}")
            ending = ""
        finally:
            gone_text = f"{gone} gone" if gone else ""
            result = "; ".join(filter(None, (f"{done} done", gone_text, *failed, ending)))
            entry = _entry(kind, bus, names, result)
            try:
                write(entry)
            except OSError as exc:  # it could be written a moment ago: the disk is full
                failed.append(f"not written to the audit file: {describe(exc)}")
            self._audit(entry)
        return ActionResult(done=done, gone=gone, failed=tuple(failed))

    def _permit(self, kind: Kind, bus: str, names: Sequence[str]) -> Callable[[AuditEntry], None]:
        """Where the action is written down. Raises ActionRefusedError."""
        why, write = self.refusal(kind), _nowhere
        if self._audit_file:
            try:
                write = AuditFile(self._audit_file)
            except OSError as exc:
                why = why or f"{kind} is refused: the audit file cannot be written: {describe(exc)}"
        if why is None:
            return write
        entry = _entry(kind, bus, names, f"refused: {why}")
        with contextlib.suppress(OSError):
            write(entry)
        self._audit(entry)
        raise ActionRefusedError(why)


def _nowhere(entry: AuditEntry) -> None:
    """There is no audit file."""


def _entry(kind: Kind, bus: str, names: Sequence[str], result: str) -> AuditEntry:
    now = time.time()
    stamp = time.strftime(f"%Y-%m-%dT%H:%M:%S.{int(now % 1 * 1000):03d}%z", time.localtime(now))
    return AuditEntry(
        time=stamp, kind=kind, bus=bus, what=tuple(names), result=result, user=_user()
    )


def _user() -> str:
    for name in ("SUDO_USER", "USER", "LOGNAME"):
        if value := os.environ.get(name):
            return value
    return str(os.getuid()) if hasattr(os, "getuid") else ""
