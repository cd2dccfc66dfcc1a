"""The SQLite transport passes the conformance kit."""

import sqlite3
import time
from pathlib import Path

import pytest

from eventbus_core.conformance import FaultDriver, TransportContract
from eventbus_sqlite import file


class SqliteFaults(FaultDriver):
    """Faults of one file. It cannot be cut off, and there is no server to restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.jumped = 0.0

    async def flush(self) -> None:
        self._execute("DELETE FROM buses", "DELETE FROM messages", "DELETE FROM dead_letters")

    async def trim(self, bus: str) -> None:
        self._execute("DELETE FROM messages WHERE bus = ?", parameters=(bus,))

    async def skew_clock(self, seconds: float) -> None:
        self.jumped += seconds

    def now(self) -> float:
        """The clock of the transactions in this process."""
        return time.time() + self.jumped

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
        monkeypatch.setattr(file, "now", driver.now)
        return driver
