"""Streams of lines and metrics of one service, and runs of them through the whole pipeline."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.metric_rows import Measured
from logwatch.types import Alert, RecordBatch, Stream

LOG, METRICS = Stream("app", "log"), Stream("app", "metrics")
START = 1_760_000_000
STEPS = 1500
DEAD = range(1200, 1206)
"""Steps of ten seconds in which nothing is served, and the log says why."""

Line = tuple[Stream, bytes]


def stamp(second: int) -> str:
    """A time of the streams."""
    return str(np.datetime64(START + second, "s")) + "Z"


def service(seed: int = 1, logs: bool = True, late: bool = False) -> list[Line]:
    """A service that says what it does, and readings of it every ten seconds; `late`: some come out of order."""
    rng, lines = random.Random(seed), [(METRICS, b"time,name,labels,value")]
    served, held = 0, []
    for step in range(STEPS):
        second, dead = 10 * step, step in DEAD
        for _ in range(10 if logs and step % 10 == 0 else 0):
            text = f"request {rng.randint(1, 999)} served in {rng.randint(1, 40)} ms"
            lines.append((LOG, f"{stamp(second)} INFO {text}".encode()))
        if logs and dead:
            lines.append((LOG, f"{stamp(second + 1)} ERROR upstream {rng.choice('abc')} is gone".encode()))
        busy = 20 + 3 * math.sin(step / 40)
        served += 0 if dead else int(10 * busy + rng.randint(-8, 8))
        for name, value in (
            ("requests_total", served), ("in_flight", 0 if dead else round(busy + rng.gauss(0, 0.5), 2)),
            ("threads", 40 + rng.randint(0, 1)),
        ):  # fmt: skip
            line = METRICS, f"{stamp(second + 2)},{name},program=app,{value}".encode()
            if late and rng.random() < 0.03:
                held.append(line)
            else:
                lines.append(line)
        if rng.random() < 0.2:
            lines += held
            held = []
    return lines


def records_of(lines: list[Line], at: int, end: int) -> RecordBatch:
    """Some of the lines as a batch."""
    start = np.arange(at, end, dtype=np.int64)
    streams = list(dict.fromkeys(stream for stream, _ in lines[at:end]))
    which = np.array([streams.index(stream) for stream, _ in lines[at:end]], np.int32)
    cursor: dict[str, bytes | None] = {"all": str(end).encode()}
    flags = np.zeros(end - at, np.uint8)
    return RecordBatch([line for _, line in lines[at:end]], streams, which, start, start + 1, flags, cursor)


class Run:
    """Feeds a stream to a pipeline; keeps every alert and every score.

    Args:
        folder: of the state.
        table: settings of the source.
        flags: other settings.
    """

    def __init__(self, folder: Path, table: dict[str, Any] | None = None, **flags: Any) -> None:
        self.folder, self.flags = folder, flags
        self.table = SourceTable(kind="file", **(table or {}))
        self.alerts: list[Alert] = []
        self.said: list[np.ndarray] = []  # of units
        self.points: dict[tuple[str, int], bytes] = {}  # by series and time: value, and what was scored
        self.thresholds: dict[tuple[int, str], float | None] = {}  # by source and kind, at the end

    def _keep(self, measured: Measured) -> None:
        self.said.append(measured.judging.units.nats.copy())
        steps = measured.judging.steps
        scores, points = steps.scores, steps.scores.points
        for begin, end in zip(steps.begin.tolist(), steps.end.tolist(), strict=True):
            for row in range(begin, end):
                key = str(measured.name(int(points.slot[row]))), int(points.time[row])
                said = points.value[row], scores.low[row], scores.high[row], scores.together[row]
                self.points[key] = np.array([*said, *scores.nats[row]]).tobytes()

    def feed(
        self, lines: list[Line], sizes: Iterator[int], stop: int | None = None, warm: int = 0, end: bool = False
    ) -> int:
        """Goes on from the saved cursor up to `stop`; returns where it ended."""
        loaded = load(environ={}, flags=self.flags)
        tables = {"files": self.table}
        with opened(loaded.settings, detectors_of(loaded), self.folder, tables) as session:
            session.pipeline.on_measured = self._keep
            self.prepare(session)
            at = int(session.pipeline.cursors("files").get("all", b"0"))
            while at < (stop or len(lines)):
                until = min(at + next(sizes), stop or len(lines))
                records = records_of(lines, at, until)
                session.pipeline.process(records, "files", records.start < warm if warm else None)
                at = until
                self._commit(session)
            if end:
                session.pipeline.end()
                self._commit(session)
            for row in (*session.pipeline.stages.judge.status(), *session.pipeline.stages.metrics.judge.status()):
                self.thresholds[row["source"], row["kind"]] = row["threshold"]
            self.inspect(session)
        return at

    def _commit(self, session: Session) -> None:
        self.alerts += session.pipeline.raised
        session.commit()

    def prepare(self, session: Session) -> None:
        """Change the pipeline before it goes on."""

    def inspect(self, session: Session) -> None:
        """Look at the pipeline before it is closed."""

    def told(self) -> list[tuple[str, str, float, int, str]]:
        """What was alerted."""
        return [(alert.id, alert.state, alert.score, alert.count, alert.detail) for alert in self.alerts]


def sizes_of(seed: int, most: int) -> Iterator[int]:
    """Sizes of batches, at random."""
    rng = random.Random(seed)
    while True:
        yield rng.randint(1, most)
