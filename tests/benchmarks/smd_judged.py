"""What the whole pipeline says of a table of metrics, step by step, as `logwatchd score` reads it from a file.

The combined nats, which are what thresholds are held against: −log10 p says the same between two fits of a tail, but
moves at each, and ends at 30.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.metric_rows import Measured
from logwatch.metric_stages import PCA, SERIES
from logwatch.score.detector_configs import LstmConfig
from logwatch.types import Float64, RecordBatch, Stream

START = 1_760_000_040
STEP = 60
"""Seconds since the epoch, and between two readings."""
BATCH = 512


class Said(NamedTuple):
    """Nats [n] ≥ 0 of the steps."""

    combined: Float64
    series: Float64  # the voice of the most surprising series
    pca: Float64  # how the metrics move together


def judged(values: Float64) -> Said:
    """Values [n, m] as a source of m metrics, from its first step on. Without the forecaster, which has no vote."""
    loaded = load(environ={})
    detectors = [one for one in detectors_of(loaded) if not isinstance(one.config, LstmConfig)]
    said = np.zeros((3, len(values)))

    def keep(measured: Measured) -> None:
        units = measured.judging.units
        nats = measured.judge(units).nats, units.nats[:, SERIES], units.nats[:, PCA]
        said[:, (units.last // 10**9 - START) // STEP] = np.nan_to_num(nats)

    tables = {"files": SourceTable(kind="file", signal="metrics", format="csv")}
    with opened(loaded.settings, detectors, None, tables, finished=True) as session:
        session.pipeline.on_measured = keep
        for records in _records(values):
            session.pipeline.process(records, "files")
        session.pipeline.end()
    return Said(*said)


def _records(values: Float64) -> Iterator[RecordBatch]:
    """Wide CSV, as batches."""
    lines = ["time," + ",".join(f"m{column}" for column in range(values.shape[1]))]
    lines += [f"{START + STEP * row}," + ",".join(map(repr, one)) for row, one in enumerate(values.tolist())]
    stream = Stream("server", "metrics")
    for at in range(0, len(lines), BATCH):
        part = [line.encode() for line in lines[at : at + BATCH]]
        start = np.arange(at, at + len(part), dtype=np.int64)
        which, flags = np.zeros(len(part), np.int32), np.zeros(len(part), np.uint8)
        yield RecordBatch(part, [stream], which, start, start + 1, flags)
