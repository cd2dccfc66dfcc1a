"""One subscription at work: its queue, its running handlers, its retries."""

import asyncio
import logging
import traceback
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import msgspec

from .clock import wait_event
from .deadline import Deadline
from .errors import TransportUnavailableError
from .inhand import Ending, InHand
from .message import Message
from .registry import Binding
from .retry import Reject, Retry
from .transport import ChannelKind, Death, FencedError
from .workplace import Workplace

log = logging.getLogger("eventbus_core")

AHEAD_SECONDS = 0.010
"""Unstarted messages held: what the handlers can start within this time (DESIGN section 4, 7)."""
MOST_AHEAD = 500
FAST_SECONDS = 0.001
"""Below this mean time a handler's starts are not recorded one by one (ADR 3)."""
_SLICE_SECONDS = 0.002
"""Handlers that never wait give way to the rest of the loop this often."""
_WEIGHT = 0.2

current_worker: ContextVar[asyncio.Task[Any] | None] = ContextVar("eventbus_worker", default=None)
"""The task whose handler this code runs in, also in tasks and threads that it started."""


@dataclass(slots=True)
class LaneStats:
    handled: int = 0
    failed: int = 0
    retried: int = 0
    mean_seconds: float | None = None


class Lane:
    """Handles the messages of one subscription in order, `concurrency` at a time."""

    def __init__(self, binding: Binding, place: Workplace) -> None:
        self.binding = binding
        self.stats = LaneStats()
        self.queue: deque[InHand] = deque()
        self.running: dict[asyncio.Task[None], InHand] = {}
        self.owner: InHand | None = None
        """`once`: the one message it starts."""
        self._place = place
        self._workers: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._aborting = False

    # What the intake asks

    @property
    def slots(self) -> int:
        """Handlers that are free now."""
        return max(0, self.binding.concurrency - len(self.running) - len(self.queue))

    @property
    def limit(self) -> int:
        """How many more messages it takes now, running ahead of the handlers included."""
        held = len(self.running) + len(self.queue)
        if self.binding.once:
            return 0 if held or self.owner is not None else 1
        mean = self.stats.mean_seconds
        if mean is None:
            return max(0, self.binding.concurrency - held)
        ahead = int(AHEAD_SECONDS * self.binding.concurrency / max(mean, 1e-6))
        return max(0, self.binding.concurrency + min(max(1, ahead), MOST_AHEAD) - held)

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    # What the dispatcher does

    def put(self, item: InHand) -> None:
        """Take one message. A `once` that has its message, or a stopped lane, gives it back."""
        if self.stopped or (self.binding.once and not self._claim(item)):
            self._end(item, Ending.GONE if self.binding.removed else Ending.NOT_STARTED)
            return
        self.queue.append(item)
        if len(self._workers) < self.binding.concurrency:
            self._add_worker()

    def _claim(self, item: InHand) -> bool:
        if self.owner is not None or self.binding.removed:
            return False
        self.owner = item
        # Off at once: no later message is dispatched to it, however many arrive together.
        self._place.retire(self.binding)
        return True

    def remove(self) -> None:
        """`off`: nothing starts any more; what was not started ends as GONE."""
        self.stop(Ending.GONE)

    def stop(self, ending: Ending = Ending.NOT_STARTED) -> None:
        """Start nothing more; give back what is queued. Running handlers go on."""
        self._stopped.set()
        while self.queue:
            self._end(self.queue.popleft(), ending)

    def abort(self) -> list[asyncio.Task[None]]:
        """Cancel the running handlers; return their tasks."""
        self.stop()
        self._aborting = True
        tasks = list(self.running)
        for task in tasks:
            task.cancel()
        return tasks

    def spare(self, task: asyncio.Task[Any]) -> None:
        """The handler in `task` closes the bus: its message counts as done, nobody waits for it.
        Handed back, a message that says "stop" would stop one instance after the other."""
        if (item := self.running.pop(task, None)) is not None:
            self._end(item, Ending.DONE)

    # Workers

    def _add_worker(self) -> None:
        worker = asyncio.create_task(self._work(), name=f"eventbus:{self.binding.event}")
        self._workers.add(worker)
        worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None:
            log.error("a worker of %s failed", self.binding.name, exc_info=error)
        # A handler that keeps its task and cancels it later must not end the subscription.
        if self.queue and not self.stopped and not self._workers:
            self._add_worker()

    async def _work(self) -> None:
        place = self._place
        task = asyncio.current_task()
        assert task is not None
        current_worker.set(task)
        slice_end = place.clock.monotonic() + _SLICE_SECONDS
        while self.queue:
            if place.gate.closed or place.clock.monotonic() >= place.lease_until:
                await self._may_start()
                continue
            item = self.queue.popleft()
            self.running[task] = item
            try:
                await self._handle(item)
            except asyncio.CancelledError:
                if task in self.running:
                    self._end(item, Ending.NOT_STARTED)
                raise
            finally:
                self.running.pop(task, None)
                place.freed(item, self)
            if self.queue and place.clock.monotonic() >= slice_end:
                await asyncio.sleep(0)
                slice_end = place.clock.monotonic() + _SLICE_SECONDS

    async def _may_start(self) -> None:
        """Wait until the lease holds and nobody runs alone."""
        place = self._place
        await place.gate.passed()
        if place.clock.monotonic() >= place.lease_until:
            await place.lease_renewed()

    async def _handle(self, item: InHand) -> None:
        """Run the handler until it is done, dead, set aside, or given up."""
        place = self._place
        attempt = item.past + 1
        alone = item.delivery.orphaned and item.past >= 2
        if attempt > self.binding.retry.max_deliveries:
            # Its last start killed its process.
            reason = f"its handler was started {item.past} times and never finished"
            self._dead(item, Death(reason=reason, attempts=item.past))
            return
        while True:
            if item.session is not place.session or self.stopped:
                self._end(item, Ending.GONE if self.binding.removed else Ending.NOT_STARTED)
                return
            if alone:
                await place.gate.enter_alone(place.lease)
            place.gate.running += 1
            try:
                if not await self._begin(item, attempt):
                    continue
                delay = await self._attempt(item, attempt)
            finally:
                place.gate.leave()
                if alone:
                    place.gate.leave_alone()
            if delay is None:
                return
            attempt += 1
            self.stats.retried += 1
            if await wait_event(place.clock, self._stopped, delay):
                self._end(item, Ending.GONE if self.binding.removed else Ending.CANCELLED)
                return

    async def _begin(self, item: InHand, attempt: int) -> bool:
        """Record the start where it counts; False: ask again whether it may start at all."""
        place = self._place
        mean = self.stats.mean_seconds
        fast = attempt == 1 and mean is not None and mean < FAST_SECONDS
        if fast or item.recorded(attempt) or not place.counts_starts(item.delivery.channel.kind):
            return True
        try:
            await item.session.begin(item.delivery, attempt)
        except FencedError:
            place.fenced(item.session)
            return False
        except TransportUnavailableError as exc:
            await wait_event(place.clock, self._stopped, place.store.failed(exc))
            return False
        # A lost lease or an `off` may have come in while the store was asked.
        return item.session is place.session and not self.stopped

    async def _attempt(self, item: InHand, attempt: int) -> float | None:
        """Start the handler once. Returns the delay before it is started here again, or None."""
        place = self._place
        message = item.message
        if attempt != message.attempt:
            message = msgspec.structs.replace(message, attempt=attempt)
        item.started(attempt)
        begun = place.clock.monotonic()
        try:
            await self._call(message)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._aborting:
                assert task is not None
                self.running.pop(task)
                self._abandoned(item)
                raise
            # Not ours: the handler awaited something that was cancelled, or cancelled itself.
            while task is not None and task.cancelling():
                task.uncancel()
            error: BaseException = RuntimeError("the handler was cancelled from inside")
        except Exception as exc:
            error = exc
        else:
            self._measure(place.clock.monotonic() - begun)
            self.stats.handled += 1
            place.counters.handled += 1
            self._end(item, Ending.DONE)
            return None
        self._measure(place.clock.monotonic() - begun)
        return self._failed(item, attempt, error)

    async def _call(self, message: Message[Any]) -> Any:
        binding = self.binding
        if binding.timeout is not None:
            async with Deadline(self._place.clock, binding.timeout):
                return await self._invoke(message)
        if binding.is_async:
            return await binding.handler(message)
        return await self._invoke(message)

    async def _invoke(self, message: Message[Any]) -> Any:
        binding = self.binding
        if binding.is_async:
            return await binding.handler(message)
        result = await self._place.threads.run(binding.handler, message)
        if hasattr(result, "__await__"):
            return await result
        return result

    # Endings

    def _failed(self, item: InHand, attempt: int, error: BaseException) -> float | None:
        place = self._place
        self.stats.failed += 1
        place.counters.failed += 1
        policy = self.binding.retry
        if isinstance(error, Reject) or attempt >= policy.max_deliveries:
            self._dead(item, _death(error, attempt))
            return None
        delay = policy.delay(attempt)
        if isinstance(error, Retry) and error.delay is not None:
            delay = error.delay
        place.incident("retry", item, self.binding, f"attempt {attempt}: {_shown(error)}")
        if item.delivery.channel.kind is ChannelKind.WORK and not self.binding.once:
            self._end(item, Ending.FAILED, delay=delay)
            return None
        return delay

    def _dead(self, item: InHand, death: Death) -> None:
        self._place.counters.dead_lettered += 1
        self._place.incident("dead letter", item, self.binding, death.reason)
        self._end(item, Ending.DEAD, death=death)

    def _abandoned(self, item: InHand) -> None:
        if not self.binding.is_async:
            log.warning(
                "handler %s did not end in time and was abandoned in its thread; message %s of "
                "%r is handed back",
                self.binding.name, item.message.id, item.message.event,
            )  # fmt: skip
        self._end(item, Ending.CANCELLED)

    def _end(
        self, item: InHand, ending: Ending, *, delay: float = 0.0, death: Death | None = None
    ) -> None:
        if self.owner is item and item.starts == item.past and not self.stopped:
            # `once` has started nothing yet: it goes on waiting for its message.
            self.owner = None
            self._place.restore(self.binding)
        if item.ended(self.binding, ending, delay=delay, death=death):
            self._place.settled(item)

    def _measure(self, seconds: float) -> None:
        mean = self.stats.mean_seconds
        self.stats.mean_seconds = seconds if mean is None else mean + _WEIGHT * (seconds - mean)


def _death(error: BaseException, attempts: int) -> Death:
    if isinstance(error, Reject):
        reason = f"rejected by its handler: {error}" if str(error) else "rejected by its handler"
    else:
        reason = f"failed {attempts} times"
    text = "".join(traceback.format_exception(error))
    return Death(
        reason=reason,
        error=_shown(error),
        traceback=text[-10_000:],
        attempts=attempts,
    )


def _shown(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2_000]
