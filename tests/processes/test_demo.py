"""The demonstration passes, and leaves nothing behind, also when it is interrupted."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"
MOST_LINES = 40


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """`demo.py` with a temporary folder of its own. At the end, whatever it did: the folder is
    empty, and no process is left that has it."""
    environment = {k: v for k, v in os.environ.items() if k != "EVENTBUS_URL"}
    process = subprocess.Popen(
        [sys.executable, "-u", str(DEMO)],
        env=environment | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # as in a terminal: one group, which gets the Ctrl-C
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
    assert users_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def users_of(folder: Path) -> list[str]:
    """Live processes with this temporary folder (on Linux; elsewhere nothing is found)."""
    mark = f"TMPDIR={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue  # not ours, or it has just ended
    return found


def read_until(demo: "subprocess.Popen[str]", text: str) -> str:
    """Read what it prints up to the line with `text`."""
    assert demo.stdout is not None
    seen = ""
    for line in demo.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"no {text!r} in:\n{seen}")


def test_it_passes(demo: "subprocess.Popen[str]") -> None:
    shown, _ = demo.communicate(timeout=30)
    assert demo.returncode == 0, shown
    assert "FAILED" not in shown
    assert "ok      nothing was lost: 60 of 60 tasks are done" in shown
    assert len(shown.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("at", ["worker processes", "unicast", "is killed"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_leaves_nothing(
    demo: "subprocess.Popen[str]", at: str, how: signal.Signals
) -> None:
    seen = read_until(demo, at)
    if how is signal.SIGINT:
        os.killpg(demo.pid, how)
    else:
        demo.send_signal(how)
    rest, _ = demo.communicate(timeout=15)
    assert (demo.returncode, "Traceback" in rest) == (130, False), seen + rest
