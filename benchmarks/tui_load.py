"""What the app costs on a large bus: its CPU, and what it writes to the terminal.

    .venv/bin/python -m benchmarks.tui_load [--seconds 30] [--rate 500] [--size 120x36]

The bus is that of loaded_bus.py (200 streams, 400 groups, 500 instances, each with an inbox) under
load; the real app in a pseudo-terminal, one look a second. For each of some screens: user and
system time of its process over wall time, in percent of one core; then bytes written a second.
"""

import argparse
import contextlib
import time

from benchmarks.monitor_load import BUS, Load
from benchmarks.tui_flow import Shown, cpu
from eventbus_redis.embedded import EmbeddedServer

SCREENS = {"overview": b"1", "streams": b"2", "groups": b"3", "instances": b"4"}
WARM_UP = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="for each screen")
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--size", default="120x36")
    given = parser.parse_args()
    width, _, height = given.size.partition("x")
    with EmbeddedServer() as server, contextlib.closing(Load(server, given.rate)) as load:
        load.run()
        shown = Shown(server.url, int(width), int(height), bus=BUS)
        try:
            shown.read(WARM_UP)
            for name, key in SCREENS.items():
                shown.press(key)
                shown.read(3.0)
                began, used, written = time.monotonic(), cpu(shown.pid), shown.written
                shown.read(given.seconds)
                took = time.monotonic() - began
                print(
                    f"{name:<10} app {(cpu(shown.pid) - used) / took * 100:5.1f} %"
                    f"   terminal {(shown.written - written) / took / 1000:6.1f} kB/s"
                )
        finally:
            shown.close()


if __name__ == "__main__":
    main()
