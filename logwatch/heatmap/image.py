"""A window of metrics as an image: what a network reads.

| channel | what | range |
| --- | --- | --- |
| 0 | level: the value's rank in the metric's own past | 0.2 its least so far, 0.5 its median, 0.8 its largest; what \
lies beyond everything before goes on towards 0 and 1 |
| 1 | change since the value before, by the metric's usual spread | −1 to 1; ±0.5 for a quarter of the spread |
| 2 | 1 where nothing was measured: then the level is 0.5, and the change 0 | 0 or 1 |
"""

from __future__ import annotations

import numpy as np

from logwatch.heatmap.past import QUANTILES, quantiles_of
from logwatch.types import Bool, Float32, Int8, MetricWindow

LEVEL, CHANGE, MISSING = range(3)
CHANNELS = ("level", "change", "missing")

INNER = 0.2
"""Levels from it to 1 - INNER are of values within the metric's past; the rest tells how far beyond it one is."""

SHARPNESS = 4.0
"""A change by 1 / SHARPNESS of the usual spread is half of the largest."""

_LAST = len(QUANTILES) - 1
_LOW, _HIGH = 2, 14  # quantiles 1/8 and 7/8: between them lies the usual spread
_TINY = np.float32(1e-30)
_HUGE = np.float32(1e37)  # beyond it, differences of values might not be finite


def image(window: MetricWindow) -> Float32:
    """The image [3, m, t] of a window: rows are its metrics, columns its steps; finite whatever the values are.

    A metric of which too little is known from before the window is measured by the window itself.
    """
    missing = ~np.isfinite(window.values)
    made = np.zeros((len(CHANNELS), *missing.shape), np.float32)
    made[MISSING] = missing
    if missing.all():
        made[LEVEL] = 0.5
        return made
    values = np.where(missing, np.float32(0), window.values).clip(-_HUGE, _HUGE)
    past = np.nan_to_num(_past(window, missing)).clip(-_HUGE, _HUGE)
    spread = _spread(past)
    with np.errstate(over="ignore"):
        made[LEVEL] = np.where(missing, np.float32(0.5), _levels(values, past, spread))
        made[CHANGE] = _changes(values, missing, spread)
    return made


def _past(window: MetricWindow, missing: Bool) -> Float32:
    """Quantiles [m, 17]; NaN only of metrics without any value."""
    if window.past is None:
        return quantiles_of(window.values, least=1)
    past, own = window.past, np.isnan(window.past).any(axis=1) & ~missing.all(axis=1)
    if own.any():
        past = past.copy()
        past[own] = quantiles_of(window.values[own], least=1)
    return past


def _spread(past: Float32) -> Float32:
    """Usual spread [m, 1], above 0: of a constant metric a trace of its size: any true change is large."""
    inner, outer = past[:, _HIGH] - past[:, _LOW], past[:, _LAST] - past[:, 0]
    size = np.maximum(np.abs(past[:, 0]), np.abs(past[:, _LAST]))
    trace = np.maximum(size * np.float32(1e-6), _TINY)
    spread: Float32 = np.where(inner > trace, inner, np.where(outer > trace, outer, trace))[:, None]
    return spread


def _levels(values: Float32, past: Float32, spread: Float32) -> Float32:
    ranked = np.ascontiguousarray(past.T)[:, :, None]
    below = (ranked < values).sum(axis=0, dtype=np.int8)  # how many quantiles
    first = np.arange(0, past.size, len(QUANTILES))[:, None]
    high = first + np.minimum(below, _LAST)
    low = first + np.maximum(below - 1, 0)
    over, under = past.ravel()[high], past.ravel()[low]
    share = (values - under) / np.where(over > under, over - under, np.float32(1))
    ties = (below + _last_equal(past).ravel()[high]) / np.float32(2)  # in the middle of the quantiles that are equal
    rank = np.where(values == over, ties, below - 1 + share.clip(0, 1)) / np.float32(_LAST)
    level = np.float32(INNER) + rank * np.float32(1 - 2 * INNER)
    least, largest = past[:, :1], past[:, _LAST:]
    nothing = np.float32(0)
    above = np.float32(1 - INNER) + np.float32(INNER) * _soft(np.maximum(values - largest, nothing) / spread)
    beneath = np.float32(INNER) * (1 - _soft(np.maximum(least - values, nothing) / spread))
    levels: Float32 = np.where(values > largest, above, np.where(values < least, beneath, level))
    return levels


def _last_equal(past: Float32) -> Int8:
    """For each quantile [m, 17] the last one that is equal to it."""
    last = np.empty(past.shape, np.int8)
    last[:, _LAST] = _LAST
    for at in range(_LAST - 1, -1, -1):
        last[:, at] = np.where(past[:, at] == past[:, at + 1], last[:, at + 1], at)
    return last


def _changes(values: Float32, missing: Bool, spread: Float32) -> Float32:
    """Since the latest value before, over what is missing."""
    difference = np.zeros_like(values)
    np.subtract(values[:, 1:], values[:, :-1], out=difference[:, 1:])
    if missing.any():
        columns = np.arange(values.shape[1])
        latest = np.maximum.accumulate(np.where(missing, -1, columns), axis=1)
        before = np.concatenate([np.full((len(values), 1), -1), latest[:, :-1]], axis=1)
        difference = values - np.take_along_axis(values, np.maximum(before, 0), 1)
        difference[(before < 0) | missing] = 0
    return _soft(difference / spread * np.float32(SHARPNESS))


def _soft(x: Float32) -> Float32:
    """x / (1 + |x|): odd, rising, from −1 to 1; what is infinite is ±1."""
    finite = x.clip(np.float32(-1e30), np.float32(1e30))
    soft: Float32 = finite / (1 + np.abs(finite))
    return soft
