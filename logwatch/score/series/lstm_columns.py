"""What the forecaster keeps of each series. Without torch: the table is made before any metric comes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool

HIDDEN = 32
"""Units."""

HISTORY = 40
"""Newest values that a series keeps: a segment to learn from."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

STATE: tuple[tuple[Any, ...], ...] = (
    ("h", "<f4", (HIDDEN,)),
    ("c", "<f4", (HIDDEN,)),
    ("values", "<f4", (HISTORY,)),  # oldest first, less the origin; where nothing was measured, the value before
    ("missing", "<u8"),  # bit i: nothing was measured at values[i]
    ("barred", "<u8"),  # bit i: values[i] is not learned
    ("next", "<f4", (len(QUANTILES),)),  # quantiles of the value to come, less the origin
    ("scale", "<f4", (3,)),  # location (less the origin), spread, usual change
    ("origin", "<f8"),  # first value: float32 keeps small changes of large values
    ("count", "<i8"),  # points since the first value, with it
)

COLUMNS: tuple[tuple[Any, ...], ...] = (("forecast", list(STATE)),)
"""Columns of the series table: 480 bytes a series."""

State = NDArray[Any]
"""[k] of STATE."""


def bits_of(marks: Bool) -> NDArray[np.uint64]:
    """Marks [k, HISTORY] as bits."""
    wide = np.zeros((len(marks), 64), np.bool_)
    wide[:, : marks.shape[1]] = marks
    packed: NDArray[np.uint64] = np.packbits(wide, axis=1, bitorder="little").view("<u8")[:, 0]
    return packed


def marks_of(bits: NDArray[np.uint64]) -> Bool:
    """Bits [k] as marks [k, HISTORY]."""
    octets = np.ascontiguousarray(bits, "<u8").view(np.uint8).reshape(-1, 8)
    return np.unpackbits(octets, axis=1, count=HISTORY, bitorder="little").astype(np.bool_)
