"""Cells that a lane on a state topic does not keep in memory: a scratch database, made anew at every start.

The topic is the truth; this only saves reading it again for a key that fell silent and comes back. It is filled by the
threads that read the topic, beside the loop.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from logwatch.checkpoint.store import HEAD, explain, transaction

_TABLE = "CREATE TABLE IF NOT EXISTS spilled (lane TEXT, name TEXT, value BLOB, PRIMARY KEY (lane, name)) WITHOUT ROWID"
_DELETE = "DELETE FROM spilled WHERE lane = ? AND name = ?"


class Spill:
    """Cells by lane and name, on disk; from any thread.

    Args:
        path: of the database; what is there is deleted, and nothing is made before it is needed. None: in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._where = path or Path(":memory:")
        self._open: sqlite3.Connection | None = None
        self._swept: dict[str, str] = {}  # lane -> name of the last cell that was looked at
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        self._remove()

    def owner(self, lane: str) -> str:
        """A name for the cells of one owner of a lane: those of an earlier one may still come in, and go, beside it."""
        return f"{lane}#{next(self._numbers)}"

    def _remove(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            try:
                db = sqlite3.connect(self._where, isolation_level=None, check_same_thread=False)  # we have a lock
                db.execute("PRAGMA journal_mode=MEMORY")  # where the disk is full, a transaction can be taken back
                db.execute("PRAGMA synchronous=OFF")
                db.execute(_TABLE)
            except sqlite3.DatabaseError as error:
                raise explain(error, self._where) from error
            if self._path is not None:
                self._path.chmod(0o600)
            self._open = db
        return self._open

    def put(self, lane: str, cells: Mapping[str, bytes | None]) -> None:
        """Keep cells, over what was there; None deletes. Raises StateFull: nothing has changed."""
        kept = [(lane, name, value) for name, value in cells.items() if value is not None]
        gone = [(lane, name) for name, value in cells.items() if value is None]
        with self._lock:
            if not kept and (not gone or self._open is None):
                return
            with transaction(self._db, self._where):
                self._db.executemany("INSERT OR REPLACE INTO spilled VALUES (?, ?, ?)", kept)
                self._db.executemany(_DELETE, gone)

    def get(self, lane: str, name: str) -> bytes | None:
        """A cell, or None."""
        rows = self._read("SELECT value FROM spilled WHERE lane = ? AND name = ?", lane, name)
        return bytes(rows[0][0]) if rows else None

    def all(self, lane: str) -> dict[str, bytes]:
        """All cells of a lane."""
        rows = self._read("SELECT name, value FROM spilled WHERE lane = ?", lane)
        return {str(name): bytes(value) for name, value in rows}

    def _read(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            return [] if self._open is None else self._open.execute(sql, values).fetchall()

    def sweep(self, lane: str, expired: Callable[[str, bytes], bool], limit: int = 5000) -> list[str]:
        """Go on through a lane's cells, around and around, and delete what has expired; returns its names.

        Args:
            expired: by name and first bytes.
            limit: cells that are looked at.

        Raises:
            StateFull: nothing was deleted.
        """
        rows = self._read(
            "SELECT name, substr(value, 1, ?) FROM spilled WHERE lane = ? AND name > ? ORDER BY name LIMIT ?",
            HEAD, lane, self._swept.get(lane, ""), limit,
        )  # fmt: skip
        gone = [str(name) for name, head in rows if expired(name, head)]
        self.put(lane, dict.fromkeys(gone))
        self._swept[lane] = rows[-1][0] if len(rows) == limit else ""
        return gone

    def drop(self, lane: str) -> None:
        """Forget a lane."""
        self._swept.pop(lane, None)
        self._read("DELETE FROM spilled WHERE lane = ?", lane)

    def close(self) -> None:
        """Delete it. Safe to call twice."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None
                self._remove()
