"""What a monitor saw is seen again in its recording, and nothing else is in it."""

import json
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from eventbus_core import EventBus, Message, Reject, RetryPolicy
from eventbus_core.memory import MemoryConfig
from eventbus_core.monitoring import (
    Capabilities,
    ChannelKind,
    InvalidOptionError,
    Monitor,
    TransportUnavailableError,
    UnsupportedError,
    open_monitor,
    open_replay,
    record,
)
from eventbus_core.monitoring import recording as recording_module
from tests.core.world import World
from tests.tui import worlds
from tests.tui.pieces import group, instance, snapshot, stream
from tests.tui.stub import StubMonitor

ONCE = RetryPolicy(max_deliveries=1)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "tape"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    for bus in made.buses:
        await made.run(bus.close())


def live(world: World) -> Monitor:
    return open_monitor(MemoryConfig(name=world.name, clock=world.clock))


async def _shop(world: World) -> tuple[EventBus, list[str]]:
    """A bus with messages of all modes, one of which is a dead letter."""
    bus = world.bus("office", group="billing")

    @bus.on("order", retry=ONCE)
    async def billing(message: Message) -> None:
        raise Reject(f"no {message.data}")

    @bus.on("mail")
    @bus.on("price")
    async def rest(message: Message) -> None:
        pass

    await bus.init()
    ids = [
        await bus.emit("price", {"n": 1}),
        await bus.emit("mail", {"to": "you"}, target="office"),
        await bus.emit("order", ["A-1"], mode="anycast"),
    ]
    await world.clock.advance(2.5)
    return bus, ids


async def test_every_look_is_seen_again(tape: Path) -> None:
    pictures = [
        worlds.healthy().snapshot,
        worlds.stuck().snapshot,
        worlds.dead().snapshot,
        worlds.dead().snapshot,
        worlds.unknown().snapshot,
        worlds.drifting().snapshot,
        worlds.empty().snapshot,
        worlds.big(20, 30, 40).snapshot,
        *(
            replace(worlds.hostile(text).snapshot, bus="default")
            for text in worlds.HOSTILE
            if "\udcff" not in text  # no store gives half a character
        ),
    ]
    async with record(StubMonitor(*pictures), tape) as monitor:
        seen = [await monitor.snapshot(picture.bus) for picture in pictures]
    assert seen == pictures
    async with open_replay(tape, speed=0) as replay:
        assert [await replay.snapshot(picture.bus) for picture in pictures] == pictures
        assert replay.ended


async def test_what_did_not_change_is_the_same_object(tape: Path) -> None:
    still, moving = stream("still"), stream("moving", added=5)
    groups = [group("g", "still"), group("g", "moving", lag=1)]
    first = snapshot([still, moving], groups, [instance("a"), instance("b")])
    second = snapshot(
        [still, stream("moving", added=6)], [groups[0]], [instance("b"), instance("a")]
    )
    async with record(StubMonitor(first, second), tape) as monitor:
        for _ in range(2):
            await monitor.snapshot("default")
    async with open_replay(tape, speed=0) as replay:
        before, after = await replay.snapshot("default"), await replay.snapshot("default")
    assert (before, after) == (first, second)
    assert after.streams[0] is before.streams[0]
    assert after.groups[0] is before.groups[0]
    assert after.instances[1] is before.instances[0]


async def test_a_quiet_bus_takes_little_room(tape: Path) -> None:
    picture = worlds.big(50, 80, 100).snapshot
    async with record(StubMonitor(picture), tape) as monitor:
        await monitor.snapshot("default")
        whole = tape.stat().st_size
        for _ in range(50):
            await monitor.snapshot("default")
    assert whole > 30_000
    assert tape.stat().st_size - whole < 50 * 120


async def test_buses_messages_and_dead_letters(world: World, tape: Path) -> None:
    _, ids = await _shop(world)
    monitor = record(live(world), tape)
    buses = await monitor.buses()
    before = await monitor.snapshot("default")
    newest = await monitor.sample("default", limit=2)
    sample = await monitor.sample("default")
    letters = await monitor.dead_letters("default")
    found = [await monitor.find("default", id) for id in ids]
    await monitor.close()

    async with open_replay(tape, speed=0) as replay:
        assert replay.capabilities == Capabilities(redrive=True, monitoring=True)
        assert await replay.buses() == buses == ("default",)
        assert await replay.snapshot("default") == before
        assert await replay.sample("default") == sample
        assert await replay.sample("default", limit=2) == newest
        assert await replay.sample("default", since_ms=sample[-1].stored_ms + 1) == ()
        assert [each.id for each in sample] == [ids[0], ids[2]]  # the mail is settled
        assert repr(await replay.dead_letters("default", group="billing")) == repr(letters)
        assert await replay.dead_letters("default", after=letters[0].id) == ()
        assert await replay.dead_letters("default", event="price") == ()
        assert repr([await replay.find("default", id) for id in ids]) == repr(found)
        assert found[2] is not None
        assert [letter.id for letter in found[2].dead_letters] == [letters[0].id]
        assert [delivery.state for delivery in found[2].deliveries] == ["settled"]


async def test_nothing_is_written_twice(world: World, tape: Path) -> None:
    await _shop(world)
    async with record(live(world), tape) as monitor:
        for _ in range(2):
            await monitor.buses()
            await monitor.sample("default")
            await monitor.dead_letters("default")
        size = tape.stat().st_size
        await monitor.buses()
        await monitor.sample("default")
        await monitor.dead_letters("default")
        assert tape.stat().st_size == size


async def test_a_search_does_not_fill_the_recording(world: World, tape: Path) -> None:
    bus, ids = await _shop(world)
    others = [await bus.emit("price", {"n": n}) for n in range(200)]
    async with record(live(world), tape) as monitor:
        assert await monitor.find("default", ids[0]) is not None
    records = [json.loads(line)["record"] for line in tape.read_text().splitlines()[1:]]
    assert records == ["messages", "deliveries", "dead letters"]
    async with open_replay(tape, speed=0) as replay:
        assert await replay.find("default", ids[0]) is not None
        assert await replay.find("default", others[0]) is None


async def test_what_is_remembered_as_written_is_bounded(
    world: World, tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_module, "_REMEMBERED", 2)
    bus, _ = await _shop(world)
    async with record(live(world), tape) as monitor:
        await monitor.sample("default")
        await bus.emit("price", {"n": 2})
        await monitor.sample("default", limit=1)
    async with open_replay(tape, speed=0) as replay:
        assert len(await replay.sample("default")) == 3


async def test_what_was_redriven_or_discarded_is_gone(tape: Path, world: World) -> None:
    await _shop(world)
    async with record(live(world), tape) as monitor:
        await monitor.snapshot("default")
        (letter,) = await monitor.dead_letters("default")
        await monitor.snapshot("default")
        assert await monitor.discard("default", letter.id)
        await monitor.snapshot("default")
    async with open_replay(tape, speed=0) as replay:
        await replay.snapshot("default")
        assert [each.id for each in await replay.dead_letters("default")] == [letter.id]
        await replay.snapshot("default")
        assert await replay.dead_letters("default") == ()


async def test_an_outage_is_seen_again(tape: Path) -> None:
    monitor = StubMonitor(snapshot())
    recording = record(monitor, tape)
    await recording.snapshot("default")
    monitor.source.lose("the cable is out")
    for call in (recording.buses(), recording.snapshot("default")):
        with pytest.raises(TransportUnavailableError):
            await call
    monitor.source.find_again()
    await recording.snapshot("default")
    await recording.close()
    async with open_replay(tape, speed=0) as replay:
        await replay.snapshot("default")
        for _ in range(2):
            with pytest.raises(TransportUnavailableError, match="the cable is out"):
                await replay.snapshot("default")
        assert not replay.ended
        assert await replay.snapshot("default") == snapshot()
        assert replay.ended


async def test_only_its_owner_may_read_it(tape: Path) -> None:
    before = os.umask(0)
    try:
        async with record(StubMonitor(), tape):
            assert stat.S_IMODE(tape.stat().st_mode) == 0o600
    finally:
        os.umask(before)


async def test_a_line_is_in_the_file_when_the_call_returns(tape: Path) -> None:
    async with record(StubMonitor(snapshot()), tape) as monitor:
        await monitor.snapshot("default")
        assert tape.read_bytes().count(b"\n") == 2


def test_a_file_that_exists_is_not_overwritten(tape: Path) -> None:
    tape.write_text("mine")
    with pytest.raises(InvalidOptionError, match="exists"):
        record(StubMonitor(), tape)
    assert tape.read_text() == "mine"


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="No such file"):
        record(StubMonitor(), tmp_path / "no" / "tape")


async def test_a_recording_cannot_be_recorded(tape: Path, tmp_path: Path) -> None:
    async with record(StubMonitor(snapshot()), tape):
        pass
    async with open_replay(tape) as replay:
        with pytest.raises(InvalidOptionError, match="copy its file"):
            record(replay, tmp_path / "other")


async def test_a_full_disk_ends_the_recording_and_not_the_monitor(
    tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with record(StubMonitor(snapshot()), tape) as monitor:
        await monitor.snapshot("default")
        assert monitor.problem == ""

        def full(descriptor: int, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            assert await monitor.snapshot("default") == snapshot()
        assert "No space left" in monitor.problem
        assert str(tape) in monitor.problem
        await monitor.snapshot("default")
    assert tape.read_bytes().count(b"\n") == 2


async def test_a_write_of_a_part_is_continued(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    async with record(StubMonitor(snapshot()), tape) as monitor:
        await monitor.snapshot("default")
    monkeypatch.undo()
    async with open_replay(tape, speed=0) as replay:
        assert await replay.snapshot("default") == snapshot()


async def test_it_changes_nothing_of_the_monitor(tape: Path) -> None:
    monitor = StubMonitor(snapshot())
    recording = record(monitor, tape)
    assert recording.capabilities is monitor.capabilities
    assert (recording.recorded, recording.ended) == (False, False)
    assert await recording.drop_group("default", "orders", "billing")
    assert monitor.source.acted == [("drop_group", "default", "orders", "billing")]
    await recording.close()
    assert monitor.source.closed


async def test_a_recording_cannot_be_changed(tape: Path) -> None:
    async with record(StubMonitor(snapshot()), tape):
        pass
    async with open_replay(tape) as replay:
        for call in (
            replay.redrive("default", "1"),
            replay.discard("default", "1"),
            replay.drop_group("default", "orders", "billing"),
        ):
            with pytest.raises(UnsupportedError):
                await call
        with pytest.raises(UnsupportedError, match="recording"):
            await replay._source.redrive("default", "1")
        with pytest.raises(UnsupportedError, match="recording"):
            await replay._source.discard("default", "1")
        with pytest.raises(UnsupportedError, match="recording"):
            await replay._source.drop_group("default", "orders", "billing")


def test_the_kinds_of_channels_have_the_same_names_for_ever() -> None:
    # They stand in recordings.
    assert [kind.value for kind in ChannelKind] == ["broadcast", "inbox", "work"]
