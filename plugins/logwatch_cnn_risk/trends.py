"""How steeply each metric rises or falls, against how it usually does: what a leak shows before its level is unusual.

A slope is least squares over the columns before, in deviations of the metric; its distance from the median of training
in spreads of training, and of that the logarithm, as slopes have heavy tails.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32

SPANS = (1 / 6, 1 / 3, 2 / 3)
"""Shares of a window over which slopes are taken."""

LEAST_SPAN = 3
FAR = 100.0
"""Deviations beyond which nothing is further."""

_TAILS = 0.3
"""So much of the standard deviation counts beside the quartiles: metrics that mostly stand still move in jumps."""


def slopes(distances: Float32) -> Float32:
    """Slopes [n, 3, m, c] of distances [n, m, c] over each span up to a column; 0 where the window began later.

    NaN, not measured, counts as the mean of the row.
    """
    known = np.isfinite(distances)
    total = np.where(known, distances, 0).clip(-FAR, FAR).sum(axis=2, keepdims=True)
    filled = np.where(known, distances.clip(-FAR, FAR), total / np.maximum(known.sum(axis=2, keepdims=True), 1))
    made = np.zeros((len(distances), len(SPANS), *distances.shape[1:]), np.float32)
    for at, columns in enumerate(spans(distances.shape[2])):
        when = np.linspace(-1, 1, columns, dtype=np.float32)
        before = np.lib.stride_tricks.sliding_window_view(filled, columns, axis=2)
        made[:, at, :, columns - 1 :] = before @ (when / (when @ when))
    return made


def spans(columns: int) -> tuple[int, ...]:
    """Columns of each span in a window of so many."""
    return tuple(min(max(round(share * columns), LEAST_SPAN), columns) for share in SPANS)


def usual_trends(last: Float32) -> Float32:
    """Median and spread [..., 2] of slopes [n, ...]."""
    low, middle, high = np.quantile(last, [0.25, 0.5, 0.75], axis=0)
    spread = high - low + _TAILS * last.std(axis=0) + 1e-6
    return np.stack([middle, spread], axis=-1).astype(np.float32)


def trends(slope: Float32, usual: Float32, measured: NDArray[np.bool_]) -> Float32:
    """Slopes [n, 3, m, c] against what is usual [m, 3, 2], as signed logarithms; 0 in rows [n, m] without a value."""
    middle, spread = usual.transpose(2, 1, 0)[..., None]
    far = (slope - middle) / spread
    for at, columns in enumerate(spans(slope.shape[3])):
        far[:, at, :, : columns - 1] = 0
    made: Float32 = np.sign(far) * np.log1p(np.abs(far)) * measured[:, None, :, None]
    return made.astype(np.float32)
