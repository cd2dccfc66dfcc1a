"""The file: its tables, and transactions on them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import time as now
from urllib.parse import quote

from eventbus_core.authoring import BlockingClient

from .rows import SqliteBus

TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS buses (bus TEXT PRIMARY KEY, document BLOB, look_at REAL);
CREATE TABLE IF NOT EXISTS messages (
    bus TEXT, queue TEXT, position INTEGER, stored_ms INTEGER, event TEXT, data BLOB,
    holder TEXT, handouts INTEGER DEFAULT 0, starts INTEGER DEFAULT 0, orphaned INTEGER DEFAULT 0,
    note TEXT DEFAULT '', due REAL DEFAULT 0, PRIMARY KEY (bus, queue, position)
);
CREATE INDEX IF NOT EXISTS free ON messages (bus, queue, handouts = 0, position)
    WHERE holder IS NULL;
CREATE INDEX IF NOT EXISTS held ON messages (holder) WHERE holder IS NOT NULL;
CREATE INDEX IF NOT EXISTS stored ON messages (bus, position);
CREATE TABLE IF NOT EXISTS dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT AS (printf('%016x', number)),
    bus TEXT, home TEXT, data BLOB, event TEXT, instance TEXT, "group" TEXT,
    reason TEXT, error TEXT, traceback TEXT, attempts INTEGER, died_ms INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS letters ON dead_letters (bus, id);
COMMIT;
"""


class SqliteFile(BlockingClient[sqlite3.Connection]):
    """One connection to the file, in a thread of its own."""

    def __init__(self, path: str, timeout: float, *, create: bool) -> None:
        super().__init__(path, sqlite3.Error)
        self._timeout = timeout
        self._create = create

    def open(self) -> sqlite3.Connection:
        uri = f"file:{quote(self.where)}?mode={'rwc' if self._create else 'rw'}"
        return sqlite3.connect(uri, self._timeout, isolation_level=None, uri=True)

    def prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        if self._create:
            connection.executescript(TABLES)

    @contextmanager
    def transaction(self, bus: str, *, write: bool) -> Iterator[SqliteBus]:
        """See `Client.transaction`."""
        with self.connection() as db, db:
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            step = SqliteBus(db, bus, now())
            yield step
            if write:
                step.save()
