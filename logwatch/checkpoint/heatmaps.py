"""Heatmaps that are kept: the last ones of each source, and those of incidents, in a database beside the state.

It holds windows, not pictures: 10 KB a piece, drawn when somebody looks. No result depends on it, so it is no part of
the state's transactions: a crash may lose the newest ones.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from logwatch.cells import pack, unpack
from logwatch.checkpoint.store import explain, transaction
from logwatch.errors import StateCorrupt
from logwatch.types import Mark, MetricWindow

FILE = "heatmaps.db"

_TABLE = """
CREATE TABLE IF NOT EXISTS heatmaps (seq INTEGER PRIMARY KEY, source TEXT NOT NULL, ends INTEGER NOT NULL,
    incident TEXT NOT NULL, kept INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (source, ends, incident));
"""

_FORGET_OLD = "DELETE FROM heatmaps WHERE source = ? AND incident = '' AND ends NOT IN "
_NEWEST = "(SELECT ends FROM heatmaps WHERE source = ? AND incident = '' ORDER BY ends DESC LIMIT ?)"
_FORGET_OVER = """
DELETE FROM heatmaps WHERE seq IN (
    SELECT seq FROM (SELECT seq, sum(length(body)) OVER (ORDER BY seq DESC) AS size FROM heatmaps WHERE incident <> '')
    WHERE size > ?)
"""


class Due(NamedTuple):
    """A window to be kept."""

    window: MetricWindow
    incident: str  # empty: none


class HeatmapRows:
    """Reads the database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def sources(self) -> list[str]:
        """Names of those that have any, sorted."""
        return [str(name) for (name,) in self._db.execute("SELECT DISTINCT source FROM heatmaps ORDER BY source")]

    def ends(self, source: str) -> list[tuple[int, str]]:
        """Ends (ns) and incidents of the windows kept of a source, by time."""
        sql = "SELECT ends, incident FROM heatmaps WHERE source = ? ORDER BY ends, incident"
        return [(int(end), str(incident)) for end, incident in self._db.execute(sql, (source,))]

    def window(self, source: str, end: int, incident: str = "") -> MetricWindow | None:
        """One of them, or None. Raises StateCorrupt."""
        sql = "SELECT body FROM heatmaps WHERE source = ? AND ends = ? AND incident = ?"
        row = self._db.execute(sql, (source, end, incident)).fetchone()
        return None if row is None else unpacked(bytes(row[0]))


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[HeatmapRows | None]:
    """Those of a state directory that may belong to a running daemon; None where none were ever kept.

    Raises:
        StateCorrupt: they cannot be read.
    """
    path = directory / FILE
    if not path.exists():
        yield None
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            yield HeatmapRows(db)
    except sqlite3.DatabaseError as error:
        raise explain(error, path) from error


class KeptHeatmaps(HeatmapRows):
    """The database; of one thread.

    Args:
        directory: of the state.
        keep: windows of each source, beside those of incidents.

    Raises:
        StateNotWritable, StateCorrupt.
    """

    def __init__(self, directory: Path, keep: int) -> None:
        self._path, self._keep = directory / FILE, keep
        try:
            self._db = sqlite3.connect(self._path, isolation_level=None, timeout=5.0, check_same_thread=False)
            self._db.execute("PRAGMA auto_vacuum=INCREMENTAL")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_TABLE)
            self._path.chmod(0o600)
        except sqlite3.DatabaseError as error:
            meant = explain(error, self._path)
            if isinstance(meant, StateCorrupt):
                raise StateCorrupt(f"{self._path} is corrupt: {error}", "delete it: it holds pictures only") from error
            raise meant from error

    def put(self, due: Sequence[Due], now: int) -> None:
        """Keep windows, and let go of those that are too many of their sources. Raises StateFull."""
        rows = [
            (one.window.source, one.window.end, one.incident, now, packed(one.window))
            for one in due
            if one.incident or self._keep
        ]
        sql = "INSERT OR REPLACE INTO heatmaps (source, ends, incident, kept, body) VALUES (?, ?, ?, ?, ?)"
        with transaction(self._db, self._path):
            self._db.executemany(sql, rows)
            for source in sorted({one.window.source for one in due}):
                self._db.execute(_FORGET_OLD + _NEWEST, (source, source, self._keep))

    def forget(self, before: int, max_bytes: int) -> int:
        """Delete those of incidents that were kept before a time, ns, and the oldest beyond a size; how many."""
        with transaction(self._db, self._path):
            old = self._db.execute("DELETE FROM heatmaps WHERE incident <> '' AND kept < ?", (before,)).rowcount
            return old + self._db.execute(_FORGET_OVER, (max_bytes,)).rowcount

    def close(self) -> None:
        """Safe to call twice."""
        self._db.close()


def packed(window: MetricWindow) -> bytes:
    """A window, compressed."""
    arrays = {"values": window.values} | ({} if window.past is None else {"past": window.past})
    marks = [[mark.time, mark.kind, mark.name] for mark in window.marks]
    facts = {"source": window.source, "metrics": window.metrics, "start": window.start, "step": window.step}
    return zlib.compress(pack(arrays, **facts, marks=marks), 1)


MOST_BYTES = 64 * 2**20
"""Of one window that is read back: 1,024 metrics and steps are 4 MB, and their names as much."""


def unpacked(body: bytes) -> MetricWindow:
    """What `packed` made. Raises StateCorrupt."""
    reader = zlib.decompressobj()
    try:
        arrays, facts = unpack(reader.decompress(body, MOST_BYTES))
        marks = tuple(Mark(*one) for one in facts["marks"])
        return MetricWindow(
            facts["source"], tuple(facts["metrics"]), facts["start"], facts["step"], arrays["values"],
            arrays.get("past"), marks,
        )  # fmt: skip
    except (zlib.error, KeyError, TypeError) as error:
        raise StateCorrupt(f"a heatmap cannot be read: {error}", f"delete {FILE} in the state directory") from error
