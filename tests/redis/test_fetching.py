"""Taking deliveries: room, order, cancellation, and reads that block."""

import asyncio

from eventbus_core.modes import EventMode
from eventbus_core.transport import BROADCASTS, INBOX, Outcome, Room, Subscription, work
from tests.redis.world import (
    ALL,
    JOB,
    WORK,
    World,
    anycast,
    broadcast,
    settle,
    take,
    texts,
    unicast,
)

OTHER = Subscription(EventMode.ANYCAST, "other", "g")
OTHER_WORK = work("other", "g")


async def test_a_message_wakes_a_blocked_fetch(world: World) -> None:
    session, sender = await world.join("a"), await world.join("b", role="publisher")
    for batch in (anycast("1"), broadcast("2"), unicast("a", "3")):
        fetching = asyncio.ensure_future(take(session, 1))
        await asyncio.sleep(0.05)
        await world.publish(sender, batch)
        await settle(session, await asyncio.wait_for(fetching, 1.0))
    assert await world.pending() == {}


async def test_no_more_than_the_limit(world: World) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*map(str, range(20))))
    room = {WORK: Room(1, 3)}
    first = await take(session, 1, room)
    assert texts(first) == ["0", "1", "2"]
    assert len(await world.pending()) == 3
    assert texts(await take(session, 3, room)) == ["3", "4", "5"]


async def test_a_full_channel_does_not_hold_up_another(world: World) -> None:
    session = await world.join("a", JOB, OTHER)
    await world.publish(session, anycast("1", "2"))
    only_other = {OTHER_WORK: Room(1, 1), INBOX: Room(1, 1)}
    assert texts(await take(session, 1, {WORK: Room(1, 1), **only_other})) == ["1"]
    fetching = asyncio.ensure_future(take(session, 1, only_other))
    await asyncio.sleep(0.05)
    await world.publish(session, anycast("x", event="other"))
    assert texts(await asyncio.wait_for(fetching, 1.0)) == ["x"]
    # The full one was not read meanwhile, and goes on where it was.
    assert texts(await take(session, 1, {WORK: Room(1, 1)})) == ["2"]


async def test_a_channel_that_gets_room_joins_the_blocked_read(world: World) -> None:
    session = await world.join("a", JOB, OTHER)
    narrow, wide = {WORK: Room(1, 1)}, {WORK: Room(1, 1), OTHER_WORK: Room(1, 1)}
    assert await session.fetch(narrow, 0.05) == ()
    fetching = asyncio.ensure_future(take(session, 1, wide))
    await asyncio.sleep(0.1)  # both are covered by one blocked read now
    await world.publish(session, anycast("x", event="other"))
    assert texts(await asyncio.wait_for(fetching, 1.0)) == ["x"]


async def test_wake_ends_a_waiting_fetch_or_the_next_one(world: World) -> None:
    session = await world.join("a")
    fetching = asyncio.ensure_future(session.fetch(ALL, 30.0))
    await asyncio.sleep(0.05)
    session.wake()
    assert await asyncio.wait_for(fetching, 1.0) == ()
    session.wake()
    assert await asyncio.wait_for(session.fetch(ALL, 30.0), 1.0) == ()


async def test_a_fetch_ends_after_its_wait(world: World) -> None:
    session = await world.join("a")
    assert await asyncio.wait_for(session.fetch(ALL, 0.05), 1.0) == ()
    assert await asyncio.wait_for(session.fetch(ALL, 0.0), 1.0) == ()


async def test_a_cancelled_fetch_loses_nothing(world: World) -> None:
    session, sender = await world.join("a"), await world.join("b", role="publisher")
    sent: list[str] = []
    got: list[str] = []
    for number in range(60):
        fetching = asyncio.ensure_future(session.fetch(ALL, 5.0))
        # Cancelled at a different point of its way each time.
        for _ in range(number % 6):
            await asyncio.sleep(0)
        sent += [f"w{number}", f"b{number}"]
        await world.publish(sender, anycast(f"w{number}") + broadcast(f"b{number}"))
        if not fetching.done():
            fetching.cancel()
        done = (await asyncio.gather(fetching, return_exceptions=True))[0]
        if not isinstance(done, BaseException):
            got += texts(done)
            await settle(session, done)
    while len(got) < len(sent):
        some = await take(session, 1)
        got += texts(some)
        await settle(session, some)
    assert sorted(got) == sorted(sent)
    assert [text for text in got if text[0] == "w"] == [f"w{n}" for n in range(60)]
    assert [text for text in got if text[0] == "b"] == [f"b{n}" for n in range(60)]
    assert await world.pending() == {}


async def test_a_lost_connection_while_blocked_loses_nothing(world: World) -> None:
    session, sender = await world.join("a"), await world.join("b", role="publisher")
    got: list[str] = []

    async def receive() -> None:
        while len(got) < 300:
            try:
                some = await session.fetch(ALL, 1.0)
            except ConnectionError:
                continue
            got.extend(texts(some))
            while True:
                try:
                    await settle(session, some)
                    break
                except ConnectionError:
                    continue

    receiving = asyncio.ensure_future(receive())
    for number in range(100):
        await world.publish(
            sender, anycast(f"w{number}") + broadcast(f"b{number}") + unicast("a", f"u{number}")
        )
        if number % 10 == 5:
            for line in (await world.redis("CLIENT", "LIST")).decode().splitlines():
                fields = dict(field.split("=", 1) for field in line.split() if "=" in field)
                if fields["cmd"] in ("xreadgroup", "xread") and fields["name"] == "eventbus":
                    await world.redis("CLIENT", "KILL", "ID", fields["id"])
    await asyncio.wait_for(receiving, 20.0)
    assert sorted(got) == sorted(f"{kind}{n}" for kind in "wbu" for n in range(100))
    for kind in "wbu":
        assert [text for text in got if text[0] == kind] == [f"{kind}{n}" for n in range(100)]
    assert await world.pending() == {}


async def test_what_two_instances_take_is_disjoint(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    names = [str(number) for number in range(200)]
    await world.publish(one, anycast(*names))
    room = {WORK: Room(5, 5)}
    got: list[str] = []
    while len(got) < 200:
        for session in (one, two):
            some = await session.fetch(room, 0.05)
            got += texts(some)
            await settle(session, some)
    assert sorted(got, key=int) == names


async def test_every_group_gets_every_message(world: World) -> None:
    groups = [Subscription(EventMode.ANYCAST, "job", name) for name in ("g", "h")]
    session = await world.join("a", *groups)
    await world.publish(session, anycast("1", "2"))
    room = {work("job", "g"): Room(1, 9), work("job", "h"): Room(1, 9)}
    got = await take(session, 4, room)
    assert sorted((d.channel.group, d.data) for d in got) == [
        ("g", b"1"), ("g", b"2"), ("h", b"1"), ("h", b"2"),
    ]  # fmt: skip


async def test_a_later_subscription_opens_its_channel(world: World) -> None:
    session = await world.join("a", JOB)
    await world.publish(session, anycast("x", event="other") + broadcast("y"))
    position = await session.subscribe(frozenset({JOB, OTHER}))
    got = await take(session, 2, ALL | {OTHER_WORK: Room(1, 9)})
    assert sorted(texts(got)) == ["x", "y"]
    assert [d.position for d in got if d.channel == BROADCASTS] == [position]
    await settle(session, got)


async def test_an_ended_subscription_hands_back_what_it_had_taken(world: World) -> None:
    session, other = await world.join("a", JOB, OTHER), await world.join("b", OTHER)
    await world.publish(other, anycast("1", "2", event="other"))
    # Taken, but never given to the core: the fetch is for another channel by then.
    for _ in range(2):  # one looks for something to take over, the next one reads
        assert await session.fetch({OTHER_WORK: Room(1, 2)}, 0.0) == ()
        await asyncio.sleep(0.1)
    assert len(await world.pending(OTHER_WORK)) == 2
    await session.fetch({WORK: Room(1, 1)}, 0.05)
    await session.subscribe(frozenset({JOB}))
    room = {OTHER_WORK: Room(2, 2), BROADCASTS: Room(1, 1)}
    got = await take(other, 2, room)
    assert texts(got) == ["1", "2"]
    assert [(d.starts, d.again) for d in got] == [(0, True), (0, True)]
    await settle(other, got, Outcome.DONE)
