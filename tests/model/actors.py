"""Those who act on the bus: sessions, the transports they came over, and what they hold."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from eventbus_core.transport import (
    Delivery,
    FencedError,
    Outgoing,
    Published,
    Session,
    Settlement,
    Transport,
)
from tests.model.broadcasts import Place
from tests.model.model import Life
from tests.model.queues import Message, Work

T = TypeVar("T")


@dataclass(eq=False)
class Link:
    """One transport, for the sessions of one instance id, one after the other."""

    transport: Transport
    name: str
    batch: int = 0
    sent: Sequence[Outgoing] = ()
    """The newest batch."""
    answers: Sequence[Published] = ()
    place: Place | None = None
    """Where its session before stood in the broadcasts."""
    usable: bool = True


@dataclass(eq=False)
class Held:
    """One delivery in hand, and the model's view of it."""

    delivery: Delivery
    what: Work | Message


@dataclass(eq=False)
class Actor:
    """One session and the life it stands for."""

    link: Link
    life: Life
    session: Session
    held: list[Held] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    closed: bool = False

    @property
    def here(self) -> bool:
        """It can act."""
        return not self.closed and not self.life.over

    @property
    def crashed(self) -> bool:
        """It cannot act, and nobody has noticed."""
        return self.closed and not self.life.over

    @property
    def fenced(self) -> bool:
        """It was declared dead and does not know."""
        return not self.closed and self.life.over


async def interrupted(call: Callable[[], Awaitable[T]], turns: int) -> T | None:
    """Make a call, and cancel it after so many turns of the loop; None when it was cancelled."""
    task = asyncio.ensure_future(call())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None


async def refused(call: Awaitable[object], what: str) -> None:
    """Raises AssertionError unless the call is refused, as its session is fenced."""
    with suppress(FencedError):
        answer = await call
        raise AssertionError(f"{what} was not refused: {answer}")
