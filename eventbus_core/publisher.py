"""Writes emits that happen together together, each confirmed on its own, each stored once."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from .clock import Clock
from .errors import (
    BacklogFullError,
    BusClosedError,
    EventBusError,
    TargetNotFoundError,
    TransportUnavailableError,
)
from .membership import Membership
from .modes import EventMode
from .stats import Counters
from .store_state import StoreState
from .transport import FencedError, Outgoing, Published

log = logging.getLogger("eventbus_core")

MOST_AT_ONCE = 256
MOST_BYTES = 1024 * 1024
"""A batch is closed by the message that reaches this size."""


class _Pending:
    __slots__ = ("confirmed", "deadline", "message")

    def __init__(self, message: Outgoing, deadline: float, confirmed: asyncio.Future[None]) -> None:
        self.message = message
        self.deadline = deadline
        self.confirmed = confirmed


class Publisher:
    """One batch is under way at a time; what is emitted meanwhile makes the next one."""

    def __init__(
        self,
        *,
        bus: str,
        clock: Clock,
        membership: Membership,
        store: StoreState,
        counters: Counters,
        timeout: float,
        max_backlog: int,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._membership = membership
        self._store = store
        self._counters = counters
        self._timeout = timeout
        self._max_backlog = max_backlog
        self._queue: deque[_Pending] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._batch: list[_Pending] = []
        self._batch_number = 0
        self._watched = asyncio.Event()
        self._last_error: BaseException | None = None
        self._closed = False

    def submit(self, message: Outgoing) -> asyncio.Future[None]:
        """Queue one message; the future is done when the store has it, or has refused it.
        Raises BusClosedError."""
        if self._closed:
            raise BusClosedError("emit")
        confirmed = asyncio.get_running_loop().create_future()
        deadline = self._clock.monotonic() + self._timeout
        self._queue.append(_Pending(message, deadline, confirmed))
        self._idle.clear()
        self._work.set()
        self._watched.set()
        return confirmed

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            while batch := self._next_batch():
                self._batch = batch
                self._batch_number += 1
                await self._publish(self._batch_number, batch)
                self._batch = []
            self._idle.set()

    async def watch(self) -> None:
        """Fail each emit whose time is up, for ever. Apart from `run`, so that an emit costs no
        timer: emits have one timeout, so the oldest one is always the next to expire."""
        while True:
            await self._watched.wait()
            self._watched.clear()
            while (oldest := self._oldest()) is not None:
                left = oldest.deadline - self._clock.monotonic()
                if left > 0:
                    await self._clock.sleep(left)
                else:
                    self._fail(oldest, _unavailable(self._last_error, self._timeout))

    async def drained(self) -> None:
        """Wait until nothing is queued or under way."""
        await self._idle.wait()

    def abandon(self) -> None:
        """Fail what is not confirmed, and take nothing more: the bus is closed."""
        self._closed = True
        for pending in (*self._batch, *self._queue):
            self._fail(pending, BusClosedError("emit"))
        self._queue.clear()

    def _oldest(self) -> _Pending | None:
        for pending in self._batch:
            if not pending.confirmed.done():
                return pending
        while self._queue and self._queue[0].confirmed.done():
            self._queue.popleft()
        return self._queue[0] if self._queue else None

    def _next_batch(self) -> list[_Pending]:
        batch: list[_Pending] = []
        size = 0
        while self._queue and len(batch) < MOST_AT_ONCE and size < MOST_BYTES:
            pending = self._queue.popleft()
            if pending.confirmed.done():
                continue
            batch.append(pending)
            size += len(pending.message.data)
        return batch

    async def _publish(self, number: int, batch: Sequence[_Pending]) -> None:
        """Try until the store has answered or everybody's time is up. The number tells the
        store whether a batch whose answer was lost is in already."""
        messages = [pending.message for pending in batch]
        while True:
            session = await self._membership.alive("emit")
            if all(pending.confirmed.done() for pending in batch):
                break
            try:
                self._answered(batch, await session.publish(number, messages))
                self._store.worked("publish")
            except FencedError:
                self._membership.fenced(session)
            except TransportUnavailableError as exc:
                self._last_error = exc
                await self._clock.sleep(self._store.failed("publish", exc))
            except Exception as exc:
                log.exception("publishing failed")
                for pending in batch:
                    self._fail(pending, _unavailable(exc))

    def _answered(self, batch: Sequence[_Pending], answers: Sequence[Published]) -> None:
        for pending, answer in zip(batch, answers, strict=True):
            if answer is Published.STORED:
                self._counters.emitted += 1
                if not pending.confirmed.done():
                    pending.confirmed.set_result(None)
            else:
                self._fail(pending, self._refusal(pending.message, answer))

    def _refusal(self, message: Outgoing, answer: Published) -> EventBusError:
        if answer is Published.TARGET_NOT_FOUND:
            return TargetNotFoundError(message.target or "", bus=self._bus)
        if message.mode is EventMode.UNICAST:
            where = f"the inbox of {message.target!r}"
        else:
            where = f"a group of event {message.event!r}"
        return BacklogFullError(where, limit=self._max_backlog)

    def _fail(self, pending: _Pending, error: EventBusError) -> None:
        if not pending.confirmed.done():
            self._counters.refused_emits += 1
            pending.confirmed.set_exception(error)


def _unavailable(cause: BaseException | None, timeout: float | None = None) -> EventBusError:
    after = "" if timeout is None else f" within publish_timeout={timeout:g} s"
    error = TransportUnavailableError(
        f"the store did not confirm the message{after}; it may or may not be stored. "
        f"Last problem: {cause or 'no answer'}"
    )
    error.__cause__ = cause
    return error
