"""The state directory: one SQLite database that holds everything a restart needs, and the alerts.

Cells, sink cursors and alerts change together, in one transaction (WAL, `synchronous=FULL`): after any crash the
database shows the state after some whole commit, never a mixture. Alerts are kept for `[history]`; those behind the
cursor of a sink are that sink's outbox. Cells belong to a lane: "" is this machine's own, the others are partitions'.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from logwatch.cells import SPILLED
from logwatch.checkpoint.alerts import AlertRows
from logwatch.checkpoint.filesystem import refuse_network_filesystem
from logwatch.checkpoint.journal import Journal
from logwatch.errors import StateCorrupt, StateError, StateFull, StateLocked, StateNotWritable

_DELETE_OVER = """
DELETE FROM alerts WHERE seq IN (
    SELECT seq FROM (SELECT seq, sum(length(body)) OVER (ORDER BY seq DESC) AS size FROM alerts)
    WHERE size > ? AND seq <= ?)
"""

SCHEMA = 4
"""Version of the tables below. A change adds a step to `_MIGRATIONS` and a test that opens an old database."""

_DIRECTIVES = """
CREATE TABLE directives (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, asked INTEGER NOT NULL,
    asker TEXT NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL);
"""

_INDEXES = """
CREATE INDEX alerts_incident ON alerts (json_extract(body, '$.incident'), seq);
CREATE INDEX alerts_source ON alerts (json_extract(body, '$.source'), seq);
"""

_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE cells (lane TEXT NOT NULL, component TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (lane, component, name));
CREATE TABLE alerts (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, body TEXT NOT NULL,
    done TEXT NOT NULL DEFAULT '');
CREATE TABLE sinks (name TEXT PRIMARY KEY, seq INTEGER NOT NULL);
{_DIRECTIVES}{_INDEXES}"""

_MIGRATIONS: dict[int, str] = {
    1: """
ALTER TABLE cells RENAME TO old;
CREATE TABLE cells (lane TEXT NOT NULL, component TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (lane, component, name));
INSERT INTO cells SELECT '', component, name, value FROM old;
DROP TABLE old;
ALTER TABLE alerts ADD COLUMN done TEXT NOT NULL DEFAULT '';
""",
    2: _DIRECTIVES,
    3: _INDEXES,
}
"""Schema version -> SQL that brings a database of that version to the next."""

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


HEAD = 16
"""Bytes of the beginning of a spilled cell that say whether it has expired; see `logwatch.score.spilled`."""


FREE_SHARE = 4
"""Pages that are free, and soon used again, stay up to one in so many of the file."""

GIVEN_BACK_AT_ONCE = 2000
"""Pages that the file shrinks by in one step, 8 MB: about a tenth of a second."""


DELETED_AT_ONCE = 4000
"""Cells that a sweep deletes in one transaction: about a tenth of a second."""


class StoredAlert(NamedTuple):
    """An alert as committed: its place in the order of delivery, its id and its JSON."""

    seq: int
    id: str
    body: str
    done: str = ""  # see `NewAlert`


class NewAlert(NamedTuple):
    """An alert to commit: id, time for `[history]` (ns) and JSON."""

    id: str
    time: int
    body: str
    done: str = ""  # names of sinks that have it already, a line each


class Swept(NamedTuple):
    """What a slice of a sweep did."""

    deleted: int
    whole: bool  # it reached the end: the next begins anew


Cell = tuple[str, str]
"""Component and name."""

Cells = Mapping[Cell, bytes | None]
"""New values; None deletes."""


class Store:
    """Opens, locks and checks a state directory.

    Args:
        directory: made if missing (mode 0700).
        durable: False for throw-away state: commits do not wait for the disk.

    Raises:
        StateNotWritable, StateLocked, StateCorrupt: with the way out in the hint.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory
        self._swept = 0  # row of the last cell that was looked at
        self._lock = _lock(directory)
        try:
            self._db = self._open(self.path, durable)
        except BaseException:
            self._lock.close()
            raise
        self.alerts = AlertRows(self._db)
        self.journal = Journal(self._db, partial(transaction, self._db, self.path))

    def _open(self, path: Path, durable: bool) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(path, isolation_level=None, timeout=5.0)
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new database; a change of an old one would copy it
            _migrate(db, path)  # first: what is not ours, or newer, is left as it is
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
            path.chmod(0o600)
        except sqlite3.DatabaseError as error:
            raise explain(error, path) from error
        return db

    @property
    def path(self) -> Path:
        """The database."""
        return self.directory / "state.db"

    def lane(self, name: str) -> StoredLane:
        """The cells of one lane."""
        return StoredLane(self, name)

    def lanes(self) -> list[str]:
        """Lanes that have cells, but for this machine's own."""
        return [str(name) for (name,) in self._read("SELECT DISTINCT lane FROM cells WHERE lane <> '' ORDER BY lane")]

    def all(self, lane: str) -> dict[Cell, bytes]:
        """Everything of a lane."""
        rows = self._read("SELECT component, name, value FROM cells WHERE lane = ?", lane)
        return {(str(component), str(name)): bytes(value) for component, name, value in rows}

    def cells(self, component: str, lane: str = "") -> dict[str, bytes]:
        """All cells of a component."""
        sql = "SELECT name, value FROM cells WHERE lane = ? AND component = ? ORDER BY name"
        return {str(name): bytes(value) for name, value in self._read(sql, lane, component)}

    def cell(self, component: str, name: str, lane: str = "") -> bytes | None:
        """One cell, or None."""
        sql = "SELECT value FROM cells WHERE lane = ? AND component = ? AND name = ?"
        rows = self._read(sql, lane, component, name)
        return bytes(rows[0][0]) if rows else None

    def commit(
        self, cells: Cells, alerts: Iterable[NewAlert] = (), delivered: Mapping[str, int] | None = None
    ) -> list[StoredAlert]:
        """Write everything of this machine's own lane, or nothing; see `commit_lanes`."""
        return self.commit_lanes({"": cells}, alerts, delivered)

    def commit_lanes(
        self,
        lanes: Mapping[str, Cells],
        alerts: Iterable[NewAlert] = (),
        delivered: Mapping[str, int] | None = None,
        closed: Sequence[str] = (),
    ) -> list[StoredAlert]:
        """Write everything or nothing; returns the alerts as stored. An id that is stored already is not doubled.

        Args:
            lanes: new values by lane and (component, name); None deletes.
            alerts: raised since the last commit, in order.
            delivered: sink -> the last `seq` that it delivered.
            closed: lanes whose cells go, before the new ones are written.

        Raises:
            StateFull: no space; nothing was written, and the same call may succeed later.
            StateCorrupt: the database is damaged.
        """
        with transaction(self._db, self.path):
            self._db.executemany("DELETE FROM cells WHERE lane = ?", [(lane,) for lane in closed])
            for lane, cells in lanes.items():
                self._write_cells(lane, cells)
            stored = self._write_alerts(alerts)
            rows = list((delivered or {}).items())
            self._db.executemany("INSERT OR REPLACE INTO sinks (name, seq) VALUES (?, ?)", rows)
        return stored

    def _write_cells(self, lane: str, cells: Cells) -> None:
        gone = [(lane, *cell) for cell, value in cells.items() if value is None]
        kept = [(lane, *cell, value) for cell, value in cells.items() if value is not None]
        self._db.executemany("DELETE FROM cells WHERE lane = ? AND component = ? AND name = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO cells (lane, component, name, value) VALUES (?, ?, ?, ?)", kept)

    def _write_alerts(self, alerts: Iterable[NewAlert]) -> list[StoredAlert]:
        stored = []
        for alert in alerts:
            row = self._db.execute(
                "INSERT INTO alerts (id, time, body, done) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING seq",
                alert,
            ).fetchone()
            if row is not None:
                stored.append(StoredAlert(int(row[0]), alert.id, alert.body, alert.done))
        return stored

    def seq(self, id: str) -> int | None:
        """Place of an alert in the order of delivery; None where it is not there."""
        rows = self._read("SELECT seq FROM alerts WHERE id = ?", id)
        return int(rows[0][0]) if rows else None

    def delivered(self, sink: str) -> int | None:
        """The last `seq` that a sink delivered; None for a sink never seen."""
        rows = self._read("SELECT seq FROM sinks WHERE name = ?", sink)
        return int(rows[0][0]) if rows else None

    def last_seq(self) -> int:
        """The newest alert's `seq`; 0 without alerts."""
        return int(self._read("SELECT coalesce(max(seq), 0) FROM alerts")[0][0])

    def alerts_after(self, seq: int, limit: int) -> list[StoredAlert]:
        """Alerts in the order of delivery, beginning after `seq`."""
        rows = self._read("SELECT seq, id, body, done FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
        return [StoredAlert(int(seq), str(id_), str(body), str(done)) for seq, id_, body, done in rows]

    def undelivered_bytes(self, seq: int) -> int:
        """Size of the alerts after `seq`."""
        return int(self._read("SELECT coalesce(sum(length(body)), 0) FROM alerts WHERE seq > ?", seq)[0][0])

    def waiting(self, seq: int) -> tuple[int, int, int]:
        """Of the alerts after `seq`: how many, their size, and the oldest's time (ns; 0 without one)."""
        sql = "SELECT count(*), coalesce(sum(length(body)), 0), coalesce(min(time), 0) FROM alerts WHERE seq > ?"
        count, size, oldest = self._read(sql, seq)[0]
        return int(count), int(size), int(oldest)

    def forget(self, before: int, max_bytes: int, keep_after: int) -> int:
        """Delete alerts of `[history]`: older than `before` (ns), and the oldest beyond `max_bytes`.

        Alerts with `seq > keep_after` stay: a sink has not delivered them yet. So does the newest: without it numbers
        would begin again, below the sinks' cursors. Returns how many were deleted.
        """
        keep_after = min(keep_after, self.last_seq() - 1)
        with transaction(self._db, self.path):
            old = self._db.execute("DELETE FROM alerts WHERE time < ? AND seq <= ?", (before, keep_after)).rowcount
            big = self._db.execute(_DELETE_OVER, (max_bytes, keep_after)).rowcount
        self._give_back()
        return old + big

    def _give_back(self) -> None:
        """Let the file shrink by some of the pages that are free."""
        free, pages = (int(self._read(f"PRAGMA {count}")[0][0]) for count in ("freelist_count", "page_count"))
        if free > max(GIVEN_BACK_AT_ONCE, pages // FREE_SHARE):
            try:  # as a script: elsewhere the module takes one step of it, which frees one page
                self._db.executescript(f"PRAGMA incremental_vacuum({GIVEN_BACK_AT_ONCE})")
            except sqlite3.DatabaseError as error:
                raise explain(error, self.path) from error

    def sweep(self, expired: Callable[[str, str, bytes], bool], limit: int = 20_000) -> Swept:
        """Go on through the cells, around and around, and delete those of keys that have expired, in one transaction.

        Args:
            expired: by lane, name and first bytes of a spilled key's cell.
            limit: cells that are looked at.

        Raises:
            StateFull: nothing was deleted.
        """
        rows = self._read(
            "SELECT rowid, lane, name, CASE component WHEN ? THEN substr(value, 1, ?) END FROM cells "
            "WHERE rowid > ? ORDER BY rowid LIMIT ?", SPILLED, HEAD, self._swept, limit,
        )  # fmt: skip
        gone = [(row,) for row, lane, name, head in rows if head is not None and expired(lane, name, head)]
        cut = len(gone) > DELETED_AT_ONCE
        gone = gone[:DELETED_AT_ONCE]
        if gone:
            with transaction(self._db, self.path):
                self._db.executemany("DELETE FROM cells WHERE rowid = ?", gone)
        self._give_back()
        self._swept = gone[-1][0] if cut else rows[-1][0] if len(rows) == limit else 0
        return Swept(len(gone), self._swept == 0)

    def _read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise explain(error, self.path) from error

    def close(self) -> None:
        """Release the lock. Safe to call twice."""
        self._db.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class StoredLane:
    """One lane of the database: where a pipeline's cells come from."""

    def __init__(self, store: Store, lane: str) -> None:
        self._store = store
        self._lane = lane

    def corrupt(self, error: Exception) -> StateCorrupt:
        """What to raise where cells cannot be read."""
        return corrupt(self._store.path, error)

    def cell(self, component: str, name: str) -> bytes | None:
        """One cell, or None."""
        return self._store.cell(component, name, self._lane)

    def cells(self, component: str) -> dict[str, bytes]:
        """All cells of a component."""
        return self._store.cells(component, self._lane)


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All of it or nothing. Raises StateFull and its kin for what SQLite says."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    except sqlite3.DatabaseError as error:
        raise explain(error, path) from error


def _lock(directory: Path) -> IO[str]:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_network_filesystem(directory)
        lock = open(directory / "lock", "a+", encoding="utf-8")  # held as long as the store
    except OSError as error:
        reason = "it is a file" if directory.is_file() else error.strerror
        raise StateNotWritable(
            f"cannot write the state directory {directory}: {reason}",
            "choose another with --state DIR, or give this user the right to write there",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StateLocked(
            f"the state directory {directory} is in use by process {holder}",
            "stop that process, or choose another directory with --state DIR",
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA:
        raise StateCorrupt(
            f"{path} has schema {version}, newer than this program's {SCHEMA}",
            "run the newer logwatchd, or start afresh with another --state DIR",
        )
    if version == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise StateCorrupt(f"{path} is a database, but not logwatchd's", "choose another directory with --state DIR")
    while version < SCHEMA:
        script = _TABLES if version == 0 else _MIGRATIONS[version]
        version = SCHEMA if version == 0 else version + 1
        db.executescript(f"BEGIN; {script} PRAGMA user_version = {version}; COMMIT;")


def explain(error: sqlite3.DatabaseError, path: Path) -> StateError:
    """What an error of a database means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _FULL:
        return StateFull(f"no space left for {path} ({error})", "free space on that disk; logwatchd goes on by itself")
    if code == sqlite3.SQLITE_BUSY:
        return StateLocked(f"{path} is in use by another process", "stop that process")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StateNotWritable(f"cannot write {path}: {error}", "give this user the right to write there")
    return corrupt(path, error)


def corrupt(path: Path, error: Exception) -> StateCorrupt:
    """What is wrong with a database, with the way out."""
    return StateCorrupt(
        f"{path} is corrupt: {getattr(error, 'message', error)}",
        f"move {path.parent} aside and start again: logwatchd learns afresh from the end of each file",
    )
