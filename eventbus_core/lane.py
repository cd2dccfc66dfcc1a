"""One subscription at work: its queue, its running handlers, its retries."""

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from .clock import wait_event
from .errors import TransportUnavailableError
from .handler_call import HandlerCall, running_handler
from .inhand import Ending, InHand
from .modes import EventMode
from .registry import Binding
from .retry import Reject, Retry
from .transport import ChannelKind, Death, FencedError, work
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
_BEGIN_AGAIN_SECONDS = 0.2


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
        self.work_channel = (
            work(binding.event, binding.group) if EventMode.ANYCAST in binding.modes else None
        )
        self.stats = LaneStats()
        self.queue: deque[InHand] = deque()
        self.running: dict[asyncio.Task[None], InHand] = {}
        """What workers have in hand: started, or waiting to start or to try again."""
        self.begun: dict[InHand, float] = {}
        """Handlers running at this moment: since when, on the clock."""
        self.owner: InHand | None = None
        """`once`: the one message it starts."""
        self._place = place
        self._workers: set[asyncio.Task[None]] = set()
        self.stopped = False
        self._stopped = asyncio.Event()
        self._spared: set[asyncio.Task[None]] = set()
        self._off = False
        self._aborting = False

    @property
    def active(self) -> int:
        """How many handlers run at this moment."""
        return len(self.begun)

    @property
    def waiting(self) -> int:
        """Messages whose handler waits: to be started, or to be tried again."""
        return len(self.queue) + len(self.running) - self.active

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

    # What the dispatcher does

    def put(self, item: InHand) -> None:
        """Take one message. A `once` that has its message, or a stopped lane, gives it back."""
        if self.stopped or (self.binding.once and not self._claim(item)):
            self._give_back(item)
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
        self._off = True
        self.stop()

    def stop(self) -> None:
        """Start nothing more; give back what is queued. Running handlers go on."""
        self.stopped = True
        self._stopped.set()
        while self.queue:
            self._give_back(self.queue.popleft())

    def session_lost(self) -> None:
        """What has not started here goes to others; a `once` may take another message."""
        while self.queue:
            self._give_back(self.queue.popleft())
        if self.owner is not None:
            self._disown(self.owner)

    def _disown(self, item: InHand) -> None:
        """`once`: if its message was never started, it goes on waiting for one."""
        if self.owner is item and item.starts == item.past and not self._off:
            self.owner = None
            self._place.restore(self.binding)

    @property
    def unfinished(self) -> set[asyncio.Task[None]]:
        """Tasks that have a message in hand, without one whose handler closes the bus."""
        return self.running.keys() - self._spared

    def abort(self) -> set[asyncio.Task[None]]:
        """Cancel what runs; return the tasks that have yet to end."""
        self.stop()
        self._aborting = True
        tasks = self._workers - self._spared
        for task in tasks:
            task.cancel()
        return tasks

    def spare(self, item: InHand) -> None:
        """The handler of `item` closes the bus: its message counts as done, nobody waits for it.
        Handed back, a message that says "stop" would stop one instance after the other."""
        for task, running in self.running.items():
            if running is item:
                self._spared.add(task)
                self._end(item, Ending.DONE)

    # Workers

    def _add_worker(self) -> None:
        worker = asyncio.create_task(self._work(), name=f"eventbus:{self.binding.event}")
        self._workers.add(worker)
        worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled():
            worker.exception()  # SystemExit and KeyboardInterrupt have gone to the loop
        # A handler that keeps its task and cancels it later must not end the subscription.
        if self.queue and not self.stopped and not self._workers:
            self._add_worker()

    async def _work(self) -> None:
        place = self._place
        task = asyncio.current_task()
        assert task is not None
        slice_end = place.clock.monotonic() + _SLICE_SECONDS
        while self.queue:
            item = self.queue.popleft()
            self.running[task] = item
            try:
                await self._handle(item)
            except Exception as exc:
                # Not the handler's error: whatever it is, the message must not be stranded.
                log.exception("message %s could not be handled", item.message.id)
                self._end(item, Ending.DEAD, death=_death(exc, item.starts))
            finally:
                del self.running[task]
                if item.open_for(self.binding):  # cancelled, or the program exits
                    self._give_back(item)
                place.freed(item, self)
            if self.queue and place.clock.monotonic() >= slice_end:
                await asyncio.sleep(0)
                slice_end = place.clock.monotonic() + _SLICE_SECONDS

    async def _handle(self, item: InHand) -> None:
        """Run the handler until it is done, dead, set aside, or given up."""
        place = self._place
        attempt = item.past + 1
        # Past starts of a broadcast are those of a fixed id that ended with it in hand.
        broadcast = item.delivery.channel.kind is ChannelKind.BROADCAST
        alone = item.past >= 2 and (item.delivery.orphaned or broadcast)
        if attempt > self.binding.retry.max_deliveries:
            # Its last start killed its process.
            reason = f"its handler was started {item.past} times and never finished"
            self._dead(item, Death(reason=reason, attempts=item.past))
            return
        while True:
            if not self._startable(item):
                if not self._ours(item):
                    self._give_back(item)
                    return
                await self._unless_stopped(place.lease_renewed(item.session))
                continue
            if alone:
                if not await self._unless_stopped(place.gate.enter_alone(place.lease)):
                    continue
            elif place.gate.closed:
                await self._unless_stopped(place.gate.passed())
                continue
            place.gate.running += 1
            try:
                if alone and not self._startable(item):
                    continue
                if not await self._begin(item, attempt):
                    continue
                outcome = await self._attempt(item, attempt)
            finally:
                place.gate.leave()
                if alone:
                    place.gate.leave_alone()
            if not isinstance(outcome, _Again):
                return
            attempt += 1
            self.stats.retried += 1
            if await wait_event(place.clock, self._stopped, outcome.delay) and self._off:
                # It failed, and nobody is left to try again.
                self._dead(item, outcome.death)
                return

    def _ours(self, item: InHand) -> bool:
        return item.session is self._place.session and not self.stopped

    def _startable(self, item: InHand) -> bool:
        """Asked directly before a start, after every wait."""
        place = self._place
        return self._ours(item) and place.clock.monotonic() < place.lease_until

    async def _unless_stopped(self, wait: Coroutine[Any, Any, None]) -> bool:
        """Wait for it or for the lane's stop; whether it came to its end."""
        waiting = asyncio.create_task(wait, name="eventbus-wait")
        stopped = asyncio.create_task(self._stopped.wait(), name="eventbus-wait-stop")
        try:
            await asyncio.wait((waiting, stopped), return_when=asyncio.FIRST_COMPLETED)
            return waiting.done()
        finally:
            for task in (waiting, stopped):
                task.cancel()
            await asyncio.gather(waiting, stopped, return_exceptions=True)

    async def _begin(self, item: InHand, attempt: int) -> bool:
        """Record the start where it counts; False: ask again whether it may start at all."""
        place = self._place
        mean = self.stats.mean_seconds
        first = attempt == 1 and not item.delivery.again
        if first and mean is not None and mean < FAST_SECONDS:
            return True
        if not place.counts_starts(item.delivery.channel.kind):
            return True
        try:
            await item.session.begin(item.delivery, attempt)
        except FencedError:
            place.fenced(item.session)
            return False
        except TransportUnavailableError:
            pass  # the heartbeat reports it
        except Exception:
            log.exception("recording the start of a handler failed; trying again")
        else:
            return self._startable(item)
        await wait_event(place.clock, self._stopped, _BEGIN_AGAIN_SECONDS)
        return False

    async def _attempt(self, item: InHand, attempt: int) -> "_Again | None":
        """Start the handler once. Returns how to try again here, or None."""
        place = self._place
        message = item.message
        if attempt != message.attempt:
            message = msgspec.structs.replace(message, attempt=attempt)
        item.started(attempt)
        call: HandlerCall | None = None
        running_handler.set((self.binding, item))
        begun = self.begun[item] = place.clock.monotonic()
        try:
            if self.binding.is_async and self.binding.timeout is None:
                await self.binding.handler(message)
            else:
                call = HandlerCall(self.binding, message, place)
                await call.run()
        except asyncio.CancelledError:
            if self._aborting:
                self._abandoned(item, attempt, call)
                raise
            # Not ours: the handler awaited something that was cancelled, or cancelled itself.
            task = asyncio.current_task()
            while task is not None and task.cancelling():
                task.uncancel()
            error: BaseException = RuntimeError("the handler was cancelled from inside")
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:  # also what does not derive from Exception
            error = exc
        else:
            self._measure(place.clock.monotonic() - begun)
            self.stats.handled += 1
            place.counters.handled += 1
            self._end(item, Ending.DONE)
            return None
        finally:
            del self.begun[item]
        self._measure(place.clock.monotonic() - begun)
        again = self._failed(item, attempt, error)
        if call is not None:
            # One at a time: a thread that ran out of time keeps its place until it ends.
            await call.left()
        return again

    # Endings

    def _failed(self, item: InHand, attempt: int, error: BaseException) -> "_Again | None":
        place = self._place
        self.stats.failed += 1
        place.counters.failed += 1
        policy = self.binding.retry
        death = _death(error, attempt)
        if isinstance(error, Reject) or attempt >= policy.max_deliveries:
            self._dead(item, death)
            return None
        delay = policy.delay(attempt)
        if isinstance(error, Retry) and error.delay is not None:
            delay = error.delay
        place.incident("retry", item, self.binding, f"attempt {attempt}: {death.error}")
        if item.delivery.channel.kind is ChannelKind.WORK and not self.binding.once:
            self._end(item, Ending.FAILED, delay=delay)
            return None
        return _Again(delay, death)

    def _dead(self, item: InHand, death: Death) -> None:
        self._place.incident("dead letter", item, self.binding, death.reason)
        self._end(item, Ending.DEAD, death=death)

    def _abandoned(self, item: InHand, attempt: int, call: HandlerCall | None) -> None:
        if call is not None and call.abandon():
            log.warning(
                "handler %s did not end in time and was abandoned in its thread; message %s of "
                "%r is handed back",
                self.binding.name, item.message.id, item.message.event,
            )  # fmt: skip
        item.uncharge(attempt)

    def _give_back(self, item: InHand) -> None:
        """It was not started here, or not to its end: others may, or it waits in the store."""
        gone = self.binding.removed and (self._off or self.owner is not item)
        self._end(item, Ending.GONE if gone else Ending.GIVEN_BACK)

    def _end(
        self, item: InHand, ending: Ending, *, delay: float = 0.0, death: Death | None = None
    ) -> None:
        self._disown(item)
        if item.ended(self.binding, ending, delay=delay, death=death):
            self._place.settled(item)

    def _measure(self, seconds: float) -> None:
        mean = self.stats.mean_seconds
        self.stats.mean_seconds = seconds if mean is None else mean + _WEIGHT * (seconds - mean)


class _Again(NamedTuple):
    """A failed handler is started again here, after `delay` seconds."""

    delay: float
    death: Death
    """What becomes of the message if the subscription is removed before that."""


def _death(error: BaseException, attempts: int) -> Death:
    shown = _safe(lambda: f"{type(error).__name__}: {error}", type(error).__name__)
    if isinstance(error, Reject):
        text = _safe(lambda: str(error), "")
        reason = f"rejected by its handler: {text}" if text else "rejected by its handler"
    else:
        reason = f"failed {attempts} times"
    trace = _safe(lambda: "".join(traceback.format_exception(error)), shown)
    return Death(
        reason=reason[:2_000], error=shown[:2_000], traceback=trace[-10_000:], attempts=attempts
    )


def _safe(text: Callable[[], str], otherwise: str) -> str:
    """Text about an exception of the user's: making it may raise, and it may not be Unicode."""
    try:
        made = text()
    except Exception:
        return otherwise
    return made.encode("utf-8", "backslashreplace").decode()
