"""A clock that stands still until a test moves it."""

import asyncio
import itertools
import threading

_BEGIN = 1_000 * 10**9  # nanoseconds; not 0, which would look like a time that is missing
_MOST_ROUNDS = 1_000
_ROUNDS_WITHOUT_A_LOOK = 100


class ManualClock:
    """Implements `Clock` for tests: leases, retries and deadlines take microseconds.

    `time` and `monotonic` move together, and only in `advance`. It counts in whole nanoseconds,
    so that many small steps and one large step end at the same moment.
    """

    def __init__(self, *, start: float = 1_767_225_600.0) -> None:
        """`start` is the Unix time to begin with (2026-01-01 00:00 UTC)."""
        self._start = start
        self._now = _BEGIN
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._sleepers: dict[int, tuple[int, asyncio.Future[None]]] = {}  # in order of arrival

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return self._now / 1e9

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return self._start + (self._now - _BEGIN) / 1e9

    @property
    def sleepers(self) -> int:
        """How many tasks sleep on this clock now."""
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Return once `advance` has moved the clock by `seconds`; at once for 0 or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake_at = self._now + max(1, round(seconds * 1e9))
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        number = next(self._order)
        with self._lock:
            self._sleepers[number] = (wake_at, woken)
        try:
            await woken
        finally:
            with self._lock:
                self._sleepers.pop(number, None)

    async def advance(self, seconds: float) -> None:
        """Move the clock, stopping at each moment when a sleeper is due.

        Sleepers wake in the order in which they are due, then in which they went to sleep.
        Before the first step and after each one the running loop goes on until nothing is ready
        to run, so that a task may sleep again within the time that is still to pass. Threads and
        other loops are woken, but not waited for: use `wait_until` for what they do.
        """
        target = self._now + round(seconds * 1e9)
        await _run_until_idle()
        while (due := self._next_due(target)) is not None:
            number, wake_at, woken = due
            self._now = max(self._now, wake_at)
            with self._lock:
                self._sleepers.pop(number, None)
            if woken.get_loop() is asyncio.get_running_loop():
                _wake(woken)
            else:
                woken.get_loop().call_soon_threadsafe(_wake, woken)
            await _run_until_idle()
        self._now = max(self._now, target)
        await _run_until_idle()

    def _next_due(self, target: int) -> tuple[int, int, asyncio.Future[None]] | None:
        with self._lock:
            due = [
                (wake_at, number, woken)
                for number, (wake_at, woken) in self._sleepers.items()
                if wake_at <= target and not woken.done()
            ]
        if not due:
            return None
        wake_at, number, woken = min(due, key=lambda sleeper: sleeper[:2])
        return number, wake_at, woken


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


async def _run_until_idle() -> None:
    """Let the running loop go on until no callback is ready, or a task spins for too long."""
    # asyncio has no public way to ask; a loop of another make gets a fixed number of rounds.
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    for _ in range(_ROUNDS_WITHOUT_A_LOOK if ready is None else _MOST_ROUNDS):
        await asyncio.sleep(0)
        if ready is not None and not ready:
            return
