"""Anycast: one of each group; order, shares, groups, subscriptions."""

import asyncio
from collections import Counter
from functools import partial

import pytest

from eventbus_core import BacklogFullError, Message
from eventbus_core.testing import wait_until

from .conftest import MakeBus


async def test_three_equal_instances_share_a_burst(make_bus: MakeBus) -> None:
    got: Counter[str] = Counter()
    seen: Counter[int] = Counter()
    buses = [make_bus() for _ in range(3)]
    for bus in buses:

        @bus.on("task")
        async def handle(message: Message, me: str = bus.id) -> None:
            await asyncio.sleep(0.02)
            got[me] += 1
            seen[message.data] += 1

        await bus.init()
    await asyncio.gather(*(buses[0].emit("task", n, mode="anycast") for n in range(60)))
    await wait_until(lambda: sum(got.values()) >= 60, what="all handled")
    assert seen == Counter(range(60))
    assert len(got) == 3
    assert max(got.values()) <= 2 * min(got.values())


async def test_a_slow_worker_gets_less_than_a_third(make_bus: MakeBus) -> None:
    got: Counter[str] = Counter()
    slow, fast = make_bus(), make_bus()

    @slow.on("task")
    async def slowly(message: Message) -> None:
        await asyncio.sleep(0.2)
        got["slow"] += 1

    @fast.on("task")
    async def quickly(message: Message) -> None:
        await asyncio.sleep(0.05)
        got["fast"] += 1

    await slow.init()
    await fast.init()
    await asyncio.gather(*(fast.emit("task", n, mode="anycast") for n in range(40)))
    await wait_until(lambda: got.total() == 40, what="all handled", timeout=20)
    assert got["slow"] < 40 / 3


async def test_twenty_tasks_wait_for_the_first_worker_and_keep_their_order(
    make_bus: MakeBus,
) -> None:
    sender = make_bus()
    await sender.init()
    for number in range(20):
        await sender.emit("task", number, mode="anycast")
    got: list[int] = []
    worker = make_bus()
    worker.on("task", lambda message: got.append(message.data))
    await worker.init()
    await wait_until(lambda: len(got) >= 20, what="all twenty")
    assert got == list(range(20))


async def test_an_instance_without_the_handler_never_takes_it(make_bus: MakeBus) -> None:
    got: list[int] = []
    other, worker = make_bus(), make_bus()
    other.on("something:else", lambda message: None)
    # Observers of the same event in other modes take no work either.
    other.on("task", lambda message: got.append(-1), modes=["broadcast", "unicast"])
    worker.on("task", lambda message: got.append(message.data))
    await other.init()
    await worker.init()
    for number in range(30):
        await other.emit("task", number, mode="anycast")
    await wait_until(lambda: len(got) == 30, what="all at the worker")
    assert got == list(range(30))
    assert other.stats().received == 0


async def test_two_groups_each_get_every_message_once(make_bus: MakeBus) -> None:
    got: Counter[tuple[str, int]] = Counter()
    for group in ("billing", "mail"):
        for _ in range(2):
            bus = make_bus(group=group)

            @bus.on("order")
            async def handle(message: Message, group: str = group) -> None:
                assert message.group == group
                got[group, message.data] += 1

            await bus.init()
    sender = make_bus()
    await sender.init()
    await asyncio.gather(*(sender.emit("order", n, mode="anycast") for n in range(50)))
    await wait_until(lambda: got.total() >= 100, what="both groups have all")
    assert got == Counter({(g, n): 1 for g in ("billing", "mail") for n in range(50)})


async def test_one_instance_in_two_groups(make_bus: MakeBus) -> None:
    got: Counter[str | None] = Counter()
    bus = make_bus()
    bus.on("order", lambda message: got.update([message.group]), group="a")
    bus.on("order", lambda message: got.update([message.group]), group="b")
    async with bus:
        for number in range(10):
            await bus.emit("order", number, mode="anycast")
        await wait_until(lambda: got == Counter(a=10, b=10), what="both groups")


async def test_concurrency_runs_that_many_at_once(make_bus: MakeBus) -> None:
    running = most = done = 0
    bus = make_bus()

    @bus.on("task", concurrency=5)
    async def handle(message: Message) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        done += 1

    async with bus:
        await asyncio.gather(*(bus.emit("task", n, mode="anycast") for n in range(25)))
        await wait_until(lambda: done == 25, what="all done")
    assert most == 5


async def test_a_slow_handler_holds_at_most_concurrency_plus_one(make_bus: MakeBus) -> None:
    bus = make_bus()
    held: list[int] = []

    @bus.on("task")
    async def handle(message: Message) -> None:
        held.append(bus.stats().running + bus.stats().waiting)
        await asyncio.sleep(0.2)

    async with bus:
        await asyncio.gather(*(bus.emit("task", n, mode="anycast") for n in range(8)))
        await wait_until(lambda: len(held) >= 5, what="five started")
        assert max(held) <= 2
        for _ in range(8):
            bus.off("task")


async def test_a_full_backlog_is_refused_and_frees_again(make_bus: MakeBus) -> None:
    sender = make_bus(max_backlog=10)
    await sender.init()
    for number in range(10):
        await sender.emit("task", number, mode="anycast")
    with pytest.raises(BacklogFullError, match="max_backlog=10"):
        await sender.emit("task", 10, mode="anycast")
    # Other events and modes are not concerned.
    await sender.emit("other", 1, mode="anycast")
    await sender.emit("task", 1)
    got: list[int] = []
    worker = make_bus(max_backlog=10)
    worker.on("task", lambda message: got.append(message.data), modes=["anycast"])
    await worker.init()
    await wait_until(lambda: len(got) == 10, what="the backlog")
    await wait_until(lambda: worker.stats().unsettled == 0, what="settled")
    await sender.emit("task", 11, mode="anycast")
    await wait_until(lambda: got[-1] == 11, what="the next")


async def test_one_stuck_message_does_not_fill_the_backlog(make_bus: MakeBus) -> None:
    stuck = asyncio.Event()
    got: list[int] = []
    bus = make_bus(max_backlog=10)

    @bus.on("task", concurrency=2)
    async def handle(message: Message) -> None:
        if message.data == 0:
            await stuck.wait()
        got.append(message.data)

    async with bus:
        for number in range(100):
            await bus.emit("task", number, mode="anycast")
            if number:
                await wait_until(partial(got.__contains__, number), what=f"task {number}")
        stuck.set()
        await wait_until(lambda: len(got) == 100, what="the stuck one")
