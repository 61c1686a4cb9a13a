"""The samples of a batch while its streams are read, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.parse.formats.read import Failed
from logwatch.parse.metrics.moments import BAD_TIME, Moments
from logwatch.samples import SampleKind, Samples, SeriesName
from logwatch.types import Float64, Int32


class Gathered:
    """Samples so far, by column, and the rows that could not be read."""

    def __init__(self) -> None:
        self.moments = Moments()
        self._failed: dict[int, str] = {}
        self._number: dict[tuple[SeriesName, SampleKind], int] = {}
        self._parts: list[tuple[Int32, Int32, Int32, Float64]] = []

    def number(self, name: SeriesName, kind: SampleKind) -> int:
        """The number of a series in this batch."""
        return self._number.setdefault((name, kind), len(self._number))

    def fail(self, row: int, reason: str) -> None:
        """The row, or some of it, could not be read; its first reason counts."""
        self._failed.setdefault(row, reason)

    def add(
        self, series: Sequence[int] | Int32, row: Sequence[int] | Int32, when: Sequence[int] | Int32,
        value: Sequence[float] | Float64,
    ) -> None:  # fmt: skip
        """k samples of one stream, in its order. `when` are numbers of `moments`."""
        if len(series):
            whole = [np.asarray(column, dtype=np.int32) for column in (series, row, when)]
            self._parts.append((whole[0], whole[1], whole[2], np.asarray(value, dtype=np.float64)))

    def done(self, stream: Int32, order: NDArray[Any]) -> tuple[Samples, list[Failed]]:
        """The samples in the order of the records, and the failed rows.

        Args:
            stream: of each row of the batch.
            order: orders of day, month and year that are still possible [streams]; written.
        """
        series, row, when, value = self._columns()
        time = self.moments.times(when, stream[row], order)
        bad = time == BAD_TIME
        if bad.any():
            for one in np.unique(row[bad]).tolist():
                self.fail(one, "bad_time")
            series, row, time, value = (column[~bad] for column in (series, row, time, value))
        names = [name for name, _ in self._number]
        kind = np.array([kind for _, kind in self._number], dtype=np.uint8)
        failed = [Failed(one, reason) for one, reason in sorted(self._failed.items())]
        return Samples(names, kind, series, row, time, value), failed

    def _columns(self) -> tuple[Int32, Int32, Int32, Float64]:
        if not self._parts:
            none = np.zeros(0, dtype=np.int32)
            return none, none, none, np.zeros(0)
        series, row, when = (np.concatenate([part[at] for part in self._parts]) for at in range(3))
        value = np.concatenate([part[3] for part in self._parts])
        if len(self._parts) > 1 and (row[1:] < row[:-1]).any():
            order = np.argsort(row, kind="stable")
            series, row, when, value = series[order], row[order], when[order], value[order]
        return series, row, when, value
