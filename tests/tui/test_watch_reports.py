"""`--watch`: reports that go on whatever happens, until somebody ends it."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from eventbus_core import EventBus
from eventbus_core.monitoring import BusSnapshot, Monitor
from eventbus_redis.embedded import EmbeddedServer
from eventbus_tui import feed as feed_module
from eventbus_tui.report import Report
from eventbus_tui.settings import Settings
from eventbus_tui.usage import Status
from eventbus_tui.watching import watch_reports
from tests.tui.command import start
from tests.tui.pieces import snapshot
from tests.tui.stub import StubMonitor

STORED: Final = Path(__file__).parents[1] / "monitoring" / "recordings" / "version-1.jsonl"


def fresh() -> BusSnapshot:
    """As of a store whose clock is right."""
    return replace(snapshot(), at_ms=time.time_ns() // 1_000_000)


class Reports:
    """What was written, and a way to wait for more."""

    def __init__(self) -> None:
        self.all: list[Report] = []
        self.more = asyncio.Event()

    def write(self, report: Report) -> None:
        self.all.append(report)
        self.more.set()

    async def until(self, condition: Callable[[Report], bool]) -> Report:
        async with asyncio.timeout(10):
            while not (self.all and condition(self.all[-1])):
                self.more.clear()
                await self.more.wait()
        return self.all[-1]


@asynccontextmanager
async def watching(monitor: Monitor, *, bus: str = "") -> AsyncIterator[Reports]:
    reports = Reports()
    settings = Settings(interval=0.01, watch=0.02)
    task = asyncio.create_task(watch_reports(monitor, settings, bus, reports.write))
    try:
        yield reports
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FIRST_RETRY", 0.001)
    monkeypatch.setattr(feed_module, "LONGEST_RETRY", 0.002)


async def test_the_first_report_has_rates_and_others_follow() -> None:
    async with watching(StubMonitor(fresh())) as reports:
        await reports.until(lambda report: len(reports.all) >= 3)
    views = [report.view for report in reports.all]
    assert views[0] is not None and views[0].looks >= 2
    assert [report.status for report in reports.all] == [Status.OK] * len(views)
    looks = [view.looks for view in views if view is not None]
    assert looks == sorted(looks)


async def test_a_store_that_comes_and_goes(quick: None) -> None:
    monitor = StubMonitor(fresh())
    monitor.source.lose("not yet")
    async with watching(monitor) as reports:
        first = await reports.until(lambda report: True)
        assert (first.status, first.error, first.view) == (Status.UNREACHABLE, "not yet", None)
        monitor.source.find_again()
        found = await reports.until(lambda report: report.status is Status.OK)
        assert (found.bus, found.error) == ("default", "")
        monitor.source.lose("gone again")
        await reports.until(lambda report: report.error == "gone again")


async def test_a_store_without_a_bus_and_one_that_is_not_stored() -> None:
    async with watching(StubMonitor()) as reports:
        report = await reports.until(lambda report: True)
        assert (report.bus, report.status, report.view) == ("", Status.OK, None)
    async with watching(StubMonitor(fresh()), bus="mine") as reports:
        report = await reports.until(lambda report: True)
        assert (report.bus, report.status, report.stored) == ("mine", Status.WARNING, False)


async def test_what_writing_raises_ends_it() -> None:
    def write(report: Report) -> None:
        raise BrokenPipeError

    settings = Settings(interval=0.01, watch=0.02)
    with pytest.raises(BrokenPipeError):
        async with asyncio.timeout(10):
            await watch_reports(StubMonitor(fresh()), settings, "", write)


async def test_it_looks_at_least_as_often_as_it_reports() -> None:
    told = Reports()
    settings = Settings(interval=3600.0, watch=0.02)
    task = asyncio.create_task(watch_reports(StubMonitor(fresh()), settings, "", told.write))
    await told.until(lambda report: report.view is not None and report.view.looks >= 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _lines(process: Any, count: int) -> list[Any]:
    """So many reports of a process that watches."""
    read = [await asyncio.to_thread(process.stdout.readline) for _ in range(count)]
    return [json.loads(line) for line in read]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_with_the_last_status(number: signal.Signals) -> None:
    with EmbeddedServer() as server:
        async with EventBus(server.url, name="shop"):
            process = start(
                "--watch", "0.2", "--json", "--interval", "0.1", "--bus", "shop", server.url
            )
            first, second = await _lines(process, 2)
            assert (first["status"], second["status"]) == ("ok", "ok")
            assert second["view"]["looks"] > first["view"]["looks"]
            server.kill()
            lost = {"status": ""}
            while lost["status"] != "unreachable":
                (lost,) = await _lines(process, 1)
            assert server.url in str(lost["error"])
            process.send_signal(number)
            assert await asyncio.to_thread(process.wait, 10) == 3
            rest, errors = process.communicate()
            assert errors == ""
            assert all(json.loads(line) for line in rest.splitlines())


async def test_text_reports_have_a_line_between_them() -> None:
    process = start("--watch", "0.1", "redis://127.0.0.1:1/0")
    assert process.stdout is not None
    lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(5)]
    assert lines[0].startswith("✖ UNREACHABLE")
    assert "\n" in lines
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 3


async def test_nobody_reads_any_more() -> None:
    process = start("--watch", "0.1", "--json", "redis://127.0.0.1:1/0")
    await _lines(process, 1)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert await asyncio.to_thread(process.wait, 10) == 3
    with process.stderr:
        assert process.stderr.read() == ""


async def test_a_recording_is_played_to_its_end() -> None:
    process = start(
        "--watch", "0.1", "--json", "--interval", "0.1", "--replay", str(STORED), "--speed", "100"
    )
    out, errors = await asyncio.to_thread(process.communicate, None, 20)
    reports = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, errors) == (1, "")
    assert reports[-1]["view"]["dead_letters"]["count"] >= 1
