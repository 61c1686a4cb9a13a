"""The whole pipeline: results depend neither on batching nor on interruption; warm-up is silent; commits are whole."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from logwatch import telemetry
from logwatch.app.names import PipelineNames
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.errors import StateFull
from logwatch.rows import RowWriter, Scored
from logwatch.testing import ManualClock
from logwatch.types import Alert, Gap, Kind, RecordBatch, Stream

ENTITY = r"id=(\w+)"
WORDS = ["quota", "raid", "panic", "thermal", "orphan", "inode", "lost", "bus"]


def _log(count: int, seed: int) -> list[bytes]:
    """A dull program, whose keys are over after two lines, with two bursts of lines that it never wrote before; of
    these the second names keys."""
    rng = random.Random(seed)
    steps = [
        "begin id={i} of {n}",
        "read id={i} {n} rows in {n} ms",
        "wrote id={i} {n} rows",
        "end id={i} after {n} ms",
    ]
    lines = []
    for i in range(count):
        stamp = f"2026-01-05T{8 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}"
        line = f"{stamp} INFO " + steps[i % 4].format(i=f"r{i // 2}", n=rng.randint(1, 9999))
        if count - 300 < i < count - 260 or count - 40 < i < count - 10:
            named = f"id=r{i // 2} " if i >= count - 40 else ""
            line = f"{stamp} ERROR {named}{' '.join(rng.sample(WORDS, 5))}"
        lines.append(line.encode())
    return lines


def _records(lines: list[bytes], at: int, end: int, sources: int = 2) -> RecordBatch:
    """Lines `at` to `end` of the log, dealt out to sources in runs of 7."""
    n = end - at
    start = np.arange(at, end, dtype=np.int64)
    streams = [Stream(f"s{i}", "1") for i in range(sources)]
    which = (start // 7 % sources).astype(np.int32)
    cursor: dict[str, bytes | None] = {"all": str(end).encode()}
    return RecordBatch(lines[at:end], streams, which, start, start + 1, np.zeros(n, np.uint8), cursor)


class Run:
    """Feeds a log to a pipeline; keeps every alert and every score."""

    def __init__(self, folder: Path, entity: str | None = None) -> None:
        self.folder = folder
        self.entity = entity
        self.alerts: list[Alert] = []
        self.p: list[np.ndarray] = []
        self.nats: list[np.ndarray] = []

    def _keep(self, scored: Scored) -> None:
        self.p.append(scored.p)
        self.nats.append(scored.nats)

    def feed(self, lines: list[bytes], sizes: Iterator[int], stop: int | None = None, warm: int = 0) -> int:
        """Goes on from the saved cursor up to `stop`; returns where it ended."""
        loaded = load(environ={}, flags={"budget": ("--budget", "20/hour")})
        table = {"files": SourceTable(kind="file", entity=self.entity)}
        with opened(loaded.settings, detectors_of(loaded), self.folder, table, on_scored=self._keep) as session:
            at = int(session.pipeline.cursors("files").get("all", b"0"))
            while at < (stop or len(lines)):
                end = min(at + next(sizes), stop or len(lines))
                records = _records(lines, at, end)
                session.pipeline.process(records, "files", records.start < warm if warm else None)
                at = end
                self._commit(session)
        return at

    def _commit(self, session: Session) -> None:
        self.alerts += session.pipeline.raised
        session.commit()

    def told(self) -> list[tuple[str, str, float, int]]:
        return [(alert.id, alert.state, alert.score, alert.count) for alert in self.alerts]


def _sizes(seed: int, most: int) -> Iterator[int]:
    rng = random.Random(seed)
    while True:
        yield rng.randint(1, most)


@pytest.mark.parametrize(("entity", "kind"), [(None, "event"), (ENTITY, "visit")])
def test_batching_and_interruption_change_nothing(tmp_path: Path, entity: str | None, kind: str) -> None:
    lines = _log(4500, 1)  # long enough that visits have closed after a gap of a minute, and are judged
    whole = Run(tmp_path / "whole", entity)
    whole.feed(lines, _sizes(0, 4096))
    assert any(alert.state == "open" for alert in whole.alerts)
    assert {kind, "window"} <= {alert.kind for alert in whole.alerts}
    for seed, most in ((1, 40), (2, 700), (3, 2000)):
        parts = Run(tmp_path / f"parts{seed}", entity)
        rng = random.Random(seed)
        at = 0
        while at < len(lines):
            at = parts.feed(lines, _sizes(seed + at, most), stop=min(at + rng.randint(100, 1500), len(lines)))
        np.testing.assert_array_equal(np.concatenate(parts.nats), np.concatenate(whole.nats))
        np.testing.assert_array_equal(np.concatenate(parts.p), np.concatenate(whole.p))
        assert parts.told() == whole.told()


NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kurt", "liam", "mona"]


def _merging(count: int, named: bool = False) -> list[bytes]:
    """A program whose statements name people, ever new ones: the miner finds out late that they are variables."""
    rng = random.Random(1)
    steps = ["session of {who} opened on the door", "query of {who} took {n} ms", "file of {who} closed after write"]
    lines = []
    for i in range(count):
        known = min(max(i - 3000 * named, 0) // 150, len(NAMES) - 1)
        text = steps[i % 3].format(who=NAMES[known if i % 3 else rng.randint(0, known)], n=rng.randint(1, 999))
        text += f" id=r{i // 3}" * named
        lines.append(f"2026-01-05T{8 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d} INFO {text}".encode())
    return lines


@pytest.mark.parametrize("entity", [None, ENTITY])
def test_templates_that_merge_within_a_batch_change_nothing(tmp_path: Path, entity: str | None) -> None:
    lines = _merging(4500 if entity else 2200, named=bool(entity))
    whole = Run(tmp_path / "whole", entity)
    whole.feed(lines, _sizes(0, 4096))
    parts = Run(tmp_path / "parts", entity)
    at = 0
    while at < len(lines):
        at = parts.feed(lines, _sizes(at, 200), stop=min(at + 700, len(lines)))
    np.testing.assert_array_equal(np.concatenate(parts.nats), np.concatenate(whole.nats))
    np.testing.assert_array_equal(np.concatenate(parts.p), np.concatenate(whole.p))
    assert [(a.id, a.template, a.expected) for a in parts.alerts] == [
        (a.id, a.template, a.expected) for a in whole.alerts
    ]


def test_warm_up_teaches_and_alerts_nobody(tmp_path: Path) -> None:
    lines = _log(2600, 1)
    warm = Run(tmp_path / "warm")
    warm.feed(lines, _sizes(0, 500), warm=len(lines) - 100)
    cold = Run(tmp_path / "cold")
    cold.feed(lines, _sizes(0, 500))
    assert {alert.position["offset"] >= len(lines) - 100 for alert in warm.alerts if alert.state == "open"} == {True}
    assert any(alert.position["offset"] < len(lines) - 100 for alert in cold.alerts)


def test_an_alert_says_what_came_and_what_was_expected(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.feed(_log(2600, 1), _sizes(0, 500))
    alert = next(alert for alert in run.alerts if alert.state == "open" and alert.kind == "event")
    assert any(word in alert.lines[-1].text for word in WORDS)
    assert alert.before
    assert 0 < sum(expected.probability for expected in alert.expected) <= 1.0001
    assert alert.fired
    assert 0 < alert.score <= 30
    assert alert.position["offset"] == alert.lines[-1].position


def test_what_a_full_disk_refuses_is_committed_later(tmp_path: Path) -> None:
    lines = _log(600, 3)
    loaded = load(environ={})
    table = {"files": SourceTable(kind="file")}
    with opened(loaded.settings, detectors_of(loaded), tmp_path, table) as session:
        database = session.store._db
        database.execute("PRAGMA max_page_count = 1")  # SQLite itself refuses to grow: SQLITE_FULL
        session.pipeline.process(_records(lines, 0, 300), "files")
        with pytest.raises(StateFull):
            session.commit()
        session.pipeline.process(_records(lines, 300, 600), "files")
        database.execute("PRAGMA max_page_count = 1000000")
        session.commit()
    with opened(loaded.settings, detectors_of(loaded), tmp_path, table) as session:
        assert session.resumed
        assert session.pipeline.seen == 600
        assert session.pipeline.cursors("files")["all"] == b"600"
        assert len(session.pipeline.stages.keys) == 2


def test_lost_input_is_an_alert(tmp_path: Path) -> None:
    loaded = load(environ={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"files": SourceTable(kind="file")}) as session:
        records = _records(_log(10, 0), 0, 10)
        records.gaps.append(Gap(Stream("s0", "1"), 100, 350, "deleted while logwatchd was down"))
        session.pipeline.process(records, "files")
        alert = session.pipeline.raised[0]
        assert (alert.kind, alert.source, alert.position["offset"]) == ("gap", "s0", 100)
        assert "250 bytes" in alert.detail


def test_metrics_tell_what_the_miner_gave_up_in_this_run(tmp_path: Path) -> None:
    metrics = (telemetry.REVISED, telemetry.OVERFLOWED, telemetry.RETIRED)
    for metric in metrics:
        metric.reset()
    lines, loaded = _merging(2200), load(environ={})
    told = []
    for at, end in ((0, 1100), (1100, 2200)):
        with opened(loaded.settings, detectors_of(loaded), tmp_path, {"files": SourceTable(kind="file")}) as session:
            miner = session.pipeline.stages.miner
            session.pipeline.process(_records(lines, at, end), "files")
            session.pipeline.observe()
            told.append([metric.value() for metric in metrics])
            assert told[-1] == [miner.revised, miner.overflowed, miner.retired]
            session.commit()
    assert told[0][0] > 0


def test_what_no_event_closes_is_told_too(tmp_path: Path) -> None:
    """Visits that leave the table, and what a tick closes, are judged like others, and have their rows."""
    lines, loaded, rows = _log(2000, 1), load(environ={}), io.BytesIO()
    table = {"files": SourceTable(kind="file", entity=ENTITY)}
    late: list[Scored] = []

    def keep(scored: Scored) -> None:
        writer.write(scored)
        if not len(scored.events):
            late.append(scored)

    with opened(loaded.settings, detectors_of(loaded), None, table, on_scored=keep) as session:
        pipeline = session.pipeline
        pipeline._clock = clock = ManualClock()
        pipeline.stages.keys.capacity = 64
        writer = RowWriter(rows, "jsonl", PipelineNames(pipeline.stages))
        for at in range(0, 2000, 100):
            pipeline.process(_records(lines, at, at + 100, sources=1), "files")
        left = {Kind(kind) for scored in late for kind in scored.units.kind}
        clock.advance(7200.0)
        pipeline.tick()
        ticked = {Kind(kind) for kind in late[-1].units.kind}
        writer.close()
    assert left == {Kind.VISIT}
    assert ticked >= {Kind.VISIT, Kind.WINDOW}
    told = [json.loads(line) for line in rows.getvalue().splitlines()]
    assert len([row for row in told if row["kind"] != "event"]) >= sum(int(scored.units.final.sum()) for scored in late)
    assert all(row["entity"] for row in told if row["kind"] == "visit")


def test_metrics_tell_what_was_read_and_how_far_time_has_come(tmp_path: Path) -> None:
    lines = _log(700, 1)
    for metric in (telemetry.RECORDS, telemetry.BYTES, telemetry.TRAINED, telemetry.WATERMARK):
        metric.reset()
    loaded = load(environ={}, flags={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"files": SourceTable(kind="file")}) as session:
        for at in (0, 300):
            records = _records(lines, at, at + 300 + at // 3, sources=1)
            session.pipeline.process(records, "files")
            session.pipeline.observe()
    assert telemetry.RECORDS.value(source="s0") == 700
    assert telemetry.BYTES.value(source="s0") == 700  # of this log a line is as long as its position says: 1
    assert telemetry.TRAINED.value() > 0
    assert telemetry.WATERMARK.value(source="s0") == datetime(2026, 1, 5, 8, 11, 34, tzinfo=UTC).timestamp()
