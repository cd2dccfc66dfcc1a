"""What it costs to look at a large bus: the server's CPU and the monitor's own.

    .venv/bin/python benchmarks/monitor_load.py [--rounds 6] [--seconds 5] [--rate 500]
        [--flow 5000]

The bus is that of loaded_bus.py (200 streams, 400 groups, 500 instances, each with an inbox) on
an embedded server at a unix socket; its load runs in a process of its own. `snapshot` is taken once
a second, first alone and then with `Watch`; then `sample`, the newest 100 messages since the last
one seen, four times a second, while `--flow` messages a second are stored. Each in two ways:

- In turns: one second's worth of load, then a look while nothing else happens. The server's
  `used_cpu_user + used_cpu_sys` of INFO before and after the look, and `time.process_time` of this
  process over it: exact, and free of what else the machine does.
- At the same time: phases without and with looks, in turns. The server: each phase with is compared
  with the one before it; the load itself varies by some percent. The monitor: `process_time` of
  this process, which does nothing else.

Given in percent of one core: median, least and most. The longest script of a look is from SLOWLOG.
"""

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import redis

from eventbus_core.monitoring import Monitor, Thresholds, Watch, open_monitor
from eventbus_redis.embedded import EmbeddedServer

BUS = "large"
LOAD = Path(__file__).with_name("loaded_bus.py")
Look = Callable[[], Awaitable[object]]


class Load:
    """The process that makes the bus and its load."""

    def __init__(self, server: EmbeddedServer, rate: int) -> None:
        command = [sys.executable, str(LOAD), server.url, BUS, str(rate)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._hear(b"loaded\n")

    def turn(self) -> None:
        """One second's worth of load."""
        self._say(b"turn\n")
        self._hear(b"turned\n")

    def run(self) -> None:
        """From now on it goes on by itself."""
        self._say(b"run\n")
        time.sleep(1.0)

    def close(self) -> None:
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
        assert process.returncode == 0, "the load has failed"

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _hear(self, line: bytes) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == line, "the load has stopped"


class Bench:
    """Measures looks at one server."""

    def __init__(self, server: EmbeddedServer, load: Load, rounds: int, seconds: float) -> None:
        self.admin = redis.Redis(unix_socket_path=server.url.removeprefix("unix://"))
        self._load, self._rounds, self._seconds = load, rounds, seconds

    async def in_turns(self, name: str, look: Look, a_second: int) -> None:
        """Measure looks between the load, and print a line."""
        theirs, mine, took = [], [], list[float]()
        for _ in range(5 + round(self._rounds * self._seconds)):
            self._load.turn()
            before, began, at = self._server_cpu(), time.process_time(), time.monotonic()
            assert look is not None
            await look()
            mine.append((time.process_time() - began) * a_second)
            took.append(time.monotonic() - at)
            theirs.append((self._server_cpu() - before - self._reading) * a_second)
        told(f"{name}, in turns", theirs[5:], mine[5:], took[5:])

    async def at_once(self, name: str, look: Look, a_second: int) -> None:
        """Measure phases without and with looks, and print a line."""
        theirs, mine, took = [], [], list[float]()
        for _ in range(self._rounds):
            without = await self._phase(None, a_second, took)
            began = time.process_time()
            within = await self._phase(look, a_second, took)
            mine.append((time.process_time() - began) / self._seconds)
            theirs.append(within - without)
        told(f"{name}, at once", theirs, mine, took)

    async def _phase(self, look: Look | None, a_second: int, took: list[float]) -> float:
        """Return the server's CPU, in cores."""
        loop = asyncio.get_running_loop()
        began, before = loop.time(), self._server_cpu()
        for number in range(round(self._seconds * a_second) if look else 0):
            await asyncio.sleep(began + number / a_second - loop.time())
            at = loop.time()
            assert look is not None
            await look()
            took.append(loop.time() - at)
        await asyncio.sleep(began + self._seconds - loop.time())
        return (self._server_cpu() - before) / (loop.time() - began)

    def _server_cpu(self) -> float:
        """Seconds of CPU that the server has used."""
        told: Any = self.admin.info("cpu")
        return float(told["used_cpu_user"] + told["used_cpu_sys"])

    @cached_property
    def _reading(self) -> float:
        """What the server needs to tell of its CPU."""
        return statistics.median(-self._server_cpu() + self._server_cpu() for _ in range(100))

    async def longest_script(self, look: Look) -> float:
        """Milliseconds of the longest call of a read-only script during ten looks."""
        self.admin.config_set("slowlog-max-len", 10_000)
        self.admin.config_set("slowlog-log-slower-than", 50)
        self.admin.slowlog_reset()
        for _ in range(10):
            assert look is not None
            await look()
            await asyncio.sleep(0.1)
        self.admin.config_set("slowlog-log-slower-than", -1)
        slow: Any = self.admin.slowlog_get(10_000)
        mine = [each["duration"] for each in slow if each["command"].startswith(b"EVALSHA_RO")]
        return max(mine, default=0) / 1000


def told(name: str, server: list[float], monitor: list[float], took: list[float]) -> None:
    print(
        f"{name:<30} server {percent(server)}   monitor {percent(monitor)}"
        f"   a look takes {statistics.median(took) * 1000:.1f} ms, at most {max(took) * 1000:.1f}"
    )


def percent(shares: list[float]) -> str:
    low, middle, high = (100 * x for x in (min(shares), statistics.median(shares), max(shares)))
    return f"{middle:5.2f} % [{low:.2f}-{high:.2f}]"


async def snapshots(monitor: Monitor, bench: Bench, load: Load) -> None:
    watch = Watch(Thresholds())

    async def alone() -> None:
        await monitor.snapshot(BUS)

    async def watched() -> None:
        began = time.monotonic()
        snapshot = await monitor.snapshot(BUS)
        now = time.monotonic()
        watch.see(snapshot, now=now, poll_seconds=now - began)

    seen = await monitor.snapshot(BUS)
    print(
        f"{len(seen.streams)} streams, {len(seen.groups)} groups and inboxes, "
        f"{len(seen.instances)} instances"
    )
    await bench.in_turns("snapshot", alone, 1)
    await bench.in_turns("snapshot and Watch", watched, 1)
    load.run()
    await bench.at_once("snapshot", alone, 1)
    await bench.at_once("snapshot and Watch", watched, 1)
    print(f"longest script: {await bench.longest_script(alone):.2f} ms")


async def samples(monitor: Monitor, bench: Bench, load: Load) -> None:
    since, sizes = 0, []

    async def look() -> None:
        nonlocal since
        seen = await monitor.sample(BUS, limit=100, since_ms=since)
        sizes.append(len(seen))
        since = seen[-1].stored_ms if seen else since

    await bench.in_turns("sample", look, 4)
    load.run()
    await bench.at_once("sample", look, 4)
    print(
        f"messages of a sample: {statistics.median(sizes):.0f}; "
        f"longest script: {await bench.longest_script(look):.2f} ms"
    )


async def measure(
    server: EmbeddedServer,
    load: Load,
    what: Callable[[Monitor, Bench, Load], Awaitable[None]],
    args: argparse.Namespace,
) -> None:
    bench = Bench(server, load, args.rounds, args.seconds)
    with contextlib.closing(bench.admin):
        async with open_monitor(server.url) as monitor:
            await what(monitor, bench, load)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a phase")
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--flow", type=int, default=5000)
    arguments = parser.parse_args()
    for rate, what in ((arguments.rate, snapshots), (arguments.flow, samples)):
        print(f"under {rate} messages a second:")
        with EmbeddedServer() as server, contextlib.closing(Load(server, rate)) as load:
            asyncio.run(measure(server, load, what, arguments))


if __name__ == "__main__":
    main()
