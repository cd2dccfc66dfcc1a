"""What a feed tells, look after look, and that nothing ends it but its owner."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from eventbus_core.monitoring import (
    BusSnapshot,
    BusView,
    Monitor,
    RecordingError,
    Thresholds,
    TransportUnavailableError,
    Watch,
)
from eventbus_tui import feed as feed_module
from eventbus_tui.feed import FIRST_RETRY, LONGEST_RETRY, Feed, retry_delay
from eventbus_tui.look import choose
from eventbus_tui.update import Update
from tests.tui.pieces import snapshot
from tests.tui.stub import StubMonitor

SHORT = 0.01
NEVER = 3600.0


class Told:
    """What was published, and a way to wait for more."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self._more = asyncio.Event()

    def __call__(self, update: Update) -> None:
        self.updates.append(update)
        self._more.set()

    @property
    def latest(self) -> Update:
        return self.updates[-1]

    async def until(self, condition: Callable[[Update], bool]) -> Update:
        """The first update from now on, or the latest one, that is so."""
        async with asyncio.timeout(10):
            while not (self.updates and condition(self.latest)):
                self._more.clear()
                await self._more.wait()
        return self.latest


@asynccontextmanager
async def running(
    monitor: Monitor, *, bus: str | None = None, interval: float = SHORT
) -> AsyncIterator[tuple[Feed, Told]]:
    told = Told()
    feed = Feed(monitor, bus=bus, interval=interval, thresholds=Thresholds(), publish=told)
    task = asyncio.create_task(feed.run())
    try:
        yield feed, told
    finally:
        assert not task.done()
        task.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(task, return_exceptions=True)


def looked(update: Update) -> bool:
    return update.view is not None


def lost(update: Update) -> bool:
    return update.link.state == "lost"


def live(update: Update) -> bool:
    return update.link.state == "live"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed looks are tried again at once."""
    monkeypatch.setattr(feed_module, "FIRST_RETRY", 0.001)
    monkeypatch.setattr(feed_module, "LONGEST_RETRY", 0.002)


async def test_it_says_that_it_connects_before_it_looks() -> None:
    async with running(StubMonitor(snapshot())) as (_, told):
        await told.until(looked)
    first = told.updates[0]
    assert (first.link.state, first.view, first.bus, first.sequence) == ("connecting", None, "", 0)


async def test_looks_follow_each_other() -> None:
    async with running(StubMonitor(snapshot())) as (_, told):
        update = await told.until(lambda update: update.sequence >= 3)
    assert update.view is not None
    assert update.view.looks == update.sequence
    assert (update.link.state, update.link.error, update.link.attempts) == ("live", "", 0)
    assert update.link.seen_at is not None
    assert (update.bus, update.buses, update.interval) == ("default", ("default",), SHORT)
    assert [each.sequence for each in told.updates] == sorted(
        each.sequence for each in told.updates
    )


@pytest.mark.parametrize(
    ("buses", "chosen"),
    [((), ""), (("b",), "b"), (("a", "default", "z"), "default"), (("a", "z"), "a")],
)
def test_which_bus_is_chosen(buses: tuple[str, ...], chosen: str) -> None:
    assert choose(buses) == chosen


async def test_the_bus_that_was_named_is_looked_at_although_others_are_stored() -> None:
    async with running(StubMonitor(snapshot(bus="a")), bus="mine") as (_, told):
        update = await told.until(looked)
    assert (update.bus, update.buses) == ("mine", ("a",))
    assert update.view is not None
    assert update.view.snapshot.bus == "mine"


async def test_without_a_bus_it_waits_for_one_and_keeps_it() -> None:
    monitor = StubMonitor()
    async with running(monitor) as (_, told):
        update = await told.until(live)
        assert (update.bus, update.view, update.sequence) == ("", None, 0)
        monitor.source.put(snapshot(bus="later"))
        update = await told.until(looked)
        assert update.bus == "later"
        monitor.source.put(snapshot(bus="default"))
        update = await told.until(lambda later: later.sequence > update.sequence)
        assert update.bus == "later"


async def test_the_list_of_buses_is_asked_for_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    class Counting(StubMonitor):
        async def buses(self) -> tuple[str, ...]:
            nonlocal asked
            asked += 1
            return await super().buses()

    async with running(Counting(snapshot())) as (_, told):
        await told.until(lambda update: update.sequence >= 5)
        assert asked == 1
        monkeypatch.setattr(feed_module, "BUSES_EVERY", 0.0)
        await told.until(lambda update: asked >= 3)


async def test_a_failed_look_keeps_the_view_and_is_tried_again(quick: None) -> None:
    monitor = StubMonitor(snapshot())
    async with running(monitor) as (_, told):
        before = await told.until(looked)
        monitor.source.lose("the cable is out")
        update = await told.until(lambda update: update.link.attempts >= 2)
        assert (update.link.state, update.link.error) == ("lost", "the cable is out")
        assert update.link.seen_at is not None
        assert update.link.retry_at is not None
        assert update.link.retry_at > update.link.seen_at
        assert update.view is not None
        assert update.sequence >= before.sequence
        monitor.source.find_again()
        again = await told.until(live)
        assert (again.link.error, again.link.attempts, again.link.retry_at) == ("", 0, None)
        assert again.sequence == update.sequence + 1


async def test_a_start_without_a_server_is_normal(quick: None) -> None:
    monitor = StubMonitor(snapshot())
    monitor.source.lose("nobody listens")
    async with running(monitor) as (_, told):
        update = await told.until(lost)
        assert (update.view, update.link.seen_at, update.bus) == (None, None, "")
        monitor.source.find_again()
        await told.until(looked)


@pytest.mark.parametrize("raised", [RuntimeError("out of  order\nhere"), asyncio.CancelledError()])
async def test_whatever_a_look_raises_is_told_and_ends_nothing(
    raised: BaseException, quick: None
) -> None:
    class Broken(StubMonitor):
        broken = True

        async def snapshot(self, bus: str) -> BusSnapshot:
            if self.broken:
                raise raised
            return await super().snapshot(bus)

    monitor = Broken(snapshot())
    async with running(monitor) as (_, told):
        update = await told.until(lost)
        text = " ".join(str(raised).split())
        assert update.link.error == (
            f"{type(raised).__name__}: {text}" if text else "CancelledError"
        )
        monitor.broken = False
        await told.until(looked)


async def test_a_fault_in_the_watch_is_told_and_ends_nothing(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def see(self: Watch, picture: BusSnapshot, **_: Any) -> BusView:
        raise KeyError("lag")

    with monkeypatch.context() as patched:
        patched.setattr(Watch, "see", see)
        async with running(StubMonitor(snapshot())) as (_, told):
            update = await told.until(lost)
            assert update.link.error == "KeyError: 'lag'"
            patched.undo()
            await told.until(looked)


async def test_no_password_is_in_an_error(quick: None) -> None:
    monitor = StubMonitor(snapshot())
    monitor.source.error = OSError("cannot reach redis://ada:pa@ss/word@db:6379/0?password=x1")
    async with running(monitor) as (_, told):
        update = await told.until(lost)
    assert update.link.error == "OSError: cannot reach redis://***@db:6379/0?password=***"


def test_retries_come_later_and_later_but_never_too_late() -> None:
    middle = [retry_delay(attempts, 0.5) for attempts in range(1, 9)]
    assert middle == [0.3, 0.6, 1.2, 2.4, 4.8, 9.6, LONGEST_RETRY, LONGEST_RETRY]
    assert retry_delay(1, 0.0) == pytest.approx(FIRST_RETRY * 0.75)
    assert retry_delay(1, 1.0) == pytest.approx(FIRST_RETRY * 1.25)
    assert retry_delay(100_000, 1.0) == LONGEST_RETRY


async def test_poll_now_does_not_wait_for_the_next_look() -> None:
    async with running(StubMonitor(snapshot()), interval=NEVER) as (feed, told):
        await told.until(looked)
        feed.poll_now()
        await told.until(lambda update: update.sequence == 2)


async def test_poll_now_does_not_wait_for_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FIRST_RETRY", NEVER)
    monkeypatch.setattr(feed_module, "LONGEST_RETRY", NEVER)
    monitor = StubMonitor(snapshot())
    monitor.source.lose()
    async with running(monitor, interval=NEVER) as (feed, told):
        await told.until(lambda update: update.link.attempts == 1)
        monitor.source.find_again()
        feed.poll_now()
        await told.until(live)


async def test_a_shorter_interval_is_in_force_at_once() -> None:
    async with running(StubMonitor(snapshot()), interval=NEVER) as (feed, told):
        await told.until(looked)
        feed.interval = SHORT
        assert (feed.interval, told.latest.interval) == (SHORT, SHORT)
        await told.until(lambda update: update.sequence >= 4)


class Slow(StubMonitor):
    """Each look waits until it is let go; counts those that wait."""

    def __init__(self, *script: BusSnapshot) -> None:
        super().__init__(*script)
        self.go = asyncio.Semaphore(0)
        self.waiting = 0
        self.most = 0

    async def snapshot(self, bus: str) -> BusSnapshot:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.go.acquire()
            return await super().snapshot(bus)
        finally:
            self.waiting -= 1


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_there_is_one_look_at_a_time() -> None:
    monitor = Slow(snapshot())
    async with running(monitor) as (feed, told):
        await _until(lambda: monitor.waiting == 1)
        for _ in range(20):
            feed.poll_now()
            await asyncio.sleep(0)
        monitor.go.release()
        await told.until(looked)
        await _until(lambda: monitor.waiting == 1)  # what was asked for meanwhile
        monitor.go.release()
        await told.until(lambda update: update.sequence == 2)
    assert monitor.most == 1


async def test_a_slow_store_is_given_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[tuple[float, float]] = []

    class Lazy(StubMonitor):
        async def snapshot(self, bus: str) -> BusSnapshot:
            began = time.monotonic()
            await asyncio.sleep(0.05)
            looks.append((began, time.monotonic()))
            return await super().snapshot(bus)

    async with running(Lazy(snapshot()), interval=0.001) as (_, told):
        await told.until(lambda update: update.sequence == 3)
    for (_, ended), (began, _) in pairwise(looks):
        assert began - ended >= 0.05 * feed_module.REST * 0.9


async def test_another_bus_begins_anew() -> None:
    monitor = StubMonitor(snapshot(bus="a"), snapshot(bus="b"))
    async with running(monitor, interval=NEVER) as (feed, told):
        update = await told.until(looked)
        assert (update.bus, update.buses) == ("a", ("a", "b"))
        feed.choose_bus("b")
        assert (told.latest.bus, told.latest.view) == ("b", None)
        update = await told.until(looked)
        assert update.view is not None
        assert (update.view.snapshot.bus, update.view.looks) == ("b", 1)
        told_before = len(told.updates)
        feed.choose_bus("b")
        assert len(told.updates) == told_before


async def test_a_look_at_the_bus_before_is_not_shown() -> None:
    monitor = Slow(snapshot(bus="a"), snapshot(bus="b"))
    async with running(monitor, interval=NEVER) as (feed, told):
        await _until(lambda: monitor.waiting == 1)
        feed.choose_bus("b")
        monitor.go.release()
        await _until(lambda: monitor.waiting == 1 and monitor.source.looks == 1)
        assert all(update.view is None for update in told.updates)
        monitor.go.release()
        update = await told.until(looked)
    assert update.view is not None
    assert (update.bus, update.view.snapshot.bus) == ("b", "b")


class Ending(StubMonitor):
    """A recording of so many looks."""

    over = False

    @property
    def ended(self) -> bool:
        return self.over


async def test_at_the_end_of_a_recording_it_rests_until_somebody_asks() -> None:
    monitor = Ending(snapshot(bus="a"), snapshot(bus="b"))
    monitor.over = True
    async with running(monitor) as (feed, told):
        update = await told.until(lambda update: update.link.state == "ended")
        assert (update.sequence, update.link.error) == (1, "")
        looks = monitor.source.looks
        for _ in range(50):
            await asyncio.sleep(0)
        assert monitor.source.looks == looks
        feed.choose_bus("b")
        update = await told.until(lambda update: update.sequence == 2)
        assert update.bus == "b"


async def test_where_a_recording_is_damaged_it_ends() -> None:
    monitor = Ending(snapshot())
    async with running(monitor) as (_, told):
        await told.until(looked)
        monitor.source.error = RecordingError("damaged in line 17")
        monitor.over = True
        update = await told.until(lambda update: update.link.state == "ended")
        assert (update.link.error, update.link.retry_at) == ("damaged in line 17", None)
        assert update.view is not None


async def test_cancelling_ends_a_look_that_hangs() -> None:
    monitor = Slow(snapshot())
    async with running(monitor) as (_, told):
        await _until(lambda: monitor.waiting == 1)
        assert told.latest.link.state == "connecting"
    assert monitor.waiting == 0


async def test_errors_of_the_library_are_told_as_they_are(quick: None) -> None:
    monitor = StubMonitor(snapshot())
    monitor.source.error = TransportUnavailableError("no connection to redis://db:6379/0")
    async with running(monitor) as (_, told):
        update = await told.until(lost)
    assert update.link.error == "no connection to redis://db:6379/0"
