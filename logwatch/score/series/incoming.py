"""Samples of a batch with what is known of their records; those that cannot be used are dropped and counted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.samples import SampleKind, Samples, SeriesName
from logwatch.score.series.names import kind_of
from logwatch.score.series.passage import Passage, Where
from logwatch.score.series.rates import HUGE
from logwatch.telemetry import DROPPED_SAMPLES, MARKED_SAMPLES
from logwatch.types import Float64, Int32, Int64, UInt8

LATEST = 2**62
"""Times beyond it (2116) overflow in sums; those before 1970 are no times either."""


@dataclass(slots=True)
class Incoming:
    """k samples in the order of their records."""

    names: list[SeriesName]
    series: Int32  # [k] index into `names`
    kind: UInt8  # [k] of SampleKind; UNKNOWN: neither format nor name say
    row: Int64  # [k] of the record
    time: Int64  # [k] ns
    value: Float64  # [k] finite
    source: Int32  # [k]
    stream: Int32  # [k]
    before: Int64  # [k] watermark of the source before the record, ns
    after: Int64  # [k] after it
    number: Int64  # [k] of the sample in the whole run

    def __len__(self) -> int:
        return len(self.series)

    def take(self, rows: NDArray[Any]) -> Incoming:
        """Some of them."""
        return Incoming(self.names, *(getattr(self, one.name)[rows] for one in fields(self)[1:]))

    def with_readings(
        self, names: list[SeriesName], series: Int32, sample: Int64, value: Float64, without: NDArray[np.bool_]
    ) -> Incoming:
        """These, but those of `without`, and gauges [d] that were made of `sample` [d], in the order of the records."""
        rows = np.append(np.flatnonzero(~without), sample)
        order = np.argsort(self.row[rows], kind="stable")
        new = self.take(rows[order])
        made = np.flatnonzero(order >= len(rows) - len(sample))
        of = order[made] - (len(rows) - len(sample))
        new.names = self.names + names
        new.series[made] = series[of] + len(self.names)
        new.value[made], new.kind[made] = value[of], SampleKind.GAUGE
        return new


def usable(samples: Samples, where: Where, passage: Passage, record: Int64, first: int) -> Incoming:
    """Samples that have a time and a finite value; those that count nothing are cut to ±HUGE.

    Args:
        record: [k] record of each sample, as `passage` numbers them.
        first: number of the first sample in the whole run.
    """
    kind = samples.kind.copy()
    for one in np.flatnonzero(kind == SampleKind.UNKNOWN).tolist():
        kind[one] = kind_of(samples.names[one])
    row = samples.row.astype(np.int64)
    given = Incoming(
        samples.names, samples.series, kind[samples.series], row, samples.time, samples.value, where.source[row],
        where.stream[row], passage.before[record], passage.after[record], first + np.arange(len(samples)),
    )  # fmt: skip
    finite = np.isfinite(samples.value)
    timed = (samples.time > 0) & (samples.time <= LATEST)
    keep = finite & timed
    if not keep.all():
        drop("not_finite", int(np.count_nonzero(~finite)))
        drop("no_time", int(np.count_nonzero(finite & ~timed)))
        given = given.take(np.flatnonzero(keep))
    huge = (np.abs(given.value) > HUGE) & ((given.kind == SampleKind.GAUGE) | (given.kind == SampleKind.UNKNOWN))
    if huge.any():
        MARKED_SAMPLES.inc(int(np.count_nonzero(huge)), mark="huge")
        given.value = np.where(huge, np.clip(given.value, -HUGE, HUGE), given.value)
    return given


def drop(reason: str, samples: int) -> None:
    """Count samples that are given up."""
    if samples:
        DROPPED_SAMPLES.inc(samples, reason=reason)
