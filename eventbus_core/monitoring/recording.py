"""`record`: a monitor that also writes down what it sees."""

import logging
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from .._version import __version__
from ..errors import InvalidOptionError, TransportUnavailableError
from ..monitor_source import MonitorSource
from ..snapshots import BusSnapshot, DeliverySnapshot, StoredMessage
from ..transport import Redriven, StoredDeadLetter
from .monitor import Monitor
from .recording_format import (
    AnyRecord,
    Buses,
    Deliveries,
    Header,
    LetterGone,
    Letters,
    Looks,
    Lost,
    Messages,
)

_log = logging.getLogger(__name__)
_REMEMBERED: Final = 50_000
"""How many messages and dead letters are remembered as written, so that none is written twice
while it stays among the newest."""

T = TypeVar("T")


def record(monitor: Monitor, path: str | os.PathLike[str]) -> Monitor:
    """A monitor of the same store that also writes what it sees to a new file, which only its
    owner may read: it holds the payloads of the messages that were looked at. Passwords of the
    store are never in it.

    When the file cannot be written any more, the recording ends and the monitor goes on; `problem`
    of it says so. Closing it closes `monitor`. Raises InvalidOptionError when the file cannot be
    made; one that exists is not overwritten.
    """
    if monitor.recorded:
        raise InvalidOptionError("a recording cannot be recorded again; copy its file")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidOptionError(
            f"the recording {os.fspath(path)!r} exists; give the name of a new file"
        ) from None
    except OSError as exc:
        raise InvalidOptionError(
            f"the recording {os.fspath(path)!r} cannot be made: {exc.strerror}"
        ) from None
    tape = Tape(descriptor, Path(path), monitor.capabilities.declared())
    return _Recording(monitor, tape)


class Tape:
    """The file. What is written is with the operating system before the call returns."""

    def __init__(self, descriptor: int, path: Path, capabilities: tuple[str, ...]) -> None:
        self._descriptor: int | None = descriptor
        self._path = path
        self._began = time.monotonic()
        self.problem = ""
        """Why nothing is written any more; empty while all is well."""
        made_ms = time.time_ns() // 1_000_000
        self._write(Header(library=__version__, made_ms=made_ms, capabilities=capabilities))

    @property
    def at(self) -> float:
        """Seconds since it began."""
        return round(time.monotonic() - self._began, 6)

    def write(self, record: AnyRecord) -> None:
        self._write(record)

    def _write(self, record: object) -> None:
        if self._descriptor is None:
            return
        line = memoryview(msgspec.json.encode(record) + b"\n")
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as exc:
            self.problem = f"the recording {str(self._path)!r} ended: {exc.strerror}"
            _log.warning("%s", self.problem)
            self.close()

    def close(self) -> None:
        """Idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class _Recording(Monitor):
    def __init__(self, monitor: Monitor, tape: Tape) -> None:
        super().__init__(RecordingSource(monitor._source, tape), monitor.capabilities)
        self._tape = tape

    @property
    def problem(self) -> str:
        return self._tape.problem


class RecordingSource:
    """A MonitorSource that passes everything on to another, and writes down the answers."""

    def __init__(self, source: MonitorSource, tape: Tape) -> None:
        self._source = source
        self._tape = tape
        self._buses: tuple[str, ...] | None = None
        self._looks: dict[str, Looks] = {}
        self._seen: dict[object, None] = {}

    async def buses(self) -> Sequence[str]:
        try:
            names = tuple(await self._source.buses())
        except TransportUnavailableError as exc:
            self._lost(exc)
            raise
        if names != self._buses:
            self._buses = names
            self._tape.write(Buses(at=self._tape.at, names=names))
        return names

    async def snapshot(self, bus: str) -> BusSnapshot:
        try:
            snapshot = await self._source.snapshot(bus)
        except TransportUnavailableError as exc:
            self._lost(exc)
            raise
        looks = self._looks.setdefault(bus, Looks())
        self._tape.write(looks.record(self._tape.at, snapshot))
        return snapshot

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        found = await self._source.messages(bus, limit, since_ms, until_ms)
        if until_ms is None:
            self._write_messages(bus, found)
        # Else somebody looks for one message among thousands; `deliveries` says which it was.
        return found

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        found = await self._source.deliveries(bus, message)
        self._write_messages(bus, [message])
        self._tape.write(
            Deliveries(
                at=self._tape.at,
                bus=bus,
                kind=message.kind,
                name=message.name,
                position=message.position,
                deliveries=tuple(found),
            )
        )
        return found

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        found = await self._source.dead_letters(bus, limit, after, event, group)
        if new := self._new(((bus, each.id), each) for each in found):
            self._tape.write(Letters(at=self._tape.at, bus=bus, letters=new))
        return found

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        result = await self._source.redrive(bus, dead_letter_id)
        if result is not Redriven.NO_OWNER:
            self._gone(bus, dead_letter_id)
        return result

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        result = await self._source.discard(bus, dead_letter_id)
        self._gone(bus, dead_letter_id)
        return result

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        return await self._source.drop_group(bus, event, group)

    async def close(self) -> None:
        self._tape.close()
        await self._source.close()

    def _write_messages(self, bus: str, found: Sequence[StoredMessage]) -> None:
        named = (((bus, each.kind, each.name, each.position), each) for each in found)
        if new := self._new(named):
            self._tape.write(Messages(at=self._tape.at, bus=bus, messages=new))

    def _new(self, named: Iterable[tuple[object, T]]) -> tuple[T, ...]:
        """Those that were not written before; from now on they were."""
        new = []
        for name, each in named:
            if name not in self._seen:
                new.append(each)
                self._seen[name] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return tuple(new)

    def _lost(self, error: TransportUnavailableError) -> None:
        self._tape.write(Lost(at=self._tape.at, error=str(error)))

    def _gone(self, bus: str, letter: str) -> None:
        self._tape.write(LetterGone(at=self._tape.at, bus=bus, id=letter))
