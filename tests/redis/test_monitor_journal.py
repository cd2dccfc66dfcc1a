"""What the journal tells of single messages: which ones, from whom, how often tried."""

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from eventbus_core.monitoring import Monitor, open_monitor
from eventbus_core.transport import BROADCASTS, INBOX, Channel, Delivery, Outcome, Room
from eventbus_redis.session import RedisSession
from tests.redis.world import ALL, WORK, World, anycast, broadcast, settle, take, unicast


@pytest.fixture
async def monitor(world: World) -> AsyncIterator[Monitor]:
    async with open_monitor(world.url) as made:
        yield made


def ids(deliveries: Sequence[Delivery]) -> str:
    return " ".join(each.token.id.decode() for each in deliveries)


async def noted(monitor: Monitor, bus: str, kind: str) -> list[Mapping[str, str]]:
    """Details of the entries of that kind, oldest first."""
    return [each.details for each in (await monitor.snapshot(bus)).journal if each.kind == kind]


async def bury(world: World, survivor: RedisSession, *dead: RedisSession) -> None:
    for each in dead:
        await world.die(each)
    found = await survivor.declare_dead((await survivor.renew()).suspects)
    assert len(found) == len(dead)


async def test_a_takeover_names_messages_and_the_dead(world: World, monitor: Monitor) -> None:
    one, two, three = [await world.join(name) for name in "abc"]
    await world.publish(three, anycast(*"12345"))
    mine = await take(one, 2, {WORK: Room(2, 2)})
    theirs = await take(two, 2, {WORK: Room(2, 2)})
    await one.begin(mine[1], 3)
    await two.begin(theirs[0], 2)
    await settle(three, await take(three, 1, {WORK: Room(1, 1)}), Outcome.RELEASED)
    await bury(world, three, one, two)
    got = await take(three, 5, {WORK: Room(10, 10)})
    (entry,) = await noted(monitor, world.bus, "takeover")
    assert entry == {
        "channel": "job g",
        "count": "4",  # what was released is not taken over
        "by": three._state.me,
        "from": entry["from"],
        "positions": ids([*mine, *theirs]),
        "starts": "3",
    }
    assert sorted(entry["from"].split()) == sorted([one._state.me, two._state.me])
    assert ids(got[:4]) == entry["positions"]


async def test_a_takeover_names_some_only(world: World, monitor: Monitor) -> None:
    last = await world.join("z")
    dead = [await world.join(f"d{number}") for number in range(7)]
    await world.publish(last, anycast(*map(str, range(28))))
    held: list[Delivery] = []
    for session in dead:
        held += await take(session, 4, {WORK: Room(4, 4)})
    await bury(world, last, *dead)
    await take(last, 28, {WORK: Room(100, 100)})
    (entry,) = await noted(monitor, world.bus, "takeover")
    assert entry["count"] == "28"
    assert entry["positions"] == ids(held[:20])
    assert len(set(entry["from"].split())) == 5
    assert set(entry["from"].split()) <= {each._state.me for each in dead}


async def test_an_inbox_that_is_taken_over(world: World, monitor: Monitor) -> None:
    sender, first = await world.join("s"), await world.join("a", fixed=True)
    await world.publish(sender, unicast("a", *"12"))
    held = await take(first, 2)
    await bury(world, sender, first)
    second = await world.join("a", fixed=True)
    await take(second, 2)
    (entry,) = await noted(monitor, world.bus, "takeover")
    assert (entry["channel"], entry["positions"]) == ("", ids(held))
    assert (entry["from"], entry["starts"]) == (first._state.me, "0")


async def test_retries_name_messages(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast(*map(str, range(25))))
    held = await take(session, 25, {WORK: Room(30, 30)})
    await settle(session, held[:1], Outcome.FAILED, delay=9.0, starts=4)
    await settle(session, held[1:], Outcome.FAILED, delay=9.0, starts=1)
    first, second = await noted(monitor, world.bus, "retry")
    common = {"channel": "job g", "by": session._state.me}
    assert first == common | {"count": "1", "positions": ids(held[:1]), "starts": "4"}
    assert second == common | {"count": "24", "positions": ids(held[1:21]), "starts": "1"}


@pytest.mark.parametrize("channel", [BROADCASTS, INBOX, WORK])
async def test_a_dead_letter_names_its_message(
    world: World, monitor: Monitor, channel: Channel
) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("1") + broadcast("2") + unicast("a", "3"))
    (held,) = (each for each in await take(session, 3) if each.channel == channel)
    await settle(session, [held], Outcome.DEAD)
    (entry,) = await noted(monitor, world.bus, "dead letter")
    assert entry["position"] == ids([held])
    stored = {each.position: each.stream for each in await monitor.sample(world.bus)}
    if channel == WORK:
        assert stored[entry["position"]] == "job"


async def test_what_is_given_up_together_is_named(world: World, monitor: Monitor) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(two, unicast("a", *map(str, range(25))))
    held = await take(one, 3, ALL | {INBOX: Room(3, 3)})
    await one.leave()
    await two.maintain()
    entries = await noted(monitor, world.bus, "dead letter")
    assert sum(int(each["count"]) for each in entries) == 25
    assert {each["inbox"] for each in entries} == {"a"}
    named = [position for each in entries for position in each["positions"].split()]
    assert named[:3] == ids(held[:3]).split()
    assert all(len(each["positions"].split()) <= 20 for each in entries)
    assert len(set(named)) == len(named) >= 20


async def test_a_redrive_names_the_new_copy(world: World, monitor: Monitor) -> None:
    session = await world.join("a")
    await world.publish(session, anycast("1"))
    await settle(session, await take(session, 1), Outcome.DEAD)
    (letter,) = await monitor.dead_letters(world.bus)
    assert await monitor.redrive(world.bus, letter.id)
    (entry,) = await noted(monitor, world.bus, "redrive")
    (again,) = await take(session, 1)
    assert entry == {"event": "job", "to": "g", "position": ids([again])}
