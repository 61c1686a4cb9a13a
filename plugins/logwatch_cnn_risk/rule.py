"""The rule that needs no labels: how far the metrics are from what they were.

The mean over the metrics of |z|: the newest values against the window before them, and against the metric's own past
where that is known. Both count alike: a past of seconds holds a start that was not usual, a long one what is.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32, MetricWindow

Floats = NDArray[np.float64]

NEWEST = 6
"""The last of so many parts of a window are its newest values."""

MOST = 10.0
"""A |z| beyond it counts as this: one metric that had been constant must not speak for all."""

LEAST, TRACE = 1e-3, 1e-9
"""No deviation is less than this share of the mean, and than this: a constant metric that moves is far from usual."""

HUGE = 1e30

_LOW, _MIDDLE, _HIGH = 2, 8, 14
_NORMAL = 2.3
"""Standard deviations between the quantiles 1/8 and 7/8 of what is normally distributed."""


def usual_of(window: MetricWindow) -> Float32:
    """Mean and standard deviation [m, 2] of what each metric was before the window; where that is not known, before
    the newest values. NaN: not known."""
    before: Float32 = before_newest(window.values[None])[0]
    if window.past is None:
        return before
    past = window.past.astype(np.float64)
    with np.errstate(all="ignore"):
        deviation = np.fmax((past[:, _HIGH] - past[:, _LOW]) / _NORMAL, before[:, 1] / 2)
        usual = _tamed(past[:, _MIDDLE], deviation)
    known = np.isfinite(past.sum(axis=1))
    chosen: Float32 = np.where(known[:, None], usual, before)
    return chosen


def before_newest(values: Float32) -> Float32:
    """Mean and standard deviation [n, m, 2] of values [n, m, c] without the newest; NaN: not known."""
    known = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    before = known[:, :, : parted(values.shape[2])]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # metrics of which nothing was measured
        middle, deviation = np.nanmean(before, axis=2), np.nanstd(before, axis=2)
    return _tamed(middle, deviation)


def _tamed(middle: Floats, deviation: Floats) -> Float32:
    usual: Floats = np.stack([middle, np.fmax(deviation, LEAST * np.abs(middle) + TRACE)], axis=-1)
    with np.errstate(all="ignore"):
        usual[~np.all(np.abs(usual) < HUGE, axis=-1)] = np.nan
    return usual.astype(np.float32)


def parted(steps: int) -> int:
    """Where the newest of so many steps begin."""
    return steps - max(steps // NEWEST, 1)


def departures(values: Float32, usual: Float32) -> Float32:
    """|z| [n, m] of the newest of values [n, m, c] against what is usual [n, m, 2], and against the values before;
    NaN: not known."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        newest = np.nanmean(values[:, :, parted(values.shape[2]) :], axis=2)
        both = [np.abs(newest - one[..., 0]) / one[..., 1] for one in (usual, before_newest(values))]
    z: Float32 = np.minimum(both, np.float32(MOST)).mean(axis=0).astype(np.float32)
    return z


def rule(z: Float32) -> Float32:
    """Scores [n], 0 to `MOST`: the mean of |z| [n, m] over what is known; 0 where nothing is."""
    known = np.isfinite(z)
    score: Float32 = np.where(known, z, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return score.astype(np.float32)
