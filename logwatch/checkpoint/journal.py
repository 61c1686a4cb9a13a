"""The journal of directives: what was asked, by whom, when, and where in each lane's stream it took effect.

It is written before a directive is obeyed, so that a run that goes on from an older commit can repeat it in its
place; and it is the audit of what people told the program.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from logwatch.directives import MOST, Directive, Position

Transaction = Callable[[], AbstractContextManager[None]]


class Journalled(NamedTuple):
    """A directive, and where it took effect, by lane."""

    directive: Directive
    at: Mapping[str, Position]


class Journal:
    """The table `directives` of a state's database.

    Args:
        db: open; the caller closes it.
        transaction: begins one, all or nothing; None: the database is only read, and may be of an older schema.
    """

    def __init__(self, db: sqlite3.Connection, transaction: Transaction | None) -> None:
        self._db = db
        self._transaction = transaction

    def add(self, directive: Directive, at: Mapping[str, Position]) -> bool:
        """Write a directive down; False where its id is known. The oldest beyond `MOST` go.

        Args:
            at: by lane.

        Raises:
            StateFull: nothing was written.
        """
        assert self._transaction is not None  # noqa: S101  # a journal that is only read is not written to
        body = json.dumps(dict(directive.body), ensure_ascii=False)
        row = (directive.id, directive.kind, directive.asked, directive.by, body, json.dumps(at))
        with self._transaction():
            done = self._db.execute(
                "INSERT INTO directives (id, kind, asked, asker, body, at) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING", row,
            )  # fmt: skip
            self._db.execute(
                "DELETE FROM directives WHERE seq <= (SELECT seq FROM directives ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (MOST,),
            )
        return done.rowcount == 1

    def __iter__(self) -> Iterator[Journalled]:
        """All that are kept, oldest first."""
        there = "SELECT count(*) FROM sqlite_master WHERE name = 'directives'"
        if self._transaction is None and not self._db.execute(there).fetchone()[0]:
            return
        sql = "SELECT id, kind, asked, asker, body, at FROM directives ORDER BY seq"
        for row in self._db.execute(sql).fetchall():
            yield journalled(row)


def journalled(row: tuple[Any, ...]) -> Journalled:
    """A row of the table: id, kind, asked, asker, body, at."""
    id, kind, asked, asker, body, at = row
    places = {lane: Position(*place) for lane, place in json.loads(at).items()}
    return Journalled(Directive(str(kind), json.loads(body), str(id), int(asked), str(asker)), places)
