"""Each defect of the original TypeScript library, shown not to be ours.

They are facts read in its source: no failover at all, only the first unicast of a batch handled,
failed handlers acknowledged, clean-up of busy consumers, a read loop that dies at the first error,
an age limit that is ignored while unhandled messages are trimmed, inboxes of the dead re-created
for ever, a replay of history at each start, `off(event)` without effect, and anycast messages
swallowed by instances without a handler.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from eventbus_core import EventBus, Message, RetryPolicy, TargetNotFoundError
from eventbus_core.testing import wait_until

from .conftest import MakeBus

Kill = Callable[[EventBus], Awaitable[None]]


async def test_1_the_messages_of_a_dead_instance_are_taken_over(
    make_bus: MakeBus, kill: Kill
) -> None:
    got: list[int] = []
    dying, alive = make_bus(), make_bus()

    @dying.on("task", concurrency=3)
    async def hangs(message: Message) -> None:
        await asyncio.sleep(60)

    await dying.init()
    await alive.init()
    for number in range(6):
        await alive.emit("task", number, mode="anycast")
    await wait_until(lambda: dying.stats().running == 3, what="three in its hands")
    await kill(dying)
    alive.on("task", lambda message: got.append(message.data))
    await wait_until(lambda: sorted(got) == list(range(6)), what="all six", timeout=10)


async def test_2_every_unicast_of_a_burst_is_handled(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus()
    bus.on("job", lambda message: got.append(message.data))
    async with bus:
        await asyncio.gather(*(bus.emit("job", n, target=bus.id) for n in range(500)))
        await wait_until(lambda: len(got) == 500, what="all 500", timeout=20)
        assert got == list(range(500))


async def test_3_a_message_is_settled_only_after_its_handler_succeeded(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus(retry=RetryPolicy(initial=0.01, jitter=0))

    @bus.on("job")
    async def handle(message: Message) -> None:
        got.append(message.attempt)
        if message.attempt < 3:
            raise RuntimeError("the database is away")

    async with bus:
        for mode in ("broadcast", "anycast", "unicast"):
            await bus.emit("job", mode=mode, target=bus.id if mode == "unicast" else None)
        await wait_until(lambda: bus.stats().handled == 3, what="all three modes")
    assert sorted(got) == [1, 1, 1, 2, 2, 2, 3, 3, 3]


async def test_4_a_busy_instance_is_not_cleaned_up(make_bus: MakeBus) -> None:
    """Busy for several times the stream's time to live, and for three leases."""
    done: list[int] = []
    busy = make_bus(stream_ttl=1.0, backlog_ttl=1.0)
    others = [make_bus(stream_ttl=1.0, backlog_ttl=1.0) for _ in range(2)]

    @busy.on("task")
    async def slow(message: Message) -> None:
        await asyncio.sleep(3.0)
        done.append(message.data)

    for bus in (busy, *others):
        await bus.init()
    await busy.emit("task", 1, mode="anycast")
    await busy.emit("task", 2, mode="anycast")
    await wait_until(lambda: done == [1, 2], what="both, by the busy one", timeout=15)
    assert busy.stats().incarnations == 1
    assert [bus.stats().declared_dead for bus in others] == [0, 0]


async def test_6_retention_is_kept_and_never_takes_what_is_not_handled(make_bus: MakeBus) -> None:
    options = {"message_retention": 0.2, "max_message_count": 1}
    sender = make_bus(**options)
    await sender.init()
    sent = [await sender.emit("task", n, mode="anycast") for n in range(30)]
    for _ in range(5):  # several rounds of maintenance
        await _a_heartbeat(sender)
    got: list[str] = []
    worker = make_bus(**options)
    worker.on("task", lambda message: got.append(message.id))
    await worker.init()
    await wait_until(lambda: len(got) == 30, what="all, though older than the retention")
    assert got == sent
    # Handled ones go: a group that comes later finds nothing.
    await wait_until(lambda: worker.stats().unsettled == 0, what="settled")
    for _ in range(5):
        await _a_heartbeat(worker)
    late: list[str] = []
    newcomer = make_bus(group="late", **options)
    newcomer.on("task", lambda message: late.append(message.id))
    await newcomer.init()
    await sender.emit("task", "fresh", mode="anycast")
    await wait_until(lambda: len(got) == 31 and late, what="the fresh one")
    assert len(late) <= 2


async def _a_heartbeat(bus: EventBus) -> None:
    """Wait until the bus has renewed its lease, and so has had its chance to maintain."""
    assert bus._runtime is not None
    before = bus._runtime.membership.lease_until
    await wait_until(
        lambda: bus._runtime is not None and bus._runtime.membership.lease_until > before,
        what="a heartbeat",
    )


async def test_7_a_late_emit_does_not_bring_back_the_inbox_of_the_dead(
    make_bus: MakeBus, kill: Kill
) -> None:
    alive, dying = make_bus(), make_bus()
    await alive.init()
    await dying.init()
    await alive.emit("job", target=dying.id)
    await kill(dying)
    await wait_until(lambda: alive.stats().declared_dead == 1, what="declared dead", timeout=10)
    with pytest.raises(TargetNotFoundError):
        await alive.emit("job", target=dying.id)


async def test_8_a_fixed_id_or_only_new_replays_nothing(make_bus: MakeBus) -> None:
    got: list[str] = []
    sender = make_bus()
    await sender.init()
    async with make_bus("fixed") as bus:
        bus.on("tick", lambda message: got.append("seen"))
        await bus.ready()
        await sender.emit("tick")
        await wait_until(lambda: got == ["seen"], what="handled once")
    for bus in (make_bus("fixed"), make_bus(only_new=True)):
        bus.on("tick", lambda message: got.append("again"))
        await bus.init()
        await bus.emit("probe", target=bus.id)
        await wait_until(partial(_reads, bus), what="reading")
    assert got == ["seen"]


def _reads(bus: EventBus) -> bool:
    return bus.stats().unhandled == 1


async def test_9_off_without_a_handler_removes_all(make_bus: MakeBus) -> None:
    got: list[int] = []
    bus = make_bus()
    bus.on("reply", lambda message: got.append(1))
    bus.on("reply", lambda message: got.append(2))
    async with bus:
        assert bus.off("reply") == 2
        await bus.emit("reply")
        await wait_until(lambda: bus.stats().skipped == 1, what="skipped")
        assert got == []
        assert bus.stats().subscriptions == ()


async def test_10_an_anycast_without_a_handler_here_is_kept_for_others(make_bus: MakeBus) -> None:
    got: list[int] = []
    idle = [make_bus() for _ in range(3)]
    for bus in idle:
        bus.on("other", lambda message: None)
        await bus.init()
    for number in range(20):
        await idle[0].emit("task", number, mode="anycast")
    late = make_bus()
    late.on("task", lambda message: got.append(message.data))
    await late.init()
    await wait_until(lambda: len(got) == 20, what="all twenty")
    assert got == list(range(20))
