"""What a memory store counts, by cause, in the step that causes it."""

from collections.abc import Mapping

import pytest

from eventbus_core.memory.accounts import MOST_ENTRIES
from eventbus_core.memory.monitor import MemoryMonitor
from eventbus_core.memory.session import MemorySession
from eventbus_core.transport import BROADCASTS, FencedError, work
from tests.core.memory_world import (
    LEASE,
    World,
    dead,
    done,
    failed,
    mail,
    member,
    read,
    released,
    take,
    works,
)

T0 = 1_767_225_600_000


@pytest.fixture
def world() -> World:
    return World()


async def totals(world: World) -> Mapping[str, int]:
    return (await MemoryMonitor(world.store).snapshot("bus")).totals


async def journal(world: World) -> list[tuple[str, Mapping[str, str]]]:
    entries = (await MemoryMonitor(world.store).snapshot("bus")).journal
    return [(entry.kind, entry.details) for entry in entries]


def life(session: MemorySession) -> str:
    return session._presence.member.incarnation


async def bury(world: World, survivor: MemorySession) -> None:
    """Let everyone but `survivor` die and be declared dead."""
    for _ in range(int(LEASE)):
        await world.clock.advance(1.0)
        await survivor.renew()
    await survivor.declare_dead((await survivor.renew()).suspects)


async def test_ordinary_work_is_not_accounted(world: World) -> None:
    a = await world.join("a", works())
    await world.anycast(a, "1", "2")
    await world.unicast(a, "a", "3")
    await world.broadcast(a, "4")
    await a.settle([done(d) for d in [*await take(a), *await mail(a)]])
    await read(a)
    await world.anycast(a, "5")
    await a.settle([released(d) for d in await take(a)])
    await a.settle([done(d) for d in await take(a)])
    await a.leave()
    assert await totals(world) == {}
    assert await journal(world) == []


async def test_retries_are_counted_one_by_one_and_noted_together(world: World) -> None:
    a = await world.join("a", works(), works("other"))
    await world.anycast(a, "1", "2", "3")
    await world.anycast(a, "4", event="other")
    one, two, three = await take(a)
    (four,) = await take(a, work("other", "g"))
    await world.clock.advance(2.0)
    await a.settle([failed(one, 1.0, 3), failed(four, 1.0), failed(two, 0.0), done(three)])
    await a.settle([failed(one, 1.0)])  # the answer was lost
    assert await totals(world) == {"retries": 3}
    assert await journal(world) == [
        (
            "retry",
            {"channel": "job g", "count": "2", "by": life(a), "positions": "1 2", "starts": "3"},
        ),
        (
            "retry",
            {"channel": "other g", "count": "1", "by": life(a), "positions": "4", "starts": "1"},
        ),
    ]
    snapshot = await MemoryMonitor(world.store).snapshot("bus")
    assert {entry.at_ms for entry in snapshot.journal} == {T0 + 2_000}


async def test_dead_letters_redrives_and_discards(world: World) -> None:
    a = await world.join("a", works())
    await world.anycast(a, "1")
    await world.broadcast(a, "2")
    await a.settle([dead(d) for d in await take(a)])
    await a.settle([dead(d, "rejected") for d in await take(a, BROADCASTS)])
    first, second = await a.dead_letters(9, None, None, None)
    await a.redrive(first.id)
    await a.redrive(first.id)
    await a.redrive(second.id)
    await a.settle([dead(d) for d in await mail(a)])
    (third,) = await a.dead_letters(9, None, None, None)
    await a.discard(third.id)
    await a.discard(third.id)
    assert await totals(world) == {"dead letters": 3, "redriven": 2, "discarded": 1}
    letter = {"event": "note", "group": "", "instance": "a", "reason": "failed"}
    assert await journal(world) == [
        ("dead letter", letter | {"event": "job", "group": "g", "position": "1"}),
        ("dead letter", letter | {"reason": "rejected", "position": "1"}),
        ("redrive", {"event": "job", "to": "g", "position": "3"}),
        ("redrive", {"event": "note", "to": "a", "position": "4"}),
        ("dead letter", letter | {"position": "4"}),
    ]


async def test_a_death_and_what_is_taken_over_from_it(world: World) -> None:
    a, b = await world.join("a", works()), await world.join("b", works())
    await world.anycast(b, "1", "2")
    await world.unicast(b, "a", "3")
    await take(a)
    await bury(world, b)
    assert await totals(world) == {"declared dead": 1, "dead letters": 1}
    (one,) = await take(b, limit=1)
    await b.settle([released(one)])
    await b.settle([done(d) for d in await take(b)])
    assert (await totals(world))["taken over"] == 2
    takeover = {"channel": "job g", "count": "1", "by": life(b), "from": life(a), "starts": "0"}
    assert await journal(world) == [
        ("declared dead", {"instance": "a", "incarnation": life(a)}),
        (
            "dead letter",
            {"count": "1", "reason": "instance died", "inbox": "a", "positions": "3"},
        ),
        ("takeover", takeover | {"positions": "1"}),
        ("takeover", takeover | {"positions": "2"}),
    ]


async def test_a_takeover_names_some_only(world: World) -> None:
    last = await world.join("z", works())
    dead_ones = [await world.join(f"d{number}", works()) for number in range(7)]
    await world.anycast(last, *map(str, range(28)))
    for number, session in enumerate(dead_ones):
        await session.begin((await take(session, limit=4))[0], number)
    await bury(world, last)
    await take(last)
    kind, entry = (await journal(world))[-1]
    assert (kind, entry["count"], entry["starts"]) == ("takeover", "28", "6")
    assert entry["from"].split() == list(map(life, dead_ones[:5]))
    assert entry["positions"].split() == [str(number) for number in range(1, 21)]


async def test_what_was_taken_over_and_handed_back_is_no_orphan_any_more(world: World) -> None:
    """One that closed with orphans in hand handed them on as orphans, which counted twice."""
    a, b = await world.join("a", works()), await world.join("b", works())
    c = await world.join("c", works(), lease=1000.0)
    await world.anycast(b, "1")
    await take(a)
    await bury(world, b)
    assert [d.orphaned for d in await take(b)] == [True]
    await b.leave()
    assert [d.orphaned for d in await take(c)] == [False]
    assert (await totals(world))["taken over"] == 1


async def test_a_replaced_incarnation_was_declared_dead(world: World) -> None:
    a = await world.join("a", works(), fixed=True)
    await world.unicast(a, "a", "1")
    await mail(a)
    holder = await world.held_by("a")
    await world.clock.advance(LEASE)
    again = await world.connection().join(member("a", fixed=True), replace=holder)
    assert isinstance(again, MemorySession)
    assert [d.orphaned for d in await mail(again)] == [True]
    assert await totals(world) == {"declared dead": 1, "taken over": 1}
    assert await journal(world) == [
        ("declared dead", {"instance": "a", "incarnation": life(a)}),
        (
            "takeover",
            {"channel": "", "count": "1", "by": life(again), "from": life(a)}
            | {"positions": "1", "starts": "0"},
        ),
    ]


async def test_every_call_of_a_fenced_incarnation_is_a_refusal(world: World) -> None:
    a, b = await world.join("a", works()), await world.join("b")
    await world.anycast(b, "1")
    deliveries = await take(a)
    await bury(world, b)
    for call in (a.settle([done(d) for d in deliveries]), a.renew(), a.maintain()):
        with pytest.raises(FencedError):
            await call
    assert (await totals(world))["refused: fenced"] == 3
    world.store.flush()
    with pytest.raises(FencedError):
        await b.renew()
    assert await totals(world) == {}  # the bus is gone, and its numbers


async def test_broadcasts_that_a_slow_instance_loses(world: World) -> None:
    a = await world.join("a", max_backlog=3)
    b, c = await world.join("b", max_backlog=3), await world.join("c", max_backlog=3)
    await world.broadcast(a, *"1234567")
    await read(a)
    await take(b, BROADCASTS, limit=1)
    await a.maintain()
    assert (await b.renew()).lost == {"broadcasts trimmed": 3}
    assert (await c.renew()).lost == {"broadcasts trimmed": 4}
    # Each of them is counted once, however many lost it.
    assert await totals(world) == {"lost: broadcasts trimmed": 4}
    assert await journal(world) == [("loss", {"count": "4", "cause": "broadcasts trimmed"})]
    await a.maintain()
    assert await totals(world) == {"lost: broadcasts trimmed": 4}


async def test_broadcasts_that_everybody_has_read_are_no_loss(world: World) -> None:
    a = await world.join("a", max_message_count=0)
    await world.broadcast(a, "1", "2")
    await read(a)
    await a.maintain()
    assert await totals(world) == {}


async def test_dead_letters_beyond_their_number_and_not_those_that_are_old(world: World) -> None:
    a = await world.join("a", works(), dead_letter_retention=50.0, max_dead_letters=2, lease=100.0)
    await world.anycast(a, *"12345")
    one, two, *others = await take(a)
    await a.settle([dead(one), dead(two)])
    await world.clock.advance(51.0)
    await a.settle([dead(d) for d in others])
    await a.maintain()
    cause = "dead letters beyond max_dead_letters"
    assert await totals(world) == {"dead letters": 5, f"lost: {cause}": 1}
    assert (await journal(world))[-1] == ("loss", {"count": "1", "cause": cause})


async def test_a_group_that_was_removed(world: World) -> None:
    a = await world.join("a", backlog_ttl=100.0, lease=1000.0)
    b = await world.join("b", works(), works(group="h"), backlog_ttl=100.0)
    await world.anycast(a, "1", "2")
    await b.settle([done(d) for d in await take(b, work("job", "h"))])
    await b.leave()
    await MemoryMonitor(world.store).drop_group("bus", "job", "g")
    await world.clock.advance(100.0)
    await a.maintain()
    assert await totals(world) == {"dead letters": 2}
    reason = "group dropped by an operator"
    assert await journal(world) == [
        (
            "dead letter",
            {"count": "2", "reason": reason, "group": "job g", "positions": "1 2"},
        ),
        ("group dropped", {"event": "job", "group": "g", "reason": reason}),
        ("group dropped", {"event": "job", "group": "h", "reason": "group removed"}),
    ]


async def test_what_goes_with_an_unused_bus_is_a_loss(world: World) -> None:
    ttl = {"backlog_ttl": 20.0, "dead_letter_retention": 100.0}
    a = await world.join("a", works(), fixed=True, **ttl)
    await world.anycast(a, "1", "2", "3")
    await world.unicast(a, "a", "4")
    await a.settle([dead(d) for d in await take(a, limit=1)])
    await a.leave()
    await world.clock.advance(20.0)
    with world.store.step() as now:
        world.store.sweep(now)
    assert await totals(world) == {"dead letters": 1, "lost: unused for backlog_ttl": 3}
    snapshot = await MemoryMonitor(world.store).snapshot("bus")
    assert snapshot.server.used_bytes == 1  # the dead letter


async def test_the_journal_keeps_the_newest_entries(world: World) -> None:
    a = await world.join("a", works(), lease=10**6)
    await world.anycast(a, "1")
    for number in range(MOST_ENTRIES + 10):
        await a.settle([failed(d, 0.0, starts=number) for d in await take(a)])
    snapshot = await MemoryMonitor(world.store).snapshot("bus")
    assert len(snapshot.journal) == MOST_ENTRIES
    assert snapshot.totals == {"retries": MOST_ENTRIES + 10}
