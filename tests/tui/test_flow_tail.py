"""Reading the newest messages: as few as there are new ones, and on after failures."""

import pytest

from eventbus_core.monitoring import SampledMessage
from eventbus_tui.flow_buffer import FlowBuffer
from eventbus_tui.flow_counts import FlowCounts
from eventbus_tui.flow_tail import EVERY, FIRST_LIMIT, LIMIT, FlowTail
from tests.tui.letters import stored
from tests.tui.pieces import AT
from tests.tui.stub import StubMonitor


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Asked(StubMonitor):
    """Notes how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, int]] = []
        self.takes = 0.0
        self.clock = Clock()

    async def sample(
        self, bus: str, *, limit: int = 100, since_ms: int = 0
    ) -> tuple[SampledMessage, ...]:
        self.calls.append((limit, since_ms))
        self.clock.now += self.takes
        return await super().sample(bus, limit=limit, since_ms=since_ms)


class Tail:
    def __init__(self) -> None:
        self.monitor = Asked()
        self.buffer, self.counts = FlowBuffer(), FlowCounts()
        self.tail = FlowTail(self.monitor, self.buffer, self.counts, self.monitor.clock)
        self.wanted = True

    def put(self, *numbers: int) -> None:
        messages = [stored(n, at_ms=AT + n) for n in numbers]
        self.monitor.source.stored.setdefault("bus", []).extend(messages)

    @property
    def sampled(self) -> tuple[bool]:
        return (self.tail.sampled,)

    async def read(self, at_ms: int = AT + 100_000) -> float:
        return await self.tail.read("bus", at_ms, lambda: self.wanted)


async def test_the_first_reading_is_long_and_the_next_ones_go_on_from_it() -> None:
    it = Tail()
    it.put(1, 2, 3)
    assert await it.read() == EVERY
    it.put(4)
    await it.read()
    assert it.monitor.calls == [(FIRST_LIMIT, 0), (LIMIT, AT + 5)]
    assert len(it.buffer) == 4


async def test_without_a_message_it_goes_on_asking_for_all() -> None:
    it = Tail()
    await it.read()
    it.put(1)
    await it.read()
    assert len(it.buffer) == 1
    assert it.monitor.calls[1] == (LIMIT, 0)


async def test_a_full_reading_is_a_sample_and_that_passes() -> None:
    it = Tail()
    it.put(1)
    await it.read()
    assert it.sampled == (False,)
    it.put(*range(2, 2 + LIMIT * 3))
    await it.read()
    assert it.sampled == (True,)
    assert len(it.buffer) == LIMIT + 1
    it.monitor.clock.now += 6.0
    assert it.sampled == (False,)


async def test_a_slow_store_is_asked_half_of_the_time_at_most() -> None:
    it = Tail()
    it.monitor.takes = 2.0
    assert await it.read() == 2.0


async def test_failures_are_told_and_tried_again_more_and_more_seldom() -> None:
    it = Tail()
    it.put(1)
    it.monitor.source.lose("no\x1broute to redis://me:secret@host")
    waits = [await it.read() for _ in range(8)]
    assert waits == sorted(waits)
    assert waits[0] == 0.5
    assert waits[-1] == 10.0
    assert "secret" not in it.tail.error
    assert it.tail.retry_at == it.monitor.clock.now + 10.0
    it.monitor.source.find_again()
    assert await it.read() == EVERY
    assert it.tail.error == ""
    assert len(it.buffer) == 1


async def test_a_fault_of_the_transport_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    it = Tail()
    it.monitor.source.error = RuntimeError("broken")
    await it.read()
    await it.read()
    assert it.tail.error == "RuntimeError: broken"
    assert len(caplog.records) == 1


async def test_what_is_not_wanted_any_more_is_dropped() -> None:
    it = Tail()
    it.put(1)
    it.wanted = False
    await it.read()
    assert len(it.buffer) == 0


async def test_a_clock_that_was_put_back_is_noticed() -> None:
    it = Tail()
    it.put(1)
    await it.read()
    await it.read(at_ms=AT - 3_600_000)
    assert it.monitor.calls[-1] == (LIMIT, 0)
