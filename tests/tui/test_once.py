"""`--once` and `--json` on real stores: exit statuses, output, and what is loaded."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from eventbus_core import EventBus, Message, Reject
from eventbus_core.monitoring import open_monitor
from eventbus_redis.embedded import EmbeddedServer
from tests.tui.command import environment, run, start

QUICK: Final = ("--interval", "0.1")
STORED: Final = Path(__file__).parents[1] / "monitoring" / "recordings" / "version-1.jsonl"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
async def bus(server: EmbeddedServer) -> AsyncIterator[EventBus]:
    """A healthy bus of its own."""
    async with EventBus(server.url, name=f"shop-{uuid4().hex[:8]}", group="billing") as made:
        yield made


async def ran(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The command to its end, while the buses of this process go on."""
    return await asyncio.to_thread(run, *arguments, variables=variables)


async def fail_once(bus: EventBus) -> None:
    """One message becomes a dead letter."""

    @bus.on("order")
    async def refuse(message: Message) -> None:
        raise Reject("no address")

    await bus.ready()
    await bus.emit("order", {"n": 1}, mode="anycast")
    await until_dead(bus, 1)


async def until_dead(bus: EventBus, count: int) -> None:
    async with asyncio.timeout(10):
        while len(await bus.dead_letters.list()) < count:
            await asyncio.sleep(0.005)


async def until_listed(server: EmbeddedServer, bus: str) -> None:
    """A bus is listed from its first heartbeat on."""
    async with open_monitor(server.url) as monitor, asyncio.timeout(10):
        while bus not in await monitor.buses():
            await asyncio.sleep(0.02)


async def report(*arguments: str, status: int, **variables: str) -> Any:
    done = await ran("--json", *QUICK, *arguments, **variables)
    assert (done.returncode, done.stderr) == (status, "")
    found = json.loads(done.stdout)
    assert (found["schema"], found["exit_status"]) == ("eventbus-tui/1", status)
    return found


async def test_a_healthy_bus(server: EmbeddedServer, bus: EventBus) -> None:
    await bus.emit("note", {"n": 1})
    found = await report("--bus", bus.name, server.url, status=0)
    assert (found["status"], found["bus"], found["stored"]) == ("ok", bus.name, True)
    view = found["view"]
    assert view["looks"] == 2
    assert [each["id"] for each in view["instances"]] == [bus.id]
    assert (view["findings"], view["rate_in"]) == ([], 0.0)
    assert view["server"]["where"] == server.url


async def test_a_warning(server: EmbeddedServer, bus: EventBus) -> None:
    await fail_once(bus)
    found = await report("--bus", bus.name, server.url, status=1)
    assert [each["code"] for each in found["view"]["findings"]] == ["DEAD-LETTERS"]
    assert found["view"]["dead_letters"]["count"] == 1


async def test_a_critical_one(server: EmbeddedServer, bus: EventBus) -> None:
    await fail_once(bus)
    flags = ("--threshold", "dead_letters_critical=1", "--bus", bus.name)
    await bus.emit("order", {"n": 2}, mode="anycast")
    await until_dead(bus, 2)
    found = await report(*flags, server.url, status=2)
    assert [each["severity"] for each in found["view"]["findings"]] == ["critical"]


async def test_text(server: EmbeddedServer, bus: EventBus) -> None:
    await fail_once(bus)
    done = await ran("--once", *QUICK, "--bus", bus.name, server.url)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"▲ WARNING  bus {bus.name}")
    assert "FINDINGS (1)" in lines
    assert "\x1b" not in done.stdout
    assert max(map(len, lines)) <= 80


async def test_the_bus_is_chosen(bus: EventBus) -> None:
    # On a server of its own: others would be chosen from too.
    with EmbeddedServer() as alone:
        found = await report(alone.url, status=0)
        assert (found["bus"], found["buses"], found["view"]) == (None, [], None)
        async with EventBus(alone.url, name="z"):
            await until_listed(alone, "z")
            found = await report(alone.url, status=0)
            assert found["bus"] == "z"
            async with EventBus(alone.url, name="default"):
                await until_listed(alone, "default")
                found = await report(EVENTBUS_URL=alone.url, status=0)
                assert (found["bus"], found["buses"]) == ("default", ["default", "z"])


async def test_a_bus_that_is_not_stored_is_a_warning(server: EmbeddedServer) -> None:
    found = await report("--bus", "nobody", server.url, status=1)
    assert (found["status"], found["stored"], found["bus"]) == ("warning", False, "nobody")
    done = await ran("--once", *QUICK, "--bus", "nobody", server.url)
    assert done.returncode == 1
    assert "bus nobody is not stored there" in done.stdout


async def test_a_store_that_cannot_be_reached() -> None:
    found = await report("redis://127.0.0.1:1/0", status=3)
    assert found["status"] == "unreachable"
    assert "redis://127.0.0.1:1/0" in found["error"]
    done = await ran("--once", "redis://127.0.0.1:1/0")
    assert (done.returncode, done.stderr) == (3, "")
    assert "✖ UNREACHABLE" in done.stdout


async def test_a_password_that_is_wrong(tmp_path: Path) -> None:
    with EmbeddedServer(tcp=True, config={"requirepass": "right"}) as guarded:
        place = guarded.url.removeprefix("redis://")
        found = await report(f"redis://:wr0ng@{place}", status=3)
        assert "wr0ng" not in json.dumps(found)
        tape = tmp_path / "tape"
        found = await report(f"redis://:right@{place}", "--record", str(tape), status=0)
        assert "right" not in json.dumps(found) + tape.read_text()


async def test_a_store_in_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    async with EventBus(url, name="shop") as bus:
        await bus.emit("note", {"n": 1})
        found = await report(url, status=0)
        assert (found["bus"], found["view"]["server"]["product"]) == ("shop", "SQLite")
        assert [each["id"] for each in found["view"]["instances"]] == [bus.id]


async def test_the_end_of_a_recording() -> None:
    found = await report("--replay", str(STORED), "--interval", "100", status=1)
    assert (found["bus"], found["stored"]) == ("shop", True)
    assert {each["id"] for each in found["view"]["instances"]} == {"billing-1", "office-1"}
    assert found["view"]["looks"] == 6
    assert [each["code"] for each in found["view"]["findings"]] == ["DEAD-LETTERS"]
    done = await ran("--once", "--replay", str(STORED))
    assert done.returncode == 1
    assert "memory://" in done.stdout.splitlines()[0]


async def test_a_damaged_recording(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    lines = STORED.read_text().splitlines()
    tape.write_text("\n".join([*lines[:3], "{", *lines[3:]]))
    done = await ran("--once", "--replay", str(tape))
    assert (done.returncode, done.stdout) == (64, "")
    assert "damaged in line 4" in done.stderr


async def test_what_was_recorded_is_reported_again(
    server: EmbeddedServer, bus: EventBus, tmp_path: Path
) -> None:
    await fail_once(bus)
    tape = str(tmp_path / "tape")
    await until_listed(server, bus.name)
    before = await report("--bus", bus.name, "--record", tape, server.url, status=1)
    after = await report("--replay", tape, "--bus", bus.name, status=1)
    # These are about the looking itself, not about what was seen.
    for found in (before, after):
        del found["made_ms"], found["view"]["poll_seconds"]
    rates = before["view"].pop("rate_in"), after["view"].pop("rate_in")
    assert rates[0] == pytest.approx(rates[1], rel=0.1)
    assert after["buses"] == before["buses"]
    assert after["view"]["streams"][0]["length"] == before["view"]["streams"][0]["length"]
    assert after["view"]["findings"] == before["view"]["findings"]
    assert after["view"]["journal"] == before["view"]["journal"]
    assert after["view"]["server"] == before["view"]["server"]


async def test_a_demonstration() -> None:
    found = await report("--demo", "--scenario", "calm", "--seed", "3", status=0)
    assert (found["bus"], found["stored"]) == ("shop", True)
    assert found["view"]["server"]["product"] in ("Valkey", "Redis", "memory")


@pytest.mark.parametrize("flag", ["--once", "--json"])
def test_nobody_reads(server: EmbeddedServer, flag: str) -> None:
    process = start(flag, *QUICK, "--bus", "nobody", server.url)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(30) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_knows_no_signs(server: EmbeddedServer, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eventbus_tui", "--once", *QUICK, "--bus", "bücher", server.url],
        capture_output=True,
        timeout=30,
        env=environment(PYTHONIOENCODING=encoding),
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"! WARNING  bus b")
    assert done.stdout.isascii()


LOADED: Final = """
import sys
from eventbus_tui.cli import main
status = main(sys.argv[1:])
print(status, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [("--once",), ("--json",), ("config", "show")])
def test_reports_load_neither_textual_nor_rich(
    server: EmbeddedServer, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments, *QUICK, server.url],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(),
        check=True,
    )
    loaded = done.stderr.split()
    assert "eventbus_tui" in loaded
    assert not {"textual", "rich", "markdown_it"} & {*loaded}


def test_the_command_line_loads_nothing_but_argparse() -> None:
    code = (
        "import sys, eventbus_tui.__main__ as m\n"
        "print(*{n.partition('.')[0] for n in sys.modules} - sys.stdlib_module_names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert [n for n in done.stdout.split() if not re.match(r"_|eventbus_tui$", n)] == []
