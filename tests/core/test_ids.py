"""Message ids sort by time and never repeat."""

import re
from concurrent.futures import ThreadPoolExecutor

from eventbus_core.clock import SystemClock
from eventbus_core.ids import MessageIds, new_instance_id


class Steps:
    """A clock that shows the given times, one at each look."""

    monotonic = SystemClock.monotonic

    def __init__(self, *times: float) -> None:
        self._times = iter(times)

    def time(self) -> float:
        return next(self._times)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("ids never sleep")


def test_the_form() -> None:
    message_id, now_ms = MessageIds(Steps(1_767_225_600.123)).next()
    assert re.fullmatch(r"[0-9a-f]{32}", message_id)
    assert message_id.startswith(f"{now_ms:012x}000000")
    assert now_ms == 1_767_225_600_123


def test_they_sort_by_time_then_by_order_of_making() -> None:
    ids = MessageIds(Steps(1.0, 1.0, 1.0, 1.001, 2.0))
    made = [ids.next()[0] for _ in range(5)]
    assert made == sorted(made)
    assert len(set(made)) == 5


def test_a_clock_that_steps_back_does_not_break_the_order() -> None:
    ids = MessageIds(Steps(10.0, 5.0, 9.999, 10.0, 10.001))
    made = [ids.next() for _ in range(5)]
    assert made == sorted(made)
    assert [ms for _, ms in made] == [10_000, 10_000, 10_000, 10_000, 10_001]


def test_a_full_counter_borrows_the_next_millisecond() -> None:
    ids = MessageIds(Steps(1.0, 1.0, 1.0, 1.0))
    first = ids.next()
    ids._counter = 0xFFFFFF - 1
    made = [first, *(ids.next() for _ in range(3))]
    assert made == sorted(made)
    assert [ms for _, ms in made] == [1000, 1000, 1001, 1001]


def test_two_sources_differ_at_the_same_moment() -> None:
    one, other = MessageIds(Steps(1.0)), MessageIds(Steps(1.0))
    assert one.next()[0] != other.next()[0]


def test_several_threads_share_one_source() -> None:
    ids = MessageIds(SystemClock())
    with ThreadPoolExecutor(8) as pool:
        made = [
            message_id
            for part in pool.map(lambda _: [ids.next()[0] for _ in range(2_000)], range(8))
            for message_id in part
        ]
    assert len(set(made)) == 16_000


def test_instance_ids_are_random() -> None:
    made = {new_instance_id() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch(r"[0-9a-f]{16}", instance_id) for instance_id in made)
