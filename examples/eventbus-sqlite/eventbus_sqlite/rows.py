"""The messages of one bus in one transaction."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from eventbus_core.authoring import Back, BusTransaction, Copy, Held, State, Stored, Taken, Whole
from eventbus_core.snapshots import DeadLettersSnapshot, ServerSnapshot
from eventbus_core.transport import Death, Room, StoredDeadLetter

COPY = "INSERT INTO messages (bus, queue, position, stored_ms, event, data, handouts)"
QUEUE = "bus = :bus AND queue = :queue"
FREE = f"{QUEUE} AND holder IS NULL AND due <= :now"
HELD = f"{QUEUE} AND position = :position AND holder = :holder AND handouts = :handouts"
ROWS: dict[type, str] = {Held: HELD, Whole: QUEUE}
LETTER = "FROM dead_letters WHERE bus = :bus AND id = :id"
STATE = """CASE WHEN holder IS NOT NULL THEN 'pending' WHEN due > :now THEN 'delayed'
    WHEN handouts > 0 THEN 'waiting' ELSE 'new' END"""


class SqliteBus(BusTransaction):
    """See `Rows` for what every method does."""

    def __init__(self, db: sqlite3.Connection, bus: str, now: float) -> None:
        self._db = db
        self._known = {"bus": bus, "now": now, "ms": int(now * 1000)}
        row = self.sql("SELECT document FROM buses WHERE bus = :bus").fetchone()
        super().__init__(bus, now, row and row["document"])

    def sql(self, statement: str, **values: object) -> sqlite3.Cursor:
        """Execute one statement, in which :bus, :now and :ms are known."""
        return self._db.execute(statement, self._known | values)

    def save(self) -> None:
        """Store the document."""
        self.sql("DELETE FROM buses WHERE bus = :bus")
        if (document := self.document()) is not None:
            values = {"document": document, "look_at": self.look_at()}
            self.sql("INSERT INTO buses VALUES (:bus, :document, :look_at)", **values)

    # Storing and taking

    def add(self, queues: Sequence[str], position: int, event: str, data: bytes) -> None:
        insert = f"{COPY} VALUES (:bus, :queue, :position, :ms, :event, :data, 0)"
        for queue in queues:
            self.sql(insert, queue=queue, position=position, event=event, data=data)

    def fill(self, queue: str, log: str, after: int, but: Sequence[int]) -> int:
        insert = f"""{COPY} SELECT bus, :queue, position, stored_ms, event, data, 0 FROM messages
            WHERE bus = :bus AND queue = :log AND position > :after
            AND position NOT IN (SELECT value FROM json_each(:but))"""
        values = {"log": log, "after": after, "but": json.dumps(but)}
        return self.sql(insert, queue=queue, **values).rowcount

    def free(self, queue: str) -> bool:
        return self.sql(f"SELECT 1 FROM messages WHERE {FREE}", queue=queue).fetchone() is not None

    def take(self, queue: str, holder: str, room: Room, *, counted: bool) -> Sequence[Taken]:
        # What came back comes first; while some of it waits for a slot, nothing newer is taken.
        find = f"""SELECT position, handouts, data, starts, orphaned, note FROM messages
            WHERE {FREE} ORDER BY handouts = 0, position LIMIT :limit"""
        found = [Taken(*row) for row in self.sql(find, queue=queue, limit=room.limit)]
        came_back = sum(row.handouts > 0 for row in found)
        taken = found[: room.slots] if came_back > room.slots else found
        hold = f"""UPDATE messages SET holder = :holder, handouts = handouts + :counted,
            orphaned = 0 WHERE {QUEUE} AND position = :position"""
        values = {"queue": queue, "holder": holder, "counted": counted}
        for row in taken:
            self.sql(hold, position=row.position, **values)
        return taken

    # Settling. What is not held any more was settled before, by a call whose answer was lost.

    def begin(self, held: Held, starts: int) -> None:
        update = f"UPDATE messages SET starts = :starts WHERE {HELD}"
        self.sql(update, starts=starts, **held._asdict())

    def put_back(self, held: Held, back: Back, *, keep: bool) -> int:
        update = f"""UPDATE messages SET holder = iif(:keep, holder, NULL), starts = :starts,
            note = :note, due = :due, orphaned = :orphaned WHERE {HELD}"""
        return self.sql(update, keep=keep, **back._asdict(), **held._asdict()).rowcount

    def delete(self, which: Held | Whole) -> int:
        delete = f"DELETE FROM messages WHERE {ROWS[type(which)]}"
        return self.sql(delete, **which._asdict()).rowcount

    def bury(
        self, which: Held | Whole, death: Death, *, instance: str, group: str | None, home: str
    ) -> int:
        insert = f"""INSERT INTO dead_letters (bus, home, data, event, instance, "group", reason,
                error, traceback, attempts, died_ms)
            SELECT bus, :home, data, event, :instance, :group, :reason, :error, :traceback,
                max(:attempts, starts), :ms FROM messages
            WHERE {ROWS[type(which)]} ORDER BY position"""
        values = which._asdict() | msgspec.structs.asdict(death)
        self.sql(insert, home=home, instance=instance, group=group, **values)
        return self.delete(which)

    def hand_back(self, holder: str, *, orphaned: bool) -> None:
        update = "UPDATE messages SET holder = NULL, orphaned = :orphaned AND handouts > 0"
        where = "bus = :bus AND holder = :holder"
        self.sql(f"{update} WHERE {where}", holder=holder, orphaned=orphaned)

    # Retention

    def trim(
        self, queue: str, keepers: Sequence[str], *, in_order: bool, keep: int, before_ms: int
    ) -> int:
        handled = f"""SELECT position, stored_ms, row_number() OVER (ORDER BY position DESC) AS nth
            FROM messages AS it WHERE {QUEUE} AND NOT EXISTS (SELECT 1 FROM messages AS other
                WHERE bus = :bus AND queue IN (SELECT value FROM json_each(:keepers))
                AND other.position {"<=" if in_order else "="} it.position)"""
        delete = f"""DELETE FROM messages WHERE {QUEUE} AND position IN (
            SELECT position FROM ({handled}) WHERE nth > :keep OR stored_ms < :before_ms)"""
        values = {"keep": keep, "before_ms": before_ms, "keepers": json.dumps(keepers)}
        return self.sql(delete, queue=queue, **values).rowcount

    def counts(self) -> Mapping[str, int]:
        count = "SELECT queue, count(*) FROM messages WHERE bus = :bus GROUP BY queue"
        return dict(self.sql(count).fetchall())

    def cut(self, queue: str, keep: int) -> int:
        oldest = f"""SELECT position FROM messages WHERE {QUEUE}
            ORDER BY position DESC LIMIT 1 OFFSET :keep"""
        delete = f"DELETE FROM messages WHERE {QUEUE} AND holder IS NULL AND position <= ({oldest})"
        return self.sql(delete, queue=queue, keep=keep).rowcount

    def trim_letters(self, *, keep: int, before_ms: int) -> int:
        delete = """DELETE FROM dead_letters WHERE bus = :bus AND (died_ms < :before_ms OR id <= (
            SELECT id FROM dead_letters WHERE bus = :bus ORDER BY id DESC LIMIT 1 OFFSET :keep))"""
        return self.sql(delete, keep=keep, before_ms=before_ms).rowcount

    # Dead letters

    def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        page = """SELECT * FROM dead_letters WHERE bus = :bus AND id > coalesce(:after, '')
            AND event = coalesce(:event, event) AND (:group IS NULL OR "group" = :group)
            ORDER BY id LIMIT :limit"""
        rows = self.sql(page, limit=limit, after=after, event=event, group=group)
        return msgspec.convert([dict(row) for row in rows], list[StoredDeadLetter])

    def home(self, dead_letter_id: str) -> str | None:
        row = self.sql(f"SELECT home {LETTER}", id=dead_letter_id).fetchone()
        return row["home"] if row else None

    def restore(self, dead_letter_id: str, position: int) -> None:
        again = f"SELECT bus, home, :position, :ms, event, data, 1 {LETTER}"
        self.sql(f"{COPY} {again}", id=dead_letter_id, position=position)
        self.delete_letter(dead_letter_id)

    def delete_letter(self, dead_letter_id: str) -> int:
        return self.sql(f"DELETE {LETTER}", id=dead_letter_id).rowcount

    # Monitoring

    def buses(self, look_at: float | None = None) -> Sequence[str]:
        find = "SELECT bus FROM buses WHERE look_at <= coalesce(:by, look_at)"
        return [row["bus"] for row in self.sql(find, by=look_at)]

    def states(self) -> Sequence[State]:
        count = f"""SELECT queue, {STATE} AS state, holder, count(*), sum(length(data)),
            min(stored_ms), max(stored_ms) FROM messages WHERE bus = :bus
            GROUP BY queue, state, holder"""
        return [State(*row) for row in self.sql(count)]

    def letters(self) -> DeadLettersSnapshot:
        count = """SELECT count(*) AS count, min(died_ms) AS oldest_ms, max(died_ms) AS newest_ms
            FROM dead_letters WHERE bus = :bus"""
        return DeadLettersSnapshot(**self.sql(count).fetchone())

    def recent(self, limit: int, since_ms: int, until_ms: int) -> Sequence[Stored]:
        newest = """SELECT queue, position, stored_ms, data FROM messages WHERE bus = :bus
            AND stored_ms BETWEEN :since AND :until
            GROUP BY position ORDER BY position DESC LIMIT :limit"""
        rows = self.sql(newest, limit=limit, since=since_ms, until=until_ms)
        return [Stored(*row) for row in rows][::-1]

    def copies(self, position: int) -> Sequence[Copy]:
        find = f"""SELECT queue, {STATE}, holder, starts, due FROM messages
            WHERE bus = :bus AND position = :position"""
        return [Copy(*row) for row in self.sql(find, position=position)]

    def server(self) -> ServerSnapshot:
        pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        why = "SQLite does not tell"
        return ServerSnapshot(
            product="SQLite",
            version=sqlite3.sqlite_version,
            where=self.sql("SELECT file FROM pragma_database_list").fetchone()[0],
            used_bytes=self.sql(pages).fetchone()[0],
            max_bytes=0,
            clients=None,
            uptime=None,
            unknown={"clients": why, "uptime": why},
        )
