"""A clock that is set back, and data that is gone."""

import sqlite3
from pathlib import Path

import pytest

from eventbus_core import TransportUnavailableError
from eventbus_core.modes import EventMode
from eventbus_core.transport import FencedError, Published

from .conftest import Clock
from .world import WORKS, World, hear, send, take, texts


async def test_a_clock_set_back_kills_nobody_and_buries_the_dead(
    world: World, clock: Clock
) -> None:
    a, b = await world.join("a", lease=60.0), await world.join("b", lease=60.0)
    clock.ahead = -3600.0
    assert (await b.renew()).suspects == []
    await a.renew()
    assert (await b.renew()).suspects == []
    # Only b goes on. The lease of a, given by the old clock, must not last for an hour more.
    clock.ahead += 61.0
    (suspect,) = (await b.renew()).suspects
    assert suspect.instance_id == "a"


async def test_messages_stored_after_a_step_back_come_after_those_before(
    world: World, clock: Clock
) -> None:
    a = await world.join("a", WORKS)
    await send(a, "1")
    clock.ahead = -3600.0
    await send(a, "2")
    assert texts(await take(a)) == ["1", "2"]


def delete(path: Path, *tables: str) -> None:
    other = sqlite3.connect(path)
    with other:
        for table in tables:
            other.execute(f"DELETE FROM {table}")
    other.close()


async def test_a_loss_of_all_data_fences_everyone(world: World) -> None:
    transport = await world.connect()
    a = await world.join("a", WORKS, transport=transport)
    await send(a, "1", "2", mode=EventMode.BROADCAST)
    assert await hear(a) == ["1", "2"]
    delete(world.path, "buses", "messages", "dead_letters")
    with pytest.raises(FencedError):
        await a.renew()
    b = await world.join("b")
    await send(b, "3", mode=EventMode.BROADCAST)
    again = await world.join("a", WORKS, transport=transport)
    assert await hear(again) == ["3"]


async def test_messages_that_an_operator_deleted_do_not_fill_the_backlog(world: World) -> None:
    a = await world.join("a", WORKS, max_backlog=2)
    await send(a, "1", "2")
    assert await send(a, "3") == [Published.BACKLOG_FULL]
    delete(world.path, "messages")
    await a.maintain()
    assert await send(a, "4") == [Published.STORED]
    assert texts(await take(a)) == ["4"]


async def test_books_of_a_later_release_are_left_alone(world: World) -> None:
    a = await world.join("a")
    other = sqlite3.connect(world.path)
    later = "UPDATE buses SET document = json_set(document, '$.format', 2)"
    with other:
        other.execute("UPDATE buses SET document = CAST(document AS TEXT)")
        other.execute(later)
    other.close()
    with pytest.raises(TransportUnavailableError, match="later release"):
        await a.renew()


async def test_a_file_that_is_no_database(world: World) -> None:
    world.path.write_bytes(b"no database" * 1000)
    with pytest.raises(TransportUnavailableError, match="not a database"):
        await world.connect()
