"""What is handed back keeps what was said of it, and old settlements touch nothing new.

The model test found these.
"""

from eventbus_core.transport import BROADCASTS, INBOX, Outcome, Room
from tests.redis.world import WORK, World, anycast, broadcast, settle, take, texts, unicast

ONE = {WORK: Room(1, 1)}


async def test_the_note_of_what_was_handed_back_comes_with_it(world: World) -> None:
    one = await world.join("a")
    await world.publish(one, [*anycast("1"), *unicast("a", "2")])
    for note in ("half done", "nearly done", ""):
        held = await take(one, 2, {WORK: Room(1, 1), INBOX: Room(1, 1)})
        await settle(one, held, Outcome.RELEASED, starts=1, note=note)
        (again,) = await take(one, 1, ONE)
        (mail,) = await take(one, 1, {INBOX: Room(1, 1)})
        assert (again.note, mail.note) == (note, note)
        await settle(one, [again, mail], Outcome.RELEASED, note=note)


async def test_a_note_goes_in_place_of_the_one_before(world: World) -> None:
    one = await world.join("a")
    await world.publish(one, anycast("1"))
    await settle(one, await take(one, 1, ONE), Outcome.FAILED, note="first")
    await settle(one, await take(one, 1, ONE), Outcome.RELEASED, note="second")
    await settle(one, await take(one, 1, ONE), Outcome.RELEASED)
    (again,) = await take(one, 1, ONE)
    assert again.note == ""
    await settle(one, [again])
    assert await world.redis("EXISTS", world.keys.work("job", "g").notes) == 0


async def test_a_settlement_that_comes_again_does_not_touch_a_later_delivery(world: World) -> None:
    one, two = await world.join("a"), await world.join("b")
    await world.publish(one, anycast("1"))
    first = await take(one, 1, ONE)
    await settle(one, first, Outcome.RELEASED, starts=3)
    second = await take(one, 1, ONE)
    for outcome in (Outcome.RELEASED, Outcome.FAILED, Outcome.DONE, Outcome.DEAD):
        await settle(one, first, outcome, starts=3)
    assert texts(await two.fetch(ONE, 0.1)) == []
    await settle(one, second, Outcome.RELEASED, starts=2)
    (third,) = await take(two, 1, ONE)
    assert (third.again, third.starts) == (True, 2)
    assert await two.dead_letters(10, None, None, None) == []


async def test_a_broadcast_is_buried_once_however_late_that_is_said_again(world: World) -> None:
    one = await world.join("a", fixed=True)
    await world.publish(one, broadcast("1", "2"))
    held = await take(one, 2, {BROADCASTS: Room(2, 2)})
    await settle(one, held[:1], Outcome.DEAD)
    await settle(one, held[1:])
    await settle(one, held[:1], Outcome.DEAD)
    assert len(await one.dead_letters(10, None, None, None)) == 1


async def test_a_released_broadcast_has_the_starts_it_was_released_with(world: World) -> None:
    one = await world.join("a", fixed=True)
    await world.publish(one, broadcast("1", "2", "3"))
    held = await take(one, 3, {BROADCASTS: Room(3, 3)})
    await one.begin(held[1], 1)
    await settle(one, held[:1], Outcome.RELEASED, starts=2)
    await settle(one, held[1:], Outcome.RELEASED)
    await one.leave()
    again = await take(await world.join("a", fixed=True), 3, {BROADCASTS: Room(3, 3)})
    assert [(d.data.decode(), d.starts) for d in again] == [("1", 2), ("2", 0), ("3", 0)]
