"""`open_monitor` and what it gives: the buses of one store, seen from outside."""

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Self, TypeVar

from ..capabilities import Capabilities
from ..dead_letters import MAX_LIMIT, check_limit, public_dead_letter, was_redriven
from ..durations import seconds
from ..envelope import unpack
from ..errors import DecodeError, InvalidMessageError, InvalidOptionError
from ..ids import made_at
from ..message import DeadLetter
from ..modes import EventMode
from ..monitor_source import MonitorSource
from ..names import check_event, check_option_name
from ..plugins import capabilities_of, open_monitor_source, scheme_of
from ..snapshots import (
    BusSnapshot,
    DeliverySnapshot,
    StoredMessage,
)
from ..transport import ChannelKind

R = TypeVar("R")
P = ParamSpec("P")
_PAGE = 500
_WINDOWS_MS = ((2_000, 10_000), (60_000, 600_000))
"""How far before and after the time in its id a message is looked for: the clocks of senders and
store differ, and an emit may wait for the store. The narrow one finds it on a busy bus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledMessage:
    """One stored message. What the sender wrote is empty when `problem` says that it cannot be
    read."""

    kind: ChannelKind
    stream: str
    """Event of a work stream, instance id of an inbox, empty for the broadcasts."""
    position: str
    """Its place in its stream, in the transport's own form: with `kind` and `stream` it names one
    stored copy of a message."""
    stored_ms: int
    """When, in Unix milliseconds of the store's clock."""
    size: int
    """Bytes of the whole envelope."""
    problem: str = ""
    id: str = ""
    event: str = ""
    mode: EventMode | None = None
    source: str = ""
    target: str | None = None
    timestamp_ms: int = 0
    """When the sender made it, by the sender's clock."""
    headers: tuple[tuple[str, str], ...] = ()
    codec: str = ""
    body: bytes = b""
    """The encoded payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMessage:
    """Everything that the store has of one message."""

    message: SampledMessage | None
    """None when only dead letters of it are left."""
    deliveries: tuple[DeliverySnapshot, ...]
    dead_letters: tuple[DeadLetter, ...]
    copies: tuple[str, ...] = ()
    """Positions of all stored copies, oldest first: a redrive stores the message again."""


def open_monitor(target: object = None, *, io_timeout: float = 5.0) -> "Monitor":
    """A monitor of the store behind a URL or a typed config (None: ``$EVENTBUS_URL``). No I/O.

    `io_timeout`: seconds after which a call to the store without an answer has failed. Raises
    InvalidOptionError, UnknownTransportError, PluginLoadError, and UnsupportedError when the
    transport does not declare `monitoring`.
    """
    io_timeout = seconds("io_timeout", io_timeout, minimum=0.01)
    target = target or os.environ.get("EVENTBUS_URL")
    if not target:
        raise InvalidOptionError("what to monitor? Give a URL, or set EVENTBUS_URL")
    scheme = scheme_of(target)
    declared = capabilities_of(scheme)
    declared.require("monitoring", transport=scheme, for_="open_monitor")
    return Monitor(open_monitor_source(target, io_timeout=io_timeout), declared)


class Monitor:
    """The buses of one store, seen from outside.

    Every method raises TransportUnavailableError when the store cannot be reached, and works again
    when it is back.
    """

    def __init__(self, source: MonitorSource, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        """What the transport can do. `actions`: redrive, discard and drop_group are there."""
        self._source = source

    @property
    def ended(self) -> bool:
        """Whether nothing new will come: a recording has been played to its end."""
        return False

    @property
    def recorded(self) -> bool:
        """Whether it shows a recording instead of a store."""
        return False

    @property
    def problem(self) -> str:
        """What is wrong with this monitor itself, as a recording that could not be written on;
        empty while nothing is."""
        return ""

    def now(self) -> float:
        """Seconds of the clock by which looks are apart: monotonic; in a recording, how much of it
        has been played."""
        return time.monotonic()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Free connections. Idempotent."""
        await self._source.close()

    async def buses(self) -> tuple[str, ...]:
        """Names of the buses that are stored, sorted."""
        return tuple(await self._source.buses())

    async def snapshot(self, bus: str) -> BusSnapshot:
        """The bus now. A bus that is not stored looks like one on which nothing ever happened."""
        check_option_name("bus", bus)
        return await self._source.snapshot(bus)

    async def sample(
        self, bus: str, *, limit: int = 100, since_ms: int = 0
    ) -> tuple[SampledMessage, ...]:
        """The newest `limit` (1 to 10,000) messages of all modes, oldest first; of those stored at
        `since_ms` or later, in Unix milliseconds of the store's clock."""
        check_option_name("bus", bus)
        check_limit(limit)
        return tuple(map(_sampled, await self._source.messages(bus, limit, since_ms)))

    async def find(self, bus: str, message_id: str) -> FoundMessage | None:
        """Look for a message near the time in its id: among the newest 10,000 stored from two
        seconds before to ten seconds after it, then from one minute before to ten minutes after,
        and among all dead letters. None when it is not there (any more). Raises
        InvalidMessageError when `message_id` is no message id."""
        check_option_name("bus", bus)
        made_ms = made_at(message_id)
        if made_ms is None:
            raise InvalidMessageError(f"message_id={message_id!r} is not an id that emit returned")
        stored = await self._stored(bus, message_id, made_ms)
        deliveries: dict[str, DeliverySnapshot] = {}
        for message in stored:
            # One that was redriven is stored again: there it stands now.
            deliveries.update((x.group, x) for x in await self._source.deliveries(bus, message))
        letters = await self._letters(bus, message_id) if self.capabilities.redrive else []
        if not stored and not letters:
            return None
        return FoundMessage(
            message=_sampled(stored[0]) if stored else None,
            deliveries=tuple(deliveries.values()),
            dead_letters=tuple(letters),
            copies=tuple(each.position for each in stored),
        )

    async def _stored(self, bus: str, message_id: str, made_ms: int) -> list[StoredMessage]:
        """Every stored copy of a message, oldest first."""
        found: dict[tuple[ChannelKind, str, str], StoredMessage] = {}
        for before, after in _WINDOWS_MS:
            since, until = max(0, made_ms - before), made_ms + after
            for stored in await self._source.messages(bus, MAX_LIMIT, since, until):
                if _is_message(stored.data, message_id):
                    found[stored.kind, stored.name, stored.position] = stored
        return sorted(found.values(), key=lambda stored: stored.stored_ms)

    async def _letters(self, bus: str, message_id: str) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        after: str | None = None
        while page := await self._source.dead_letters(bus, _PAGE, after, None, None):
            found += [public_dead_letter(x) for x in page if _is_message(x.data, message_id)]
            after = page[-1].id
        return found

    async def dead_letters(
        self,
        bus: str,
        *,
        limit: int = 100,
        after: str | None = None,
        event: str | None = None,
        group: str | None = None,
    ) -> tuple[DeadLetter, ...]:
        """Up to `limit` (1 to 10,000) dead letters in order of death, after the dead letter id
        `after`; of one event, of one group where given. Raises UnsupportedError without the
        capability `redrive`."""
        check_option_name("bus", bus)
        self._require("redrive", "dead_letters")
        check_limit(limit)
        if event is not None:
            check_event(event)
        if group is not None:
            check_option_name("group", group)
        stored = await self._source.dead_letters(bus, limit, after, event, group)
        return tuple(map(public_dead_letter, stored))

    async def redrive(self, bus: str, dead_letter_id: str) -> bool:
        """Give a message again to the one group or instance it belongs to; False when there is no
        such dead letter. Raises TargetNotFoundError when its owner is gone, and UnsupportedError
        without the capability `actions`."""
        result = await self._act(bus, "redrive", self._source.redrive, dead_letter_id)
        return was_redriven(result, dead_letter_id, bus=bus)

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        """Delete a dead letter; False when there is none. Raises UnsupportedError without the
        capability `actions`."""
        return await self._act(bus, "discard", self._source.discard, dead_letter_id)

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        """Remove a group that has no live member; its unhandled messages become dead letters.
        False when there is no such group, or somebody works in it. Raises UnsupportedError without
        the capability `actions`."""
        check_event(event)
        check_option_name("group", group)
        return await self._act(bus, "drop_group", self._source.drop_group, event, group)

    async def _act(
        self,
        bus: str,
        name: str,
        step: Callable[Concatenate[str, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        check_option_name("bus", bus)
        self._require("actions", name)
        return await step(bus, *args, **kwargs)

    def _require(self, capability: str, call: str) -> None:
        self.capabilities.require(capability, transport="this transport", for_=f"monitor.{call}")


def _is_message(data: bytes, message_id: str) -> bool:
    """Whether stored bytes are the message of that id."""
    if message_id.encode() not in data:
        return False  # thousands are looked through: this is much faster than to decode each
    try:
        return unpack(data).id == message_id
    except DecodeError:
        return False


def _sampled(stored: StoredMessage) -> SampledMessage:
    try:
        envelope = unpack(stored.data)
    except DecodeError as exc:
        return SampledMessage(
            kind=stored.kind,
            stream=stored.name,
            position=stored.position,
            stored_ms=stored.stored_ms,
            size=len(stored.data),
            problem=str(exc),
        )
    return SampledMessage(
        kind=stored.kind,
        stream=stored.name,
        position=stored.position,
        stored_ms=stored.stored_ms,
        size=len(stored.data),
        id=envelope.id,
        event=envelope.event,
        mode=envelope.mode,
        source=envelope.source,
        target=envelope.target,
        timestamp_ms=envelope.timestamp_ms,
        headers=tuple(sorted((envelope.headers or {}).items())),
        codec=envelope.codec,
        body=bytes(envelope.body),
    )
