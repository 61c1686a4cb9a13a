"""`flat`: the same value for longer than usual. `missing`: no value for longer than usual.

A run is scored where it enters another bin of its tail (its 1st to 8th point, then four times an octave): each of its
points would be a new longest, and news again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from logwatch.score.series.detectors.borrowed import Columns
from logwatch.score.series.detectors.tail import MANTISSA
from logwatch.types import Bool, Float32, Float64, Int32

SHORTEST = 32
"""Equal values that make a flat line: shorter runs are common where values are coarse."""
CHANGES = 16
"""Changes of its value from which on a series can be flat: before, being constant is what it does."""


class Runs(NamedTuple):
    """Of n points."""

    equal: Float32  # [n] points since the value changed
    flat: Float32  # [n] the same; NaN: none measured, or a series that hardly ever changed
    missing: Float32  # [n] points since a value was measured

    def grew(self) -> tuple[Bool, Bool]:
        """Which runs [n] of equal values are long enough and came into another bin, and which of missing ones did."""
        return _grew(self.equal) & (self.missing == 0) & (self.equal >= SHORTEST), _grew(self.missing)


class RunLengths:
    """Lengths of runs of equal values, and of missing ones."""

    FIELDS: tuple[tuple[Any, ...], ...] = (
        ("run_last", "f8"),
        ("run_lengths", "f4", (3,)),  # equal values, missing ones, changes so far
    )

    def __init__(self, table: Columns) -> None:
        self._table = table

    def of(self, slots: Int32, values: Float64) -> Runs:
        """Runs at points [n], each slot once; NaN is a missing value."""
        of_last, column = self._table.view("run_last"), self._table.view("run_lengths")
        last = of_last[slots]
        equal, missing, changes = np.ascontiguousarray(column[slots].T)
        gone = np.isnan(values)
        same = values == last
        equal = np.where(gone, equal, np.where(same, np.minimum(equal + 1, 2**23), 0))
        changes = np.where(gone | same, changes, np.minimum(changes + 1, CHANGES))
        missing = np.where(gone, np.minimum(missing + 1, 2**23), np.float32(0))
        of_last[slots] = np.where(gone, last, values)
        column[slots] = np.stack([equal, missing, changes], axis=1)
        flat = np.where(gone | (changes < CHANGES), np.float32(np.nan), equal).astype(np.float32)
        return Runs(equal, flat, missing)


def _grew(length: Float32) -> Bool:
    """Which runs stand in another bin than a point ago."""
    now, before = (np.ascontiguousarray(x, np.float32).view(np.int32) for x in (length, np.maximum(length - 1, 0)))
    grew: Bool = (now >> MANTISSA) != (before >> MANTISSA)
    return grew
