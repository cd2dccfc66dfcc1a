"""The command line. Parsing loads nothing but argparse."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from .options import OPTIONS, Option, interval, seconds
from .redact import redact_arguments
from .usage import Status

_DESCRIPTION: Final = """\
Shows what happens on an event bus: whether anything is stuck, who is behind, who died, and
what flows. It looks from outside, and changes nothing unless it is told to.

  eventbus-tui redis://localhost:6379/0    the screens
  eventbus-tui --demo                      the screens, on simulated services
  eventbus-tui --once URL                  a report as text; the exit status says how it is
  eventbus-tui --once --json URL           the same for programs
  eventbus-tui config show                 every option and threshold, and where it was set

The URL may also be in $EVENTBUS_URL or, better with a password in it, in a file: --url-file.
"""
_EPILOG: Final = """\
The options of "store" and "show", --audit-file, --scenario and --seed may also stand in the
environment, as EVENTBUS_TUI_INTERVAL=2 and EVENTBUS_TUI_THRESHOLD_STUCK=120, and in the
configuration file, as interval = 2 and, under [thresholds], stuck = 120. A flag wins over the
environment, that over the file. The file is ~/.config/eventbus/tui.toml, or the one that
--config or $EVENTBUS_TUI_CONFIG names.

exit status: 0 all is well, 1 warning, 2 critical, 3 the store cannot be reached, 64 the command
line makes no sense. The screens end with 0. Of --watch it is that of the last report.
"""


class _Parser(argparse.ArgumentParser):
    """Errors end with the status for usage, and show no password."""

    arguments: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        fail(redact_arguments(message, self.arguments))


def fail(message: str) -> NoReturn:
    """End the process: the command line makes no sense."""
    sys.stderr.write(f"eventbus-tui: {message}\neventbus-tui: see eventbus-tui --help\n")
    raise SystemExit(Status.USAGE)


def parse(arguments: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The words that are no flags, and the flags that were given. Ends the process on --help and
    for what cannot be read."""
    parser = _parser()
    parser.arguments = arguments
    given = vars(parser.parse_intermixed_args(arguments))
    return given.pop("words"), given


def _parser() -> _Parser:
    parser = _Parser(
        prog="eventbus-tui",
        usage="eventbus-tui [options] [URL]\n       eventbus-tui config show [options]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("words", nargs="*", metavar="URL", default=[], help=OPTIONS["url"].means)
    store = parser.add_argument_group("store")
    show = parser.add_argument_group("show")
    reports = parser.add_argument_group("without a screen")
    act = parser.add_argument_group("actions")
    tapes = parser.add_argument_group("recordings")
    demo = parser.add_argument_group("demonstration")
    other = parser.add_argument_group("other")
    groups = {"store": store, "show": show, "act": act, "demo": demo}

    act.add_argument(
        "--allow-actions",
        action="store_true",
        help="allow to redrive and discard dead letters and to drop groups; else it is read-only. "
        "A flag only",
    )
    demo.add_argument(
        "--demo", action="store_true", help="simulated services on a store of their own"
    )
    for option in OPTIONS.values():
        if option.name != "url":
            _add(groups[option.group], option)
    store.add_argument(
        "--threshold",
        action="append",
        metavar="NAME=VALUE",
        help="from when on something is a finding, as stuck=120; may be repeated; "
        "'config show' lists all",
    )
    reports.add_argument(
        "--once", action="store_true", help="two looks one interval apart, a report, and the end"
    )
    reports.add_argument(
        "--json", action="store_true", help="the report as JSON; implies --once without --watch"
    )
    reports.add_argument(
        "--watch",
        type=_reader("a number of seconds", interval),
        metavar="N",
        help="a report every N seconds until interrupted; with --json a line of JSON for each",
    )
    tapes.add_argument(
        "--record",
        metavar="FILE",
        help="also write what is seen to a new FILE, with the payloads that were looked at",
    )
    tapes.add_argument("--replay", metavar="FILE", help="show what FILE has recorded")
    tapes.add_argument(
        "--speed",
        type=_reader("a number", seconds(0.01, 1000.0)),
        metavar="X",
        help="replay X times as fast",
    )
    other.add_argument("--config", metavar="FILE", help="the configuration file")
    other.add_argument("--version", action="store_true", help="print the version")
    other.add_argument("-h", "--help", action="help", help="print this")
    return parser


def _add(group: argparse._ArgumentGroup, option: Option) -> None:
    if not option.metavar:
        group.add_argument(option.flag, action=argparse.BooleanOptionalAction, help=option.means)
    else:
        group.add_argument(option.flag, metavar=option.metavar, help=option.means)


def _reader(what: str, read: Any) -> Any:
    def parsed(text: str) -> Any:
        try:
            return read(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(f"{text!r} {exc}") from None

    parsed.__name__ = what
    return parsed
