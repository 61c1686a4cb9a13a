"""How good forecasts of a series were, beside the simple forecasts that anybody could make.

The measure is the pinball loss over the quantiles of the forecast. The simple ones are points in themselves; each gets
the quantiles of its own last misses as its band, so that what is compared is where the band lies and how it moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from logwatch.score.series.lstm_columns import QUANTILES
from logwatch.types import Float64

MISSES = 256
"""Last misses of a simple forecast that make its band."""

PIECE = 4096

RECENT = 32
"""Points of the running mean."""

DAY = 86_400 * 10**9

NAIVE = ("persistence", "seasonal", "recent mean")
"""The last value; the value one period before; the mean of the last points."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean pinball losses of one series over the points that were judged, in its units."""

    points: int
    period: int  # points, of the seasonal forecast; 0: none was found
    forecast: float
    naive: dict[str, float]
    best: str  # the simple forecast that was best before the judged points

    def ratio(self, name: str) -> float:
        """Loss of the forecast over that of a simple one; below 1 is better. NaN where that had none to lose."""
        return self.forecast / self.naive[name] if self.naive[name] > 0 else float("nan")


def pinball(quantiles: Float64, values: Float64) -> Float64:
    """Mean pinball loss [n] of forecasts [n, QUANTILES] where values [n] came; NaN where either is unknown."""
    apart = values[:, None] - quantiles
    levels = np.array(QUANTILES)
    lost: Float64 = np.maximum(levels * apart, (levels - 1) * apart).mean(axis=1)
    return lost


def period_of(values: Float64, step: int) -> int:
    """Points of a period: a day where there are two of them, else the one that the values agree best with; 0: none.

    Args:
        values: [n] of the part that is not judged.
        step: ns.
    """
    if len(values) * step >= 2 * DAY:
        return int(DAY // step)
    known = values[~np.isnan(values)]
    if len(known) < 64 or not np.ptp(known) > 0:
        return 0
    apart = known - known.mean()
    power = np.abs(np.fft.rfft(apart, 2 * len(apart))) ** 2
    agree = np.fft.irfft(power)[: len(apart) // 3] / np.arange(len(apart), len(apart) - len(apart) // 3, -1)
    peaks = np.flatnonzero((agree[1:-1] > agree[:-2]) & (agree[1:-1] >= agree[2:])) + 1
    peaks = peaks[peaks >= 4]
    return int(peaks[agree[peaks].argmax()]) if len(peaks) else 0


def naive(values: Float64, period: int) -> dict[str, Float64]:
    """Forecasts [n, QUANTILES] of a series by the simple forecasters, each made before the value came."""
    filled = _filled(values)
    before = np.append(np.nan, filled[:-1])
    seasonal = np.append(np.full(period, np.nan), filled[:-period]) if 0 < period < len(filled) else before
    mean = np.full(len(filled), np.nan)
    if len(filled) > RECENT:
        mean[RECENT:] = sliding_window_view(filled, RECENT)[:-1].mean(axis=1)
    return {name: _with_band(point, values) for name, point in zip(NAIVE, (before, seasonal, mean), strict=True)}


def compare(values: Float64, quantiles: Float64, step: int, first: int) -> Losses:
    """Losses from point `first` on, where every forecaster has something to say.

    Args:
        values: [n] NaN: nothing was measured.
        quantiles: [n, QUANTILES] forecasts.
        step: ns.
        first: points before it choose the period and the best of the simple forecasters.
    """
    period = period_of(values[:first], step)
    lost = {name: pinball(found, values) for name, found in naive(values, period).items()}
    ours = pinball(quantiles, values)
    known = np.flatnonzero(~np.isnan(np.stack([ours, *lost.values()])).any(axis=0))
    early, late = known[known < first], known[known >= first]
    best = min(NAIVE, key=lambda name: _mean(lost[name][early]))
    return Losses(len(late), period, _mean(ours[late]), {name: _mean(part[late]) for name, part in lost.items()}, best)


def overall(reports: Iterable[Losses], name: str | None = None) -> float:
    """Geometric mean over series of the ratio to a simple forecast; None: to the best of each series. Series on which
    either loses nothing are passed over."""
    ratios = np.array([one.ratio(name or one.best) for one in reports])
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    return float(np.exp(np.log(ratios).mean())) if len(ratios) else float("nan")


def _mean(part: Float64) -> float:
    return float(part.mean()) if len(part) else float("nan")


def _filled(values: Float64) -> Float64:
    at = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[at]


def _with_band(point: Float64, values: Float64) -> Float64:
    """Forecasts [n, QUANTILES]: points [n] and the quantiles of their last misses; NaN before there are enough."""
    out = np.full((len(values), len(QUANTILES)), np.nan)
    missed = values - point
    there = np.flatnonzero(~np.isnan(missed))
    if len(there) > MISSES:
        windows = sliding_window_view(missed[there], MISSES)[:-1]
        for at in range(0, len(windows), PIECE):  # each piece is copied to be sorted
            rows = there[MISSES + at : MISSES + at + PIECE]
            out[rows] = point[rows, None] + np.quantile(windows[at : at + PIECE], QUANTILES, axis=1).T
    return out
