"""Actions: refused below every screen, told in figures, and written down."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from eventbus_core.monitoring import (
    EventBusError,
    Monitor,
    TransportUnavailableError,
    open_replay,
    record,
)
from eventbus_core.transport import Redriven, StoredDeadLetter
from eventbus_tui.actions import ActionRefusedError, Actions, AuditEntry, AuditFile, Kind
from tests.tui.pieces import snapshot
from tests.tui.stub import StubMonitor, StubSource

KINDS: tuple[Kind, ...] = ("redrive", "discard", "drop_group")


def letter(id: str) -> StoredDeadLetter:
    return StoredDeadLetter(
        id=id,
        data=b"",
        event="orders",
        instance="bill-1",
        group="billing",
        reason="failed",
        error="",
        traceback="",
        attempts=5,
        died_ms=0,
    )


@pytest.fixture
def monitor() -> StubMonitor:
    made = StubMonitor(snapshot())
    made.source.letters["shop"] = [letter("1"), letter("2"), letter("3")]
    return made


class World:
    """Actions and their audit."""

    def __init__(self, monitor: Monitor, *, allowed: bool = True, file: str = "") -> None:
        self.entries: list[AuditEntry] = []
        self.actions = Actions(monitor, allowed=allowed, audit=self.entries.append, audit_file=file)

    async def do(self, kind: Kind) -> object:
        if kind == "drop_group":
            return await self.actions.drop_group("shop", "orders", "billing")
        return await getattr(self.actions, kind)("shop", ["1"])

    @property
    def entry(self) -> AuditEntry:
        (found,) = self.entries
        return found


@pytest.mark.parametrize("kind", KINDS)
async def test_read_only_refuses_before_the_store_is_asked(
    kind: Kind, monitor: StubMonitor
) -> None:
    world = World(monitor, allowed=False)
    assert "--allow-actions" in str(world.actions.refusal(kind))
    with pytest.raises(ActionRefusedError, match="--allow-actions") as caught:
        await world.do(kind)
    assert isinstance(caught.value, EventBusError)
    assert monitor.source.acted == []
    assert len(monitor.source.letters["shop"]) == 3
    assert world.entry.kind == kind
    assert world.entry.result.startswith("refused: ")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_transport_without_the_capability_refuses(kind: Kind) -> None:
    monitor = StubMonitor(snapshot(), actions=False)
    world = World(monitor)
    assert "capability" in str(world.actions.refusal(kind))
    with pytest.raises(ActionRefusedError, match="capability"):
        await world.do(kind)
    assert monitor.source.acted == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_recording_refuses_also_where_actions_are_allowed(
    kind: Kind, monitor: StubMonitor, tmp_path: Path
) -> None:
    async with record(monitor, tmp_path / "tape") as recording:
        await recording.snapshot("shop")
    async with open_replay(tmp_path / "tape") as replay:
        world = World(replay)
        assert "recording" in str(world.actions.refusal(kind))
        with pytest.raises(ActionRefusedError, match="recording"):
            await world.do(kind)
    assert world.entry.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_refused_where_all_is_given(kind: Kind, monitor: StubMonitor) -> None:
    assert World(monitor).actions.refusal(kind) is None


@pytest.mark.parametrize("kind", ["redrive", "discard"])
async def test_each_dead_letter_is_counted(kind: Kind, monitor: StubMonitor) -> None:
    world = World(monitor)
    result = await getattr(world.actions, kind)("shop", ["1", "9", "3"])
    assert (result.done, result.gone, result.failed) == (2, 1, ())
    assert monitor.source.acted == [(kind, "shop", "1"), (kind, "shop", "9"), (kind, "shop", "3")]
    assert [each.id for each in monitor.source.letters["shop"]] == ["2"]
    entry = world.entry
    assert (entry.kind, entry.bus, entry.what) == (kind, "shop", ("1", "9", "3"))
    assert entry.result == "2 done; 1 gone"
    assert entry.time.startswith("20")


async def test_what_fails_does_not_stop_the_rest(
    monitor: StubMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def redrive(self: StubSource, bus: str, dead_letter_id: str) -> Redriven:
        if dead_letter_id == "2":
            raise ValueError("odd")
        return Redriven.NO_OWNER if dead_letter_id == "1" else Redriven.DONE

    monkeypatch.setattr(StubSource, "redrive", redrive)
    world = World(monitor)
    result = await world.actions.redrive("shop", ["1", "2", "3"])
    assert (result.done, result.gone) == (1, 0)
    owner, odd = result.failed
    assert owner.startswith("1: the instance or group")
    assert odd == "2: ValueError: odd"
    assert "odd" in world.entry.result


async def test_a_store_that_is_gone_ends_it(monitor: StubMonitor) -> None:
    world = World(monitor)
    monitor.source.lose("the cable is out")
    result = await world.actions.discard("shop", ["1", "2", "3"])
    assert (result.done, result.gone) == (0, 0)
    assert result.failed == ("1: the cable is out", "2 more were not tried")


async def test_a_group_is_dropped(monitor: StubMonitor) -> None:
    world = World(monitor)
    result = await world.actions.drop_group("shop", "orders", "billing")
    assert (result.done, result.gone, result.failed) == (1, 0, ())
    assert monitor.source.acted == [("drop_group", "shop", "orders", "billing")]
    assert (world.entry.what, world.entry.result) == (("billing@orders",), "1 done")


async def test_a_group_that_is_in_use_is_told(
    monitor: StubMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drop_group(self: StubSource, bus: str, event: str, group: str) -> bool:
        return False

    monkeypatch.setattr(StubSource, "drop_group", drop_group)
    result = await World(monitor).actions.drop_group("shop", "orders", "billing")
    assert (result.done, len(result.failed)) == (0, 1)
    assert "somebody works in it" in result.failed[0]


async def test_what_was_done_before_a_cancellation_is_written_down(
    monitor: StubMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = asyncio.Event()
    plain = StubSource.discard

    async def discard(self: StubSource, bus: str, dead_letter_id: str) -> bool:
        if dead_letter_id == "2":
            second.set()
            await asyncio.Event().wait()
        return await plain(self, bus, dead_letter_id)

    monkeypatch.setattr(StubSource, "discard", discard)
    world = World(monitor)
    task = asyncio.create_task(world.actions.discard("shop", ["1", "2", "3"]))
    await second.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.entry.result == "1 done; interrupted"


async def test_the_audit_file_has_a_line_for_each_action(
    monitor: StubMonitor, tmp_path: Path
) -> None:
    path = tmp_path / "audit"
    world = World(monitor, file=str(path))
    await world.actions.discard("shop", ["1"])
    await world.actions.redrive("shop", ["2", "2"])
    refused = World(monitor, file=str(path), allowed=False)
    with pytest.raises(ActionRefusedError):
        await refused.actions.discard("shop", ["3"])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["discard", "redrive", "discard"]
    assert lines[1]["what"] == ["2", "2"]
    assert lines[1]["result"] == "1 done; 1 gone"
    assert lines[2]["result"].startswith("refused: ")
    assert lines[0].keys() == {"time", "kind", "bus", "what", "result", "user"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_cannot_be_written_down_is_not_done(
    monitor: StubMonitor, tmp_path: Path
) -> None:
    world = World(monitor, file=str(tmp_path / "no" / "folder"))
    assert world.actions.refusal("discard") is None
    with pytest.raises(ActionRefusedError, match="audit file"):
        await world.actions.discard("shop", ["1"])
    assert monitor.source.acted == []
    assert len(world.entries) == 1


async def test_an_audit_file_that_fills_up_meanwhile_is_told(
    monitor: StubMonitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: AuditFile, entry: AuditEntry) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AuditFile, "__call__", full)
    world = World(monitor, file=str(tmp_path / "audit"))
    result = await world.actions.discard("shop", ["1"])
    assert result.done == 1
    assert "No space left" in result.failed[0]


async def test_no_password_is_in_a_result(monitor: StubMonitor) -> None:
    monitor.source.error = TransportUnavailableError("redis://ada:secret@db is gone")
    world = World(monitor)
    result = await world.actions.discard("shop", ["1"])
    assert "secret" not in result.failed[0] + world.entry.result
