"""The flow screen while thousands of messages a second are stored: CPU, keys, memory.

    .venv/bin/python benchmarks/tui_flow.py [--seconds 60] [--rate 5000] [--size 120x36] [--json]

An embedded server; a process that emits `--rate` messages a second in all three modes; a process
that handles the unicast and anycast ones; and the real app in a pseudo-terminal, on the flow
screen, following. After ten seconds:

- CPU of the app: user and system time of its process over wall time, in percent of one core, every
  second. The server's too, with the emitters' load in it.
- Keys: twice a second one of `f` (stop and go on following) is pressed; the time until its answer
  has been written to the terminal. It says FOLLOW OFF or FOLLOW in the line of counters.
- Memory: resident size of the app, every second; given is its growth from one third of the time,
  when the buffer of 20,000 rows is full, to the end.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from itertools import cycle, islice
from pathlib import Path

from eventbus_core import EventBus, Message
from eventbus_redis.embedded import EmbeddedServer

BUS = "bench"
TICK = 0.05
WARM_UP = 10.0
FULL_BUFFER = 20_000 / 400
"""Seconds until the buffer is full: 100 rows four times a second."""
EVENTS = tuple(f"shop.order.{word}" for word in ("placed", "paid", "packed", "sent", "returned"))
PAYLOAD = {"id": 12345, "name": "Ada Lovelace", "tags": ["a", "b"], "total": 12.5, "note": "n" * 60}
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


async def emit(url: str, rate: int) -> None:
    """So many messages a second, for ever; one in ten unicast, three anycast, six broadcast."""
    modes = cycle(["anycast"] * 3 + ["broadcast"] * 6 + ["unicast"])
    events = cycle(EVENTS)
    async with EventBus(url, name=BUS, role="publisher") as bus:
        due, began = 0, time.monotonic()
        while True:
            due += round(rate * TICK)
            calls = []
            for mode in islice(modes, round(rate * TICK)):
                target = "worker" if mode == "unicast" else None
                calls.append(bus.emit(next(events), PAYLOAD, mode=mode, target=target))
            await asyncio.gather(*calls)
            await asyncio.sleep(max(0.0, began + due / rate - time.monotonic()))


async def nothing(message: Message) -> None:
    """Handle it."""


async def handle(url: str) -> None:
    """Handle unicast and anycast messages, for ever."""
    async with EventBus(url, name=BUS, instance_id="worker", group="billing") as bus:
        for event in EVENTS:
            bus.on(event, nothing, modes=["anycast", "unicast"], concurrency=500)
        print("ready", flush=True)
        await asyncio.Event().wait()


def show(url: str, bus: str) -> None:
    """The app."""
    from eventbus_core.monitoring import open_monitor
    from eventbus_tui.app import MonitorApp
    from eventbus_tui.settings import Settings

    MonitorApp(open_monitor(url), Settings(bus=bus, screen="flow")).run()


class Shown:
    """The app in a pseudo-terminal."""

    def __init__(self, url: str, width: int, height: int, *, bus: str = BUS) -> None:
        # As the command line sets it: no more frames than anybody sees.
        env = {
            **os.environ,
            "TERM": "xterm-256color",
            "TEXTUAL_FPS": "30",
            "COLORTERM": "truecolor",
        }
        self.pid, self._terminal = pty.fork()
        if not self.pid:
            os.execve(
                sys.executable,
                [sys.executable, __file__, "--role", "show", "--url", url, "--bus", bus],
                env,
            )
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)
        self.written = 0

    def read(self, seconds: float, wanted: bytes = b"") -> float | None:
        """Take what it writes for so long, or until it writes `wanted`; then after how long."""
        began, tail = time.perf_counter(), b""
        while (left := began + seconds - time.perf_counter()) > 0:
            ready, _, _ = select.select([self._terminal], [], [], left)
            if ready:
                try:
                    data = os.read(self._terminal, 65536)
                except OSError:
                    raise SystemExit(
                        f"the app has ended: {tail.decode(errors='replace')}"
                    ) from None
                self.written += len(data)
                tail = tail[-100:] + data
                if wanted and wanted in tail:
                    return time.perf_counter() - began
        return None

    def press(self, key: bytes) -> None:
        os.write(self._terminal, key)

    def close(self) -> None:
        with contextlib.suppress(OSError, SystemExit):
            self.press(b"q")
            self.read(2.0)
        os.close(self._terminal)
        os.waitpid(self.pid, 0)


def cpu(pid: int) -> float:
    """Seconds of user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident(pid: int) -> int:
    """Bytes in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def measure(shown: Shown, server: int, seconds: float) -> dict[str, object]:
    """Watch it for so long."""
    began = last = time.monotonic()
    app_cpu, server_cpu = cpu(shown.pid), cpu(server)
    written = shown.written
    loads: list[float] = []
    servers: list[float] = []
    memory: list[tuple[float, int]] = []
    keys: list[float] = []
    missed, following = 0, True
    while last - began < seconds:
        shown.press(b"f")
        took = shown.read(2.0, b"FOLLOW OFF" if following else b"following the newest")
        following = not following
        if took is None:
            missed += 1
        else:
            keys.append(took)
        shown.read(max(0.0, 0.5 - (took or 0.0)))
        now = time.monotonic()
        if now - last >= 1.0:
            spent, served = cpu(shown.pid), cpu(server)
            loads.append((spent - app_cpu) / (now - last) * 100)
            servers.append((served - server_cpu) / (now - last) * 100)
            memory.append((now - began, resident(shown.pid)))
            app_cpu, server_cpu, last = spent, served, now
    keys.sort()
    full = [each for at, each in memory if at > min(FULL_BUFFER, seconds / 3)]
    return {
        "seconds": round(last - began, 1),
        "app cpu percent": {
            "mean": round(statistics.mean(loads), 1),
            "median": round(statistics.median(loads), 1),
            "max": round(max(loads), 1),
        },
        "server cpu percent": {"median": round(statistics.median(servers), 1)},
        "key ms": {
            "pressed": len(keys) + missed,
            "unanswered": missed,
            "median": round(statistics.median(keys) * 1000, 1),
            "p99": round(keys[min(len(keys) - 1, int(len(keys) * 0.99))] * 1000, 1),
            "max": round(keys[-1] * 1000, 1),
        },
        "terminal kB per s": round((shown.written - written) / (last - began) / 1000, 1),
        "memory MB": {
            "start": round(memory[0][1] / 2**20, 1),
            "full buffer": round(full[0] / 2**20, 1),
            "end": round(memory[-1][1] / 2**20, 1),
            "growth since full": round((statistics.median(full[-5:]) - full[0]) / 2**20, 1),
            "each tenth": [
                round(each / 2**20, 1) for _, each in memory[:: max(1, len(memory) // 10)]
            ],
        },
    }


async def total(url: str) -> int:
    """Messages stored on the bus so far."""
    from eventbus_core.monitoring import open_monitor

    async with open_monitor(url) as monitor:
        snapshot = await monitor.snapshot(BUS)
    return sum(stream.added or 0 for stream in snapshot.streams)


def run(seconds: float, rate: int, width: int, height: int) -> dict[str, object]:
    """All of it."""
    with EmbeddedServer() as server:
        command = [sys.executable, __file__, "--url", server.url, "--rate", str(rate), "--role"]
        handler = subprocess.Popen([*command, "handle"], stdout=subprocess.PIPE)
        assert handler.stdout is not None
        handler.stdout.readline()
        emitter = subprocess.Popen([*command, "emit"])
        shown = Shown(server.url, width, height)
        try:
            shown.read(WARM_UP)
            before, began = asyncio.run(total(server.url)), time.monotonic()
            result = measure(shown, server.pid, seconds)
            stored = asyncio.run(total(server.url)) - before
            result["stored per s"] = round(stored / (time.monotonic() - began))
        finally:
            shown.close()
            for process in (emitter, handler):
                process.terminate()
                process.wait()
    return {"rate": rate, "size": f"{width}x{height}", **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--role", choices=("emit", "handle", "show"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--bus", default=BUS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    match given.role:
        case "emit":
            asyncio.run(emit(given.url, given.rate))
        case "handle":
            asyncio.run(handle(given.url))
        case "show":
            show(given.url, given.bus)
        case _:
            width, _, height = given.size.partition("x")
            result = run(given.seconds, given.rate, int(width), int(height))
            if given.json:
                print(json.dumps(result, indent=2))
            else:
                for name, value in result.items():
                    print(f"{name:<20} {value}")


if __name__ == "__main__":
    main()
