"""Cells that a lane on a state topic does not keep in memory: a scratch database, made anew at every start.

The topic is the truth; this only saves reading it again for a key that fell silent and comes back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from logwatch.checkpoint.store import HEAD, explain, transaction

_TABLE = "CREATE TABLE IF NOT EXISTS spilled (lane TEXT, name TEXT, value BLOB, PRIMARY KEY (lane, name)) WITHOUT ROWID"


class Spill:
    """Cells by lane and name, on disk.

    Args:
        path: of the database; what is there is deleted, and nothing is made before it is needed. None: in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._where = path or Path(":memory:")
        self._open: sqlite3.Connection | None = None
        self._swept: dict[str, str] = {}  # lane -> name of the last cell that was looked at
        self._remove()

    def _remove(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            try:
                db = sqlite3.connect(self._where, isolation_level=None)
                db.execute("PRAGMA journal_mode=MEMORY")  # where the disk is full, a transaction can be taken back
                db.execute("PRAGMA synchronous=OFF")
                db.execute(_TABLE)
            except sqlite3.DatabaseError as error:
                raise explain(error, self._where) from error
            if self._path is not None:
                self._path.chmod(0o600)
            self._open = db
        return self._open

    def put(self, lane: str, cells: Mapping[str, bytes]) -> None:
        """Keep cells, over what was there. Raises StateFull: none is kept."""
        rows = [(lane, *cell) for cell in cells.items()]
        if not rows:
            return
        self._change("INSERT OR REPLACE INTO spilled VALUES (?, ?, ?)", rows)

    def _change(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        db = self._db
        with transaction(db, self._where):
            db.executemany(sql, rows)

    def get(self, lane: str, name: str) -> bytes | None:
        """A cell, or None."""
        if self._open is None:
            return None
        row = self._db.execute("SELECT value FROM spilled WHERE lane = ? AND name = ?", (lane, name)).fetchone()
        return None if row is None else bytes(row[0])

    def sweep(self, lane: str, expired: Callable[[str, bytes], bool], limit: int = 5000) -> list[str]:
        """Go on through a lane's cells, around and around, and delete what has expired; returns its names.

        Args:
            expired: by name and first bytes.
            limit: cells that are looked at.

        Raises:
            StateFull: nothing was deleted.
        """
        if self._open is None:
            return []
        rows = self._db.execute(
            "SELECT name, substr(value, 1, ?) FROM spilled WHERE lane = ? AND name > ? ORDER BY name LIMIT ?",
            (HEAD, lane, self._swept.get(lane, ""), limit),
        ).fetchall()
        gone = [str(name) for name, head in rows if expired(name, head)]
        if gone:
            self._change("DELETE FROM spilled WHERE lane = ? AND name = ?", [(lane, name) for name in gone])
        self._swept[lane] = rows[-1][0] if len(rows) == limit else ""
        return gone

    def drop(self, lane: str) -> None:
        """Forget a lane."""
        self._swept.pop(lane, None)
        if self._open is not None:
            self._db.execute("DELETE FROM spilled WHERE lane = ?", (lane,))

    def close(self) -> None:
        """Delete it. Safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None
            self._remove()
