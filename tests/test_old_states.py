"""States that earlier commits left behind are resumed: what they learned is kept, or said to be learned anew."""

from __future__ import annotations

import lzma
import random
import sqlite3
import sys
from contextlib import AbstractContextManager, closing
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.types import RecordBatch, Stream

STATES = Path(__file__).parent / "data" / "states"
WITHOUT = {"LOGWATCHD_DETECTORS__LSTM__ENABLED": "false"}  # its weights are most of a state
SAYS = ["begin of {n}", "read {n} rows status=200", "wrote {n} rows in {n} ms", "end after {n} mode=fast"]
HELD = 1500
"""Seconds that the states hold."""
ODD = "ERROR the raid lost an inode of bus 7"
OUTDATED = {
    "09e2442": {"window/open/", "window/rate/", "field/", "place/field/"},
    "b6d3540": set[str](),
}
"""How the names of cells begin that have another layout now."""


def feed(session: Session, seconds: range, odd: int = -1) -> set[str]:
    """One line of each of two sources a second; both say something odd in one of them. Who alerts then."""
    rng, told = random.Random(1), list[bytes]()
    for second in seconds:
        stamp = f"2026-01-05T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        for _ in "ab":
            text = f"INFO {SAYS[second % 4].format(n=rng.randint(1, 99))}"
            told.append(f"{stamp} {ODD if second == odd else text}".encode())
    at, none = np.arange(2 * seconds.start, 2 * seconds.stop), np.zeros(len(told), np.uint8)
    which = (np.arange(len(told)) % 2).astype(np.int32)
    streams = [Stream("a", "1"), Stream("b", "1")]
    session.pipeline.process(RecordBatch(told, streams, which, at, at + 1, none, {}), "files")
    alerts = {alert.source for alert in session.pipeline.raised}
    session.commit()
    return alerts


def session(folder: Path) -> AbstractContextManager[Session]:
    loaded = load(environ=WITHOUT)
    return opened(loaded.settings, detectors_of(loaded), folder, {"files": SourceTable(kind="file")})


def names(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "state.db")) as db:
        rows = db.execute("SELECT name FROM cells WHERE component IN ('units', 'detector/values')")
        return {name for (name,) in rows}


@pytest.mark.parametrize("commit", OUTDATED)
def test_a_state_of_an_earlier_commit_is_resumed(commit: str, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(lzma.decompress((STATES / f"{commit}.db.xz").read_bytes()))
    gone = tuple(OUTDATED[commit])
    assert {prefix for prefix in gone if any(name.startswith(prefix) for name in names(tmp_path))} == set(gone)
    with capture_logs() as said, session(tmp_path) as found:
        anew = {one["what"] for one in said if "is learned anew" in one["event"]}
        assert anew == ({"usual counts of windows", "usual values"} if gone else set())
        watching = {row["source"] for row in found.pipeline.stages.judge.status() if row["state"] == "watching"}
        assert watching == {0, 1}
        assert feed(found, range(HELD, HELD + 200), odd=HELD + 100) == {"a", "b"}
    assert not [name for name in names(tmp_path) if name.startswith(gone or "no such cell")]
    with capture_logs() as said, session(tmp_path) as found:
        assert not [one for one in said if "anew" in one["event"]]
        feed(found, range(HELD + 200, HELD + 3000))
        assert found.pipeline.stages.units.usual(0) is not None
        assert feed(found, range(HELD + 3000, HELD + 3200), odd=HELD + 3100) == {"a", "b"}


if __name__ == "__main__":  # by an earlier commit's code
    with session(Path(sys.argv[1])) as made:
        feed(made, range(HELD))
