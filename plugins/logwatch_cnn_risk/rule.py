"""The rule that needs no labels: how far the metrics are from what they were.

The mean over the metrics of |z|: the newest values against the metric's own past, or, where little is known of that,
against the window before them.
"""

from __future__ import annotations

import warnings

import numpy as np

from logwatch.api import Float32, MetricWindow

NEWEST = 6
"""The last of so many parts of a window are its newest values."""

MOST = 10.0
"""A |z| beyond it counts as this: one metric that had been constant must not speak for all."""

_LOW, _MIDDLE, _HIGH = 2, 8, 14
_NORMAL = 2.3
"""Standard deviations between the quantiles 1/8 and 7/8 of what is normally distributed."""


def departures(window: MetricWindow) -> Float32:
    """|z| [m] of the newest values of a window, 0 to `MOST`; NaN where nothing was measured."""
    values = np.where(np.isfinite(window.values), window.values, np.nan).astype(np.float64)
    steps = values.shape[1]
    parted = steps - max(steps // NEWEST, 1)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # metrics of which nothing was measured
        newest = np.nanmean(values[:, parted:], axis=1)
        before = values[:, :parted]
        middle, deviation = np.nanmean(before, axis=1), np.nanstd(before, axis=1)
        if window.past is not None:
            past = window.past.astype(np.float64)
            known = ~np.isnan(past).any(axis=1)
            middle = np.where(known, past[:, _MIDDLE], middle)
            deviation = np.where(known, np.fmax((past[:, _HIGH] - past[:, _LOW]) / _NORMAL, deviation / 2), deviation)
        least = 1e-3 * np.abs(middle) + 1e-9
        z = np.abs(newest - middle) / np.fmax(deviation, least)
    return np.minimum(z, MOST).astype(np.float32)


def rule(departure: Float32) -> Float32:
    """Scores [n], 0 to `MOST`, from |z| [n, m]: 0 where nothing is known."""
    known = np.isfinite(departure)
    score: Float32 = np.where(known, departure, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return score.astype(np.float32)
