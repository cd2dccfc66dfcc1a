"""What the command does with what the user wants."""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from .arguments import fail, parse
from .redact import redact_arguments
from .stdout import nobody_reads, write
from .usage import Status, UsageError

if TYPE_CHECKING:
    from eventbus_core.monitoring import Monitor

    from .app import MonitorApp
    from .output import Output
    from .settings import Settings

_INTERRUPTED: Final = 130
_TOGETHER: Final = (
    (("demo", "url"), "--demo has a store of its own; give no URL"),
    (("demo", "url_file"), "--demo has a store of its own; give no --url-file"),
    (("demo", "replay"), "give --demo or --replay, not both"),
    (("replay", "url"), "--replay shows a file; give no URL"),
    (("replay", "url_file"), "--replay shows a file; give no --url-file"),
    (("replay", "record"), "a recording cannot be recorded again; copy its file"),
    (("once", "watch"), "give --once or --watch, not both"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status (see Status)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    words, flags = parse(arguments)
    try:
        return _run(words, flags)
    except UsageError as exc:
        fail(redact_arguments(str(exc), arguments))
    except BrokenPipeError:
        nobody_reads()
        return Status.OK
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(words: list[str], flags: dict[str, Any]) -> int:
    from eventbus_core.monitoring import THRESHOLDS, __version__

    from .settings_file import read_settings_file
    from .settings_sources import Sources, settle

    if flags.pop("version", False):
        write(f"eventbus-tui {__version__}\n")
        return Status.OK
    configuration = _understand(words, flags)
    file = read_settings_file(flags.get("config"), os.environ, THRESHOLDS)
    settings = settle(Sources(flags=flags, environment=os.environ, file=file))
    if configuration:
        from .config_show import shown

        write(shown(settings, file))
        return Status.OK
    if settings.once or settings.watch:
        return _report(settings)
    return _show_screens(settings)


def _understand(words: list[str], flags: dict[str, Any]) -> bool:
    """Put the words among the flags; returns whether the configuration is to be shown. Raises
    UsageError for what cannot be meant together."""
    configuration = words[:1] == ["config"]
    if configuration and words[1:2] != ["show"]:
        raise UsageError("there is one command about the configuration: config show")
    urls = words[2:] if configuration else words
    if len(urls) > 1:
        raise UsageError("give one URL")
    if urls:
        flags["url"] = urls[0]
    for names, why in _TOGETHER:
        if all(name in flags for name in names):
            raise UsageError(why)
    if "json" in flags and "watch" not in flags:
        flags["once"] = True
    return configuration


def _report(settings: "Settings") -> int:
    from .filtering import parse as parse_filter
    from .output import Output

    chosen = parse_filter(settings.filter)
    if chosen.error:
        raise UsageError(f"filter {settings.filter!r}: {chosen.error}")
    output = Output(settings, chosen)
    try:
        _write_reports(settings, output)
    except BrokenPipeError:
        nobody_reads()
    return output.status


def _write_reports(settings: "Settings", output: "Output") -> None:
    from .opening import open_target

    with ExitStack() as stack:
        monitor, bus = open_target(settings, stack)
        _all_is_loaded()
        asyncio.run(_reported(monitor, settings, bus, output))
        _tell_problem(monitor)


async def _reported(monitor: "Monitor", settings: "Settings", bus: str, output: "Output") -> None:
    from eventbus_core.monitoring import RecordingError

    async with monitor:
        if settings.watch:
            from .watching import watch_reports

            await watch_reports(monitor, settings, bus, output.write)
            return
        from .once import report_once

        try:
            report = await report_once(monitor, settings, bus)
        except RecordingError as exc:
            raise UsageError(str(exc)) from None
        output.write(report)


def _show_screens(settings: "Settings") -> int:
    from .first_frame import first_frame
    from .opening import check_audit_file, open_target

    check_audit_file(settings)
    with ExitStack() as stack:
        if settings.demo:  # else a wrong URL is the better news
            _need_a_terminal()
        with first_frame(settings):
            monitor, bus = open_target(settings, stack)
            _need_a_terminal()
            app = _app_class()(monitor, settings, bus=bus or None)
        asyncio.run(_shown(app, monitor, settings))
        _tell_problem(monitor)
        return app.return_code or Status.OK


def _need_a_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the screens need a terminal; for pipes and files there are --once, --json and --watch"
        )


def _app_class() -> "type[MonitorApp]":
    # Read when Textual is imported: more frames cost bytes, and nobody sees them.
    os.environ.setdefault("TEXTUAL_FPS", "30")
    try:
        from .app import MonitorApp
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in ("textual", "rich"):
            raise
        raise UsageError(
            'the screens need Textual: pip install "eventbus-streams[tui]". '
            "--once, --json and --watch work without it"
        ) from None
    return MonitorApp


async def _shown(app: "MonitorApp", monitor: "Monitor", settings: "Settings") -> None:
    async with monitor:
        await app.run_async(mouse=settings.mouse)


def _all_is_loaded() -> None:
    """What was made so far is no garbage and needs not be looked at; what comes may be. The app
    does the same once it has painted."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _tell_problem(monitor: "Monitor") -> None:
    if monitor.problem:
        sys.stderr.write(f"eventbus-tui: {monitor.problem}\n")
