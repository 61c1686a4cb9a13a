"""A state of an earlier version of the miner: sources whose lines come to other templates now are learned anew."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from logwatch.app.session import Session, detectors_of, opened, source_reports
from logwatch.assemble import PerSource
from logwatch.config import SourceTable, load
from logwatch.types import Alert, RecordBatch, Stream

SAYS = {
    "same": ["begin of {n}", "read {n} rows", "wrote {n} rows", "end after {n}"],
    "other": ["tick {n}", "tock {n}", "door {n} opened", "door {n} closed"],
}
ODD = "the raid lost an inode of bus 7"


def lines(seconds: range, odd: int = -1, oddity: str = ODD) -> list[tuple[str, bytes]]:
    """One line of each source a second; both say something odd in one of them."""
    rng, out = random.Random(1), []
    for second in seconds:
        stamp = f"2026-01-05T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        for source, says in SAYS.items():
            text = f"ERROR {oddity}" if second == odd else f"INFO {says[second % 4].format(n=rng.randint(1, 99))}"
            out.append((source, f"{stamp} {text}".encode()))
    return out


@contextlib.contextmanager
def session(folder: Path, *without: str) -> Iterator[tuple[Session, PerSource]]:
    loaded = load(environ={f"LOGWATCHD_DETECTORS__{name.upper()}__ENABLED": "false" for name in without})
    tables = {"files": SourceTable(kind="file")}
    with opened(loaded.settings, detectors_of(loaded), folder, tables) as found:
        yield found, PerSource(loaded.settings, tables, found.pipeline.stages.registry)


def feed(found: Session, told: list[tuple[str, bytes]]) -> list[Alert]:
    streams, at = [Stream(name, "1") for name in SAYS], np.arange(len(told), dtype=np.int64)
    which = np.array([list(SAYS).index(source) for source, _ in told], np.int32)
    texts = [text for _, text in told]
    found.pipeline.process(RecordBatch(texts, streams, which, at, at + 1, np.zeros(len(at), np.uint8), {}), "files")
    alerts = list(found.pipeline.raised)
    found.commit()
    return alerts


def phases(found: Session, per: PerSource) -> dict[str, tuple[str, str]]:
    return {report.source: (report.phase, report.to_go) for report in source_reports(found.pipeline, per)}


def incidents(found: Session) -> dict[str, int]:
    stages = found.pipeline.stages
    return {stages.registry.sources[row["source"]]: row["incidents"] for row in stages.incidents.status()}


def as_of_the_version_before(folder: Path, lost: set[str]) -> None:
    """Make the miner's cells those of version 3, where statements beginning with `lost` words differ by logger only."""
    (file,) = folder.glob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        cells = dict(db.execute("SELECT name, value FROM cells WHERE component = 'miner'"))
        head: dict[str, Any] = json.loads(cells["head"]) | {"v": 3}
        rows = [
            [id, f"a.L{id}", ["rang"], ["", ""]] if words[0] in lost else [id, "", words, separators]
            for id, _, words, separators in json.loads(cells["patterns/0"])
        ]
        for name, value in (("head", head), ("patterns/0", rows)):
            db.execute(
                "UPDATE cells SET value = ? WHERE component = 'miner' AND name = ?", (json.dumps(value).encode(), name)
            )


@pytest.mark.parametrize("without", [(), ("rare",)])
def test_sources_that_lose_their_templates_are_learned_anew_and_this_is_said(
    tmp_path: Path, without: tuple[str, ...]
) -> None:
    with session(tmp_path, *without) as (found, per):
        feed(found, lines(range(3_000), odd=2_800, oddity="an orphan was found in the attic"))
        assert incidents(found) == dict.fromkeys(SAYS, 1)
        assert {phase for phase, _ in phases(found, per).values()} == {"watching"}
    lost = {"tick", "tock", "door"} if not without else {"tick", "begin", "read"}
    as_of_the_version_before(tmp_path, lost)
    expected = {"other": 0.0} if not without else {"same": 0.625, "other": 0.625}
    with capture_logs() as said, session(tmp_path, *without) as (found, per):
        anew = {one["source"]: one["kept"] for one in said if one["event"].startswith("a source is learned anew")}
        assert anew == pytest.approx(expected, abs=0.01)
        assert {name for name, (phase, _) in phases(found, per).items() if phase == "learning"} == set(expected)
        assert incidents(found) == {name: int(name not in expected) for name in SAYS}  # of the time from here on
        assert phases(found, per)["other"][1] == "384 lines"
        found.commit()
    with capture_logs() as said, session(tmp_path, *without) as (found, per):
        assert not [one for one in said if "anew" in one["event"]]  # once
        assert {name for name, (phase, _) in phases(found, per).items() if phase == "learning"} == set(expected)
        alerts = feed(found, lines(range(3_000, 3_200), odd=3_100))
        assert {alert.source for alert in alerts} == {*SAYS} - set(expected)
        feed(found, lines(range(3_200, 6_500)))
        assert {phase for phase, _ in phases(found, per).values()} == {"watching"}
        assert {alert.source for alert in feed(found, lines(range(6_500, 6_700), odd=6_600))} == {*SAYS}


def test_templates_that_are_lost_and_rarely_said_change_nothing(tmp_path: Path) -> None:
    with session(tmp_path) as (found, per):
        feed(found, [*lines(range(3_000)), ("other", b"2026-01-05T00:50:00 INFO gong 7")])
    as_of_the_version_before(tmp_path, {"gong"})
    with capture_logs() as said, session(tmp_path) as (found, per):
        assert not [one for one in said if "anew" in one["event"]]
        assert {phase for phase, _ in phases(found, per).values()} == {"watching"}
