"""The alerts of a state's database, as people ask for them: by incident, newest first, by the beginning of an id."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from logwatch.checkpoint.journal import Journal
from logwatch.errors import UnreachableError

SCANNED = 20_000
"""Alerts that one question looks at, the newest ones: about a second."""

SHORTEST = 4
"""Characters of an id that may stand for it."""

_PAGE = 500
_PREFIX = re.compile(f"[0-9a-f]{{{SHORTEST},64}}")

Body = dict[str, Any]
"""An alert as JSON; see `logwatch.sinks.schema`."""


class AlertRows:
    """Reads the table of alerts."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def newest(self) -> Iterator[Body]:
        """The newest alerts, newest first."""
        sql = "SELECT seq, body FROM alerts WHERE seq < ? ORDER BY seq DESC LIMIT ?"
        before, left = 1 << 62, SCANNED
        while left > 0:
            rows = self._db.execute(sql, (before, min(_PAGE, left))).fetchall()
            for _, body in rows:
                yield json.loads(body)
            if len(rows) < _PAGE:
                return
            before, left = int(rows[-1][0]), left - len(rows)

    def begin_with(self, prefix: str, most: int = 10) -> list[Body]:
        """Alerts whose ids begin so; none where it is no beginning of an id."""
        if not _PREFIX.fullmatch(prefix):
            return []
        sql = "SELECT body FROM alerts WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
        return [json.loads(body) for (body,) in self._db.execute(sql, (prefix, prefix + "g", most))]

    def of_incident(self, incident: str, most: int = 50) -> list[Body]:
        """The alerts of one incident that are among the newest ones, oldest first."""
        found = []
        for body in self.newest():
            if body["incident"] == incident:
                found.append(body)
                if body["id"] == incident or len(found) == most:
                    break
        return found[::-1]


def read_only(state: Path) -> sqlite3.Connection:
    """The database of a state directory that may belong to a running daemon; to be closed.

    Raises:
        UnreachableError: there is none, or it cannot be read.
    """
    path = state / "state.db"
    hint = "is it a state directory of logwatchd? name it with --state DIR"
    if not path.exists():
        raise UnreachableError(f"there is no state in {state}", hint)
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise UnreachableError(f"{path} cannot be opened: {error}", hint) from error
    return db


def read_journal(db: sqlite3.Connection) -> Journal:
    """The journal of a database that is only read; of an older schema it is empty."""
    return Journal(db, None)
