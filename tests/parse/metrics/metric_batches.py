"""Batches of metric records, and what a reader makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from logwatch.parse.metrics import MetricReader, MetricSettings
from logwatch.samples import SampleKind
from logwatch.types import RecordBatch, Stream, UInt8


class Seen(NamedTuple):
    """One sample."""

    row: int
    series: str
    kind: str
    time: int
    value: float


def batch(
    lines: Sequence[str | bytes], streams: Sequence[Stream] = (Stream("s", "1"),), stream: Sequence[int] = (),
    flags: UInt8 | None = None,
) -> RecordBatch:  # fmt: skip
    """Records of these lines, all of the first stream if nothing else is said."""
    n = len(lines)
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    at = np.arange(n, dtype=np.int64)
    of = np.array(stream, dtype=np.int32) if len(stream) else np.zeros(n, dtype=np.int32)
    return RecordBatch(raw, list(streams), of, at, at + 1, np.zeros(n, dtype=np.uint8) if flags is None else flags)


def reader(format: str = "auto", timezone: str = "UTC") -> MetricReader:
    """A new reader, all of whose sources have these settings."""
    return MetricReader(lambda source: MetricSettings(format, timezone))


def seen(reader: MetricReader, records: RecordBatch, first: int = 0) -> tuple[list[Seen], dict[int, str]]:
    """The samples of a batch whose first row has this number, and why rows failed. Checks the contract of Samples."""
    samples, failed = reader.read(records)
    assert len(set(zip(samples.names, samples.kind.tolist(), strict=True))) == len(samples.names) == len(samples.kind)
    assert len(samples) == len(samples.row) == len(samples.time) == len(samples.value)
    assert (np.diff(samples.row) >= 0).all()
    columns = zip(
        samples.series.tolist(), samples.row.tolist(), samples.time.tolist(), samples.value.tolist(), strict=True
    )
    found = [
        Seen(row + first, str(samples.names[of]), SampleKind(samples.kind[of]).name, time, value)
        for of, row, time, value in columns
    ]
    assert [one.row for one in failed] == sorted({one.row for one in failed})
    return found, {one.row + first: one.reason for one in failed}


def read(
    lines: Sequence[str | bytes], format: str = "auto", timezone: str = "UTC"
) -> tuple[list[Seen], dict[int, str]]:
    """What a new reader makes of one stream."""
    return seen(reader(format, timezone), batch(lines))


def brief(lines: Sequence[str | bytes], format: str = "auto") -> list[tuple[int, str, float]]:
    """Row, series and value of each sample."""
    return [(one.row, one.series, one.value) for one in read(lines, format)[0]]


def ns(text: str) -> int:
    """A UTC time in ns."""
    return int(np.datetime64(text, "ns").astype(np.int64))
