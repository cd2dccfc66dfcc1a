"""Who lives: one presence for each incarnation that was announced and is not dead."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from ..clock import Clock, wait_event
from ..modes import EventMode
from ..transport import Member, Subscription, Vitals
from .broadcasts import Reader
from .queue import EARLY, Hold


class Bell:
    """Wakes the one fetch that waits for it. Rung from any thread, and under the store's lock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Let a waiting fetch look again. Never blocks."""
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:  # a thread without a loop
            here = False
        if here:
            self._rung.set()
        else:
            with suppress(RuntimeError):  # that loop is closed: nobody waits there
                self._loop.call_soon_threadsafe(self._rung.set)

    def reset(self) -> None:
        """Forget earlier rings; call it before looking, or a ring in between is missed."""
        self._rung.clear()

    async def wait(self, clock: Clock, seconds: float) -> None:
        """Return when it was rung since `reset`, or after `seconds`."""
        await wait_event(clock, self._rung, seconds)


@dataclass(slots=True, eq=False)
class Presence:
    """One incarnation, from `join` until it leaves or is declared dead."""

    member: Member
    subscriptions: frozenset[Subscription]
    expires_at: float = 0.0
    """End of its lease, on the store's clock."""
    renewals: int = 0
    reader: Reader | None = None
    """Its place in the broadcasts; None for a publisher."""
    replayed: int = 0
    """Kept broadcasts that it is given because its id was new."""
    bell: Bell | None = None
    """None when its process does not listen any more."""
    held: set[Hold] = field(default_factory=set)
    """What it has in hand of inbox and work."""
    vitals: Vitals | None = None
    """What it told with its last heartbeat."""
    _work: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        self.subscribe(self.subscriptions)

    def lives(self, now: float) -> bool:
        """Whether its lease reaches beyond `now`."""
        return now < self.expires_at - EARLY

    def last_alive(self, now: float) -> float:
        """The latest moment up to `now` at which it was alive."""
        return min(now, self.expires_at)

    def renew(self, now: float) -> None:
        """Prolong the lease."""
        self.expires_at = now + self.member.lease
        self.renewals += 1

    def subscribe(self, subscriptions: frozenset[Subscription]) -> None:
        """Be subscribed to exactly these."""
        self.subscriptions = subscriptions
        self._work = frozenset(
            (s.event, s.group) for s in subscriptions if s.mode is EventMode.ANYCAST
        )

    def work(self) -> frozenset[tuple[str, str]]:
        """The (event, group) pairs it is subscribed to."""
        return self._work

    def ring(self) -> None:
        """Let its waiting fetch look again."""
        if self.bell is not None:
            self.bell.ring()


@dataclass(slots=True, frozen=True)
class Remembered:
    """What is kept of a fixed id between two of its incarnations, besides its inbox."""

    last_alive: float
    reader: Reader
