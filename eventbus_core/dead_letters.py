"""`bus.dead_letters`: see, send again and discard what could not be handled."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeVar

from . import codec
from .capabilities import Capabilities
from .envelope import unpack
from .errors import DecodeError, InvalidOptionError, TargetNotFoundError
from .message import NO_HEADERS, DeadLetter, Message
from .names import check_event, check_option_name
from .transport import FencedError, Redriven, Session, StoredDeadLetter

R = TypeVar("R")
_PAGE = 100
MAX_LIMIT = 10_000


class Sessions(Protocol):
    """Where the live session comes from."""

    async def live(self, call: str) -> Session:
        """Raises NotStartedError or BusClosedError."""

    def fenced(self, session: Session) -> None:
        """The store refused it."""


class DeadLetters:
    """The dead letters of one bus, of all its groups and instances.

    Every method raises NotStartedError, BusClosedError, TransportUnavailableError, and
    UnsupportedError on a transport without the capability 'redrive'.
    """

    def __init__(self, sessions: Sessions, bus: str, capabilities: Capabilities) -> None:
        self._sessions = sessions
        self._bus = bus
        self._capabilities = capabilities

    async def list(
        self,
        limit: int = 100,
        after: str | None = None,
        event: str | None = None,
        group: str | None = None,
    ) -> Sequence[DeadLetter]:
        """Up to `limit` (1 to 10,000) in order of death, after the dead letter id `after`;
        of one event, of one group where given."""
        check_limit(limit)
        return [
            public_dead_letter(stored)
            for stored in await self._page("list", limit, after, event, group)
        ]

    async def redrive(self, dead_letter_id: str) -> bool:
        """Give the message again to the one group or instance it belongs to (same id, attempts
        from 1) and remove the dead letter, in one step. False when there is no such dead letter.
        Raises TargetNotFoundError when its owner is gone; then it stays."""
        result = await self._ask("redrive", lambda session: session.redrive(dead_letter_id))
        return was_redriven(result, dead_letter_id, bus=self._bus)

    async def discard(self, dead_letter_id: str) -> bool:
        """Delete one; False when there is no such dead letter."""
        return await self._ask("discard", lambda session: session.discard(dead_letter_id))

    async def redrive_all(self, *, event: str | None = None, group: str | None = None) -> int:
        """Redrive all that are there now, of one event or group where given; those whose owner
        is gone stay. Returns how many were given back."""
        done = 0
        for letter in await self._ids("redrive_all", event, group):
            redrive = partial(_redrive, letter)
            done += await self._ask("redrive_all", redrive) is Redriven.DONE
        return done

    async def discard_all(self, *, event: str | None = None, group: str | None = None) -> int:
        """Delete all that are there now, of one event or group where given; return how many."""
        done = 0
        for letter in await self._ids("discard_all", event, group):
            done += await self._ask("discard_all", partial(_discard, letter))
        return done

    async def _ask(self, call: str, step: Callable[[Session], Awaitable[R]]) -> R:
        """One step on the live session; again on the next one if it was fenced."""
        name = f"dead_letters.{call}"
        self._capabilities.require("redrive", transport="this transport", for_=name)
        while True:
            session = await self._sessions.live(name)
            try:
                return await step(session)
            except FencedError:
                self._sessions.fenced(session)

    async def _page(
        self, call: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        if event is not None:
            check_event(event)
        if group is not None:
            check_option_name("group", group)
        return await self._ask(
            call, lambda session: session.dead_letters(limit, after, event, group)
        )

    async def _ids(self, call: str, event: str | None, group: str | None) -> Sequence[str]:
        # All ids first: what is redriven and fails again must not be seen twice.
        found: deque[str] = deque()
        after: str | None = None
        while page := await self._page(call, _PAGE, after, event, group):
            found.extend(stored.id for stored in page)
            after = page[-1].id
        return found


async def _redrive(letter: str, session: Session) -> Redriven:
    return await session.redrive(letter)


async def _discard(letter: str, session: Session) -> bool:
    return await session.discard(letter)


def check_limit(limit: object) -> None:
    """Raise InvalidOptionError unless it is an int from 1 to `MAX_LIMIT`."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidOptionError(f"limit={limit!r} must be an int from 1 to {MAX_LIMIT}")


def was_redriven(result: Redriven, dead_letter_id: str, *, bus: str) -> bool:
    """What a store's answer means to users. Raises TargetNotFoundError when its owner is gone."""
    if result is Redriven.NO_OWNER:
        raise TargetNotFoundError(
            dead_letter_id,
            bus=bus,
            text=f"the instance or group that dead letter {dead_letter_id} belongs to is gone; "
            "discard it, or emit its message again",
        )
    return result is Redriven.DONE


def public_dead_letter(stored: StoredDeadLetter) -> DeadLetter:
    """What users see of a stored one."""
    return DeadLetter(
        id=stored.id,
        message=_message(stored),
        reason=stored.reason,
        error=stored.error,
        traceback=stored.traceback,
        attempts=stored.attempts,
        instance=stored.instance,
        group=stored.group,
        died_at=datetime.fromtimestamp(stored.died_ms / 1000, UTC),
    )


def _message(stored: StoredDeadLetter) -> Message | None:
    try:
        envelope = unpack(stored.data)
        data = codec.decode(envelope.body)
    except DecodeError:
        return None
    headers = envelope.headers
    return Message(
        id=envelope.id,
        event=envelope.event,
        data=data,
        mode=envelope.mode,
        source=envelope.source,
        target=envelope.target,
        timestamp_ms=envelope.timestamp_ms,
        headers=NO_HEADERS if headers is None else MappingProxyType(dict(headers)),
        attempt=max(1, stored.attempts),
        group=stored.group,
    )
