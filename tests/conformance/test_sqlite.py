"""The SQLite transport passes the conformance kit."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eventbus_core.conformance import FaultDriver, TransportContract
from eventbus_sqlite import file
from eventbus_sqlite.file import SqliteFile
from eventbus_sqlite.rows import SqliteBus


class SqliteFaults(FaultDriver):
    """Faults of one file; there is no server to restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._away = False
        self._jumped = 0.0

    async def cut(self) -> None:
        self._away = True

    async def mend(self) -> None:
        self._away = False

    async def flush(self) -> None:
        self._execute("DELETE FROM buses", "DELETE FROM messages", "DELETE FROM dead_letters")

    async def trim(self, bus: str) -> None:
        self._execute("DELETE FROM messages WHERE bus = ?", parameters=(bus,))

    async def skew_clock(self, seconds: float) -> None:
        self._jumped += seconds

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Reach into the transport of this process."""
        open_good, transact = SqliteFile.open, SqliteFile.transaction

        def open_file(it: SqliteFile) -> sqlite3.Connection:
            self._check()
            return open_good(it)

        @contextmanager
        def transaction(it: SqliteFile, bus: str, *, write: bool) -> Iterator[SqliteBus]:
            with it.connection():
                self._check()
            with transact(it, bus, write=write) as step:
                yield step

        patch.setattr(SqliteFile, "open", open_file)
        patch.setattr(SqliteFile, "transaction", transaction)
        patch.setattr(file, "now", self._now)

    def _check(self) -> None:
        if self._away:
            raise sqlite3.OperationalError("unable to open database file")

    def _now(self) -> float:
        """The clock of the transactions in this process."""
        return time.time() + self._jumped

    def _execute(self, *statements: str, parameters: tuple[str, ...] = ()) -> None:
        connection = sqlite3.connect(self._path, timeout=5)
        try:
            with connection:
                for statement in statements:
                    connection.execute(statement, parameters)
        finally:
            connection.close()


class TestSqlite(TransportContract):
    """Each test on a file of its own."""

    @pytest.fixture
    def transport_target(self, tmp_path: Path) -> object:
        return f"sqlite:///{tmp_path / 'kit.db'}"

    @pytest.fixture
    def fault_driver(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaultDriver:
        driver = SqliteFaults(tmp_path / "kit.db")
        driver.install(monkeypatch)
        return driver
