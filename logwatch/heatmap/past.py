"""Quantiles: what is remembered of the values that a metric had before a window."""

from __future__ import annotations

import numpy as np

from logwatch.types import Float32, Float64

QUANTILES: Float64 = np.linspace(0.0, 1.0, 17)
"""Their ranks: the least and the largest value, and what parts those between into sixteenths."""

LEAST = 16
"""Values of a metric from which on they say what is usual."""


def quantiles_of(values: Float32, least: int = LEAST) -> Float32:
    """Quantiles [m, 17] of the values [m, k] of m metrics, NaN left aside; NaN where a metric has under `least`."""
    values = np.where(np.isfinite(values), values, np.float32(np.nan))
    found: Float32 = np.full((len(values), len(QUANTILES)), np.nan, np.float32)
    count = np.count_nonzero(~np.isnan(values), axis=1)
    enough = np.flatnonzero(count >= max(least, 1))
    if len(enough):
        known = np.sort(values[enough], axis=1)  # NaN last
        place = np.rint(QUANTILES * (count[enough, None] - 1)).astype(np.int64)
        found[enough] = np.take_along_axis(known, place, axis=1)
    return found
