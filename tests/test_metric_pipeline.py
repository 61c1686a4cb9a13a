"""Metrics through the whole pipeline: found, explained, joined with the source's lines, whatever the batches."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.metric_rows import Measured
from logwatch.types import Alert, RecordBatch, Stream

LOG, METRICS = Stream("app", "log"), Stream("app", "metrics")
START = 1_760_000_000
STEPS = 1500
DEAD = range(1200, 1206)
"""Steps of ten seconds in which nothing is served, and the log says why."""

Line = tuple[Stream, bytes]


def _stamp(second: int) -> str:
    return str(np.datetime64(START + second, "s")) + "Z"


def _stream(seed: int = 1, logs: bool = True) -> list[Line]:
    """A service that says what it does, and readings of it every ten seconds."""
    rng, lines = random.Random(seed), [(METRICS, b"time,name,labels,value")]
    served = 0
    for step in range(STEPS):
        second, dead = 10 * step, step in DEAD
        for _ in range(10 if logs and step % 10 == 0 else 0):
            text = f"request {rng.randint(1, 999)} served in {rng.randint(1, 40)} ms"
            lines.append((LOG, f"{_stamp(second)} INFO {text}".encode()))
        if logs and dead:
            lines.append((LOG, f"{_stamp(second + 1)} ERROR upstream {rng.choice('abc')} is gone".encode()))
        busy = 20 + 3 * math.sin(step / 40)
        served += 0 if dead else int(10 * busy + rng.randint(-8, 8))
        for name, value in (
            ("requests_total", served), ("in_flight", 0 if dead else round(busy + rng.gauss(0, 0.5), 2)),
            ("threads", 40 + rng.randint(0, 1)),
        ):  # fmt: skip
            lines.append((METRICS, f"{_stamp(second + 2)},{name},program=app,{value}".encode()))
    return lines


def _records(lines: list[Line], at: int, end: int) -> RecordBatch:
    start = np.arange(at, end, dtype=np.int64)
    which = np.array([stream is METRICS for stream, _ in lines[at:end]], np.int32)
    cursor: dict[str, bytes | None] = {"all": str(end).encode()}
    flags = np.zeros(end - at, np.uint8)
    return RecordBatch([line for _, line in lines[at:end]], [LOG, METRICS], which, start, start + 1, flags, cursor)


class Run:
    """Feeds a stream to a pipeline; keeps every alert and every score."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alerts: list[Alert] = []
        self.said: list[np.ndarray] = []

    def _keep(self, measured: Measured) -> None:
        self.said.append(measured.judging.units.nats.copy())

    def feed(self, lines: list[Line], sizes: Iterator[int], stop: int | None = None, warm: int = 0) -> int:
        """Goes on from the saved cursor up to `stop`; returns where it ended."""
        loaded = load(environ={}, flags={})
        with opened(loaded.settings, detectors_of(loaded), self.folder, {"files": SourceTable(kind="file")}) as session:
            session.pipeline.on_measured = self._keep
            at = int(session.pipeline.cursors("files").get("all", b"0"))
            while at < (stop or len(lines)):
                end = min(at + next(sizes), stop or len(lines))
                records = _records(lines, at, end)
                session.pipeline.process(records, "files", records.start < warm if warm else None)
                at = end
                self.alerts += session.pipeline.raised
                session.commit()
        return at

    def told(self) -> list[tuple[str, str, float, int, str]]:
        return [(alert.id, alert.state, alert.score, alert.count, alert.detail) for alert in self.alerts]


def _sizes(seed: int, most: int) -> Iterator[int]:
    rng = random.Random(seed)
    while True:
        yield rng.randint(1, most)


def test_metrics_tell_what_was_expected(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.feed(_stream(logs=False), iter([10**6]))
    opened_ = [alert for alert in run.alerts if alert.state == "open"]
    dead = START + 10 * DEAD.start
    found = [alert for alert in opened_ if dead <= alert.last // 10**9 <= dead + 40]
    assert len(found) == 1
    assert len(opened_) <= 2
    (alert,) = found
    assert alert.kind == "metric"
    assert alert.entity is not None
    assert alert.entity in alert.detail
    assert "expected" in alert.detail
    assert "saw 0" in alert.detail


def test_lines_and_metrics_of_a_source_join_in_one_incident(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.feed(_stream(), iter([10**6]))
    dead = START + 10 * DEAD.start
    around = [alert for alert in run.alerts if dead <= alert.last // 10**9 <= dead + 120 and alert.state != "end"]
    assert {alert.kind for alert in around} >= {"metric", "event"}
    assert len({alert.incident for alert in around}) == 1


@pytest.mark.parametrize("logs", [False, True])
def test_batching_and_interruption_change_nothing(tmp_path: Path, logs: bool) -> None:
    lines = _stream(2, logs)
    whole = Run(tmp_path / "whole")
    whole.feed(lines, _sizes(0, 4096))
    assert any(alert.kind == "metric" for alert in whole.alerts)
    for seed, most in ((1, 300), (2, 2500)):
        parts = Run(tmp_path / f"parts{seed}")
        rng, at = random.Random(seed), 0
        while at < len(lines):
            at = parts.feed(lines, _sizes(seed + at, most), stop=min(at + rng.randint(300, 3000), len(lines)))
        np.testing.assert_array_equal(np.concatenate(parts.said), np.concatenate(whole.said))
        assert parts.told() == whole.told()


def test_what_was_there_before_the_first_start_teaches_in_silence(tmp_path: Path) -> None:
    lines = _stream(logs=False)
    run = Run(tmp_path)
    run.feed(lines, iter([4000] * 99), warm=len(lines))
    assert run.alerts == []


def test_a_stream_whose_first_batch_is_a_header_alone_is_one_of_metrics(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.feed(_stream(logs=False)[:3000], iter([1, 1, *[500] * 99]))
    assert run.said
