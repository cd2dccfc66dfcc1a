"""What a demonstration may have left behind."""

import os
import socket
import time
from pathlib import Path


def processes_with(folder: Path) -> dict[int, str]:
    """Command lines of live processes that were started with this temporary folder, by process id
    (nothing but on Linux)."""
    mark = f"TMPDIR={folder}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                command = (process / "cmdline").read_text().replace("\0", " ")
                found[int(process.name)] = command
        except OSError:
            continue  # not ours, or it has just ended
    return found


def wait_for_processes(folder: Path, count: int) -> dict[int, str]:
    """Return them once there are so many. Raises AssertionError."""
    deadline = time.monotonic() + 20
    while len(found := processes_with(folder)) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def conductor_of(found: dict[int, str]) -> int:
    """The conductor's process id. A process that it has forked just now still has its name."""
    return min(pid for pid, command in found.items() if "conductor" in command)


def wait_until_nothing_is_left(folder: Path, seconds: float, *, files: bool = True) -> None:
    """No process, and (unless not `files`) no file in the folder. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while left := [*processes_with(folder).values(), *(os.listdir(folder) if files else ())]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether there is a server at a ``unix://`` URL."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(url.removeprefix("unix://")) == 0


def wait_until_gone(url: str) -> None:
    """No server answers there. Raises AssertionError."""
    deadline = time.monotonic() + 5
    while answers(url):
        assert time.monotonic() < deadline
        time.sleep(0.02)
