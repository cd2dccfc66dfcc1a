"""``python -m eventbus_core.demo``: says where to look, ends in good order."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from eventbus_core.demo import SCENARIOS, Demo, __main__
from eventbus_core.demo.backstage import Backstage
from eventbus_core.demo.opening import GIVEN
from eventbus_core.demo.wire import Opened
from tests.demo.leftovers import (
    answers,
    conductor_of,
    wait_for_processes,
    wait_until_nothing_is_left,
)

Started = Callable[..., "subprocess.Popen[str]"]
COMMAND = ("-m", "eventbus_core.demo")


def read_url(program: "subprocess.Popen[str]") -> str:
    """Read what it prints up to the command to look at it with."""
    assert program.stdout is not None
    for line in program.stdout:
        if "eventbus-tui" in line:
            assert line.endswith(" --bus shop\n")
            return line.split()[-3]
    raise AssertionError(program.communicate()[1])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(folder: Path, started: Started, how: signal.Signals) -> None:
    program = started(*COMMAND, "--scenario", "calm")
    url = read_url(program)
    assert answers(url)
    # From a terminal the signal goes to all of its foreground processes.
    os.killpg(program.pid, how)
    _, errors = program.communicate(timeout=20)
    assert (program.returncode, errors) == (0, "")
    wait_until_nothing_is_left(folder, 0)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_it_says_so_when_the_services_end_by_themselves(folder: Path, started: Started) -> None:
    program = started(*COMMAND)
    read_url(program)
    found = wait_for_processes(folder, 2)
    os.kill(conductor_of(found), signal.SIGKILL)
    _, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    assert "ended by themselves" in errors


def test_help_lists_the_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for name, text in SCENARIOS.items():
        assert f"  {name:<7} {text}\n" in shown


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--scenario", "nosuch"], "must be one of tour, calm"),
        (["--url", "nosuch://host"], "no transport for scheme 'nosuch'"),
        (["--url", "memory://"], "memory is visible only inside its own process"),
    ],
)
def test_wrong_options_exit_with_64(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert __main__.main(arguments) == 64
    assert text in capsys.readouterr().err


def test_other_wrong_options_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main(["--seed", "many"])
    assert ended.value.code == 64
    assert "--seed" in capsys.readouterr().err


def test_a_given_url_is_not_repeated() -> None:
    demo = Demo(
        scenario="calm",
        seed=0,
        bus="demo-1",
        find=lambda: ("redis://:s3cret@host", GIVEN),
        runs=lambda: True,
    )
    shown = __main__._text(demo)
    assert "eventbus-tui URL --bus demo-1" in shown
    assert "s3cret" not in shown


def test_without_a_server_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Backstage, "opened", lambda self: Opened(problem="not installed"))
    assert __main__.main([]) == 64
    assert "eventbus-streams[embedded]" in capsys.readouterr().err
