"""Playing a recording: in its own time, and as far as it can be read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventbus_core.monitoring import (
    InvalidOptionError,
    RecordingError,
    Thresholds,
    TransportUnavailableError,
    Watch,
    open_replay,
    record,
)
from eventbus_core.monitoring import recording as recording_module
from eventbus_core.monitoring import replay as replay_module
from eventbus_core.monitoring.recording_format import VERSION
from tests.tui.pieces import snapshot, stream
from tests.tui.stub import StubMonitor

STORED = Path(__file__).with_name("recordings")
HEADER = {"format": "eventbus-recording", "version": 1, "made_ms": 0, "capabilities": ["redrive"]}


class HandClock:
    """Stands in for the module `time`, where only the monotonic clock is used."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    made = HandClock()
    monkeypatch.setattr(recording_module, "time", made)
    monkeypatch.setattr(replay_module, "time", made)
    return made


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "tape"


def pictures(count: int, bus: str = "default") -> list[Any]:
    return [snapshot([stream("orders", added=n)], bus=bus) for n in range(count)]


async def recorded(tape: Path, clock: HandClock, count: int = 4, *, every: float = 1.0) -> None:
    """Looks every so many seconds, the first one half a second after the start."""
    async with record(StubMonitor(*pictures(count)), tape) as monitor:
        await monitor.buses()
        clock.seconds += 0.5
        for _ in range(count):
            await monitor.snapshot("default")
            clock.seconds += every
    clock.seconds += 5_000


def rewrite(tape: Path, change: Callable[[list[str]], list[str]]) -> None:
    tape.write_text("".join(f"{line}\n" for line in change(tape.read_text().splitlines())))


async def test_it_shows_what_was_at_that_time(tape: Path, clock: HandClock) -> None:
    await recorded(tape, clock)
    first, second, third, last = pictures(4)
    async with open_replay(tape) as replay:
        assert await replay.buses() == ("default",)
        assert await replay.snapshot("default") == first  # nobody waits for the first one
        assert replay.now() == 0.5
        clock.seconds += 0.9
        assert await replay.snapshot("default") == first
        clock.seconds += 0.2
        assert await replay.snapshot("default") == second
        assert (replay.now(), replay.ended) == (1.5, False)
        clock.seconds += 1.0
        assert await replay.snapshot("default") == third
        clock.seconds += 100.0
        assert await replay.snapshot("default") == last
        assert (replay.now(), replay.ended) == (3.5, True)
        assert await replay.snapshot("default") == last


async def test_looks_may_be_left_out(tape: Path, clock: HandClock) -> None:
    await recorded(tape, clock)
    async with open_replay(tape) as replay:
        await replay.snapshot("default")
        clock.seconds += 2.1
        assert await replay.snapshot("default") == pictures(4)[2]


async def test_it_can_be_played_faster(tape: Path, clock: HandClock) -> None:
    await recorded(tape, clock)
    async with open_replay(tape, speed=10.0) as replay:
        await replay.snapshot("default")
        clock.seconds += 0.21
        assert await replay.snapshot("default") == pictures(4)[2]


async def test_rates_are_those_of_then_at_any_speed(tape: Path, clock: HandClock) -> None:
    await recorded(tape, clock, every=2.0)
    watch = Watch(Thresholds())
    async with open_replay(tape, speed=0) as replay:
        while not replay.ended:
            picture = await replay.snapshot("default")
            view = watch.see(picture, now=replay.now(), poll_seconds=0.0)
    assert view.streams[0].rate_in == 0.5


async def test_the_clock_starts_with_the_first_call(tape: Path, clock: HandClock) -> None:
    await recorded(tape, clock)
    async with open_replay(tape) as replay:
        clock.seconds += 100
        assert await replay.snapshot("default") == pictures(4)[0]


@pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf"), "fast", None])
def test_a_wrong_speed(tape: Path, speed: Any) -> None:
    with pytest.raises(InvalidOptionError, match="speed"):
        open_replay(tape, speed=speed)


async def test_a_bus_that_was_not_looked_at_is_empty(tape: Path, clock: HandClock) -> None:
    await recorded(tape, clock)
    async with open_replay(tape) as replay:
        before = await replay.snapshot("default")
        other = await replay.snapshot("other")
    assert (other.bus, other.streams, other.groups, other.instances) == ("other", (), (), ())
    assert (other.server, other.at_ms) == (before.server, before.at_ms)
    assert other.dead_letters.count == 0


async def test_each_bus_has_its_own_looks(tape: Path, clock: HandClock) -> None:
    monitor = StubMonitor(*pictures(2, "a"), *pictures(2, "b"))
    async with record(monitor, tape) as recording:
        for bus in ("a", "b", "a", "b"):
            await recording.snapshot(bus)
    async with open_replay(tape, speed=0) as replay:
        assert [await replay.snapshot("b") for _ in range(2)] == pictures(2, "b")
        assert await replay.snapshot("a") == pictures(2, "a")[1]
        assert await replay.buses() == ("a", "b")


async def test_an_outage_lasts_as_long_as_it_did(tape: Path, clock: HandClock) -> None:
    monitor = StubMonitor(*pictures(2))
    recording = record(monitor, tape)
    await recording.snapshot("default")
    clock.seconds += 1.0
    monitor.source.lose("gone")
    with pytest.raises(TransportUnavailableError):
        await recording.buses()
    clock.seconds += 2.0
    monitor.source.find_again()
    await recording.snapshot("default")
    await recording.close()
    async with open_replay(tape) as replay:
        await replay.snapshot("default")
        clock.seconds += 1.5
        for call in (replay.snapshot("default"), replay.buses()):
            with pytest.raises(TransportUnavailableError, match="gone"):
                await call
        clock.seconds += 2.0
        assert await replay.snapshot("default") == pictures(2)[1]


async def test_a_recording_without_a_look(tape: Path) -> None:
    async with record(StubMonitor(), tape):
        pass
    for speed in (0.0, 1.0):
        async with open_replay(tape, speed=speed) as replay:
            picture = await replay.snapshot("default")
            assert (picture.streams, picture.server.product) == ((), "recording")
            assert picture.server.unknown["clients"] == "nothing was recorded"
            assert await replay.buses() == ()
            assert replay.ended


@pytest.mark.parametrize("cut", [1, 2, 40])
async def test_a_last_line_that_was_not_finished_is_left_out(
    tape: Path, clock: HandClock, cut: int
) -> None:
    await recorded(tape, clock)
    whole = tape.read_bytes()
    tape.write_bytes(whole[:-cut])
    async with open_replay(tape, speed=0) as replay:
        seen = []
        while not replay.ended:
            seen.append(await replay.snapshot("default"))
    # Only the end of the line is missing where one byte is cut.
    assert seen == pictures(4)[: 4 if cut == 1 else 3]


async def test_a_damaged_line_is_named(tape: Path, clock: HandClock) -> None:
    await recorded(tape, clock)
    rewrite(tape, lambda lines: [*lines[:3], lines[3][:-5], *lines[4:]])
    for speed in (0.0, 1.0):
        async with open_replay(tape, speed=speed) as replay:
            assert await replay.snapshot("default") == pictures(4)[0]
            assert not replay.ended
            clock.seconds += 100
            for _ in range(2):
                with pytest.raises(RecordingError, match="damaged in line 4: ") as caught:
                    await replay.snapshot("default")
                assert str(tape) in str(caught.value)
            assert replay.ended


@pytest.mark.parametrize(
    "line",
    [
        "null",
        "{}",
        '{"record":"riddle","at":1}',
        '{"record":"buses","at":"soon","names":[]}',
        '{"record":"look","at":1,"bus":"default","fields":{"at_ms":"x"},'
        '"streams":{},"groups":{},"instances":{}}',
        '{"record":"look","at":1,"bus":"default","fields":{},'
        '"streams":{"order":["work never"]},"groups":{},"instances":{}}',
    ],
)
async def test_lines_that_make_no_sense(tape: Path, clock: HandClock, line: str) -> None:
    await recorded(tape, clock)
    rewrite(tape, lambda lines: [*lines[:3], line, *lines[3:]])
    async with open_replay(tape, speed=0) as replay:
        await replay.snapshot("default")
        with pytest.raises(RecordingError, match="damaged in line 4: "):
            await replay.snapshot("default")


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("", "is empty"),
        ("not json\n", "is no recording"),
        ("[]\n", "is no recording"),
        ('{"format":"other","version":1}\n', "is no recording"),
        ('{"format":"eventbus-recording","version":1}\n', "damaged in line 1"),
    ],
)
def test_files_that_are_no_recordings(tape: Path, first: str, why: str) -> None:
    tape.write_text(first)
    with pytest.raises(RecordingError, match=why):
        open_replay(tape)


def test_a_newer_version_is_refused(tape: Path) -> None:
    tape.write_text(json.dumps({**HEADER, "version": VERSION + 1, "library": "9.1"}) + "\n")
    with pytest.raises(RecordingError, match=f"version {VERSION + 1}, made by .* 9.1; .* newer"):
        open_replay(tape)


def test_files_that_cannot_be_opened(tape: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        open_replay(tape)
    with pytest.raises(RecordingError, match="directory"):
        open_replay(tmp_path)


async def test_the_newest_messages_are_kept(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "_KEPT_MESSAGES", 3)
    message = {"kind": "work", "name": "job", "data": "AA=="}
    records = [
        {
            "record": "messages",
            "at": 0,
            "bus": "default",
            "messages": [{**message, "position": f"{n}", "stored_ms": n}],
        }
        for n in (5, 1, 2, 4, 3)
    ]
    tape.write_text("".join(json.dumps(each) + "\n" for each in [HEADER, *records]))
    async with open_replay(tape, speed=0) as replay:
        sample = await replay.sample("default")
        assert [each.stored_ms for each in sample] == [3, 4, 5]
        assert await replay.sample("other") == ()


@pytest.mark.parametrize("name", sorted(path.name for path in STORED.iterdir()))
async def test_recordings_of_earlier_versions_can_be_read(name: str) -> None:
    async with open_replay(STORED / name, speed=0) as replay:
        looks = []
        while not replay.ended:
            looks.append(await replay.snapshot("shop"))
        assert len(looks) >= 3
        assert looks[-1].groups and looks[-1].instances and looks[-1].streams
        assert looks[-1].journal and looks[-1].options is not None
        assert any(each.vitals for each in looks[-1].instances)
        (sampled, *_) = await replay.sample("shop")
        found = await replay.find("shop", sampled.id)
        assert found is not None and found.deliveries
        assert await replay.dead_letters("shop")
