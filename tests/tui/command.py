"""The command in a process of its own, without a terminal."""

import os
import subprocess
import sys
from collections.abc import Mapping


def environment(**variables: str) -> dict[str, str]:
    """What a process gets: nothing that could say what to monitor, and no settings of the user."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EVENTBUS", "XDG_", "TEXTUAL")) and name != "NO_COLOR"
    }
    return {**kept, "XDG_CONFIG_HOME": os.devnull, "PYTHONIOENCODING": "utf-8", **variables}


def run(
    *arguments: str, variables: Mapping[str, str] | None = None, timeout: float = 30.0
) -> subprocess.CompletedProcess[str]:
    """``python -m eventbus_tui ARGUMENTS`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "eventbus_tui", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        env=environment(**(variables or {})),
        check=False,
    )


def start(*arguments: str, **variables: str) -> "subprocess.Popen[str]":
    """The same, still running."""
    return subprocess.Popen(
        [sys.executable, "-m", "eventbus_tui", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(**variables),
    )
