"""`spike`: sudden changes, alone or in a train. `shift`: the recent level far from the long one."""

from __future__ import annotations

from typing import Any

import numpy as np

from logwatch.score.series.detectors.borrowed import Columns
from logwatch.types import Float32, Int32

UNREST = 0.02  # of the mean change: one great change is as much as fifty small ones
RECENT, LONG = 0.2, 0.002  # of the two levels


class Change:
    """Exponentially weighted means of the changes between values, and of the values."""

    FIELDS: tuple[tuple[Any, ...], ...] = (("change", "f4", (4,)),)  # last value, mean change, recent and long level

    def __init__(self, table: Columns) -> None:
        self._table = table

    def magnitudes(self, slots: Int32, values: Float32, seen: Float32) -> tuple[Float32, Float32]:
        """Of the recent changes [n], and of the shift of the level [n]; NaN at a series' first value.

        Args:
            slots: [n] each once.
            values: [n] finite.
            seen: [n] values of the series before.
        """
        column = self._table.view("change")
        last, unrest, recent, long = np.ascontiguousarray(column[slots].T)
        begun, share = seen > 0, 1 / (seen + 1)
        first = np.float32(np.nan)
        unrest = np.where(begun, unrest + np.maximum(UNREST, share) * (np.abs(values - last) - unrest), 0)
        recent = np.where(begun, recent + np.maximum(RECENT, share) * (values - recent), values)
        shift = np.where(begun, np.abs(recent - long), first)
        long = np.where(begun, long + np.maximum(LONG, share) * (values - long), values)
        column[slots] = np.stack([values, unrest, recent, long], axis=1)
        return np.where(begun, unrest, first).astype(np.float32), shift.astype(np.float32)
