"""What the forecaster is told at each point, and the simple forecasts that it weighs; all in the series' own units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from logwatch.types import Bool, Float32, Float64, Int64

LAGS = 8
"""Points before a point that its inputs look at."""

INPUTS = 16
MOVED = 5
"""The input that tells how much the series moves: the logarithm of its mean change, in usual ones."""

GUESSES = 4
"""The last value, the mean of the last LAGS, the location, and the last change repeated."""

FAR = 1e4
"""Guesses are cut so far from the value, in usual changes."""

SECOND = 1_000_000_000
_CIRCLE = np.arange(3600) / 3600 * 2 * np.pi
_SIN, _COS = np.sin(_CIRCLE), np.cos(_CIRCLE)
_CYCLES = (86_400, 3600, 60)


class Features(NamedTuple):
    """Of n points."""

    inputs: Float32  # [n, INPUTS]
    guesses: Float32  # [n, GUESSES] of the next value: change from the last, in usual changes


def squashed(x: Float64) -> Float64:
    """Signed logarithm: linear near zero."""
    return np.copysign(np.log1p(np.abs(x)), x)


def features(values: Float64, scale: Float32, missing: Bool, time: Int64, step: Int64) -> Features:
    """Of n points, by them and what came before.

    Every operation is element by element: a point's inputs do not depend on what else is in the batch.

    Args:
        values: [LAGS + 1, n] the newest first.
        scale: [n, 3] see `lstm_scale`.
        missing: [n] nothing was measured.
        time: [n] ns.
        step: [n] ns.
    """
    location, spread, change = (np.ascontiguousarray(part, np.float64) for part in scale.T)
    unit, width = np.where(change > 0, change, 1.0), np.where(spread > 0, spread, 1.0)
    newest, moves = values[0], values[:-1] - values[1:]
    total, moved, still = values[0].copy(), np.abs(moves[0]), (moves[0] == 0).astype(np.float64)
    for lag in range(1, LAGS):
        total += values[lag]
        moved += np.abs(moves[lag])
        still += moves[lag] == 0
    recent, back, last = (total / LAGS - newest) / unit, (location - newest) / unit, moves[0] / unit
    out = np.zeros((INPUTS, len(newest)))
    out[0] = squashed((newest - location) / width)
    out[1], out[2], out[3], out[4] = squashed(last), squashed(moves[1] / unit), squashed(recent), squashed(back)
    out[MOVED] = np.log(moved / LAGS / unit + 0.05)
    out[6] = np.log((unit + 1e-3 * width) / width)
    out[7], out[8] = still / LAGS, missing
    out[9:15] = _clock(time, step)
    out[15] = np.log10(np.maximum(step / SECOND, 1e-3)) / 2 - 1
    guesses = np.clip(np.stack([np.zeros_like(last), recent, back, last], axis=1), -FAR, FAR)
    return Features(np.ascontiguousarray(out.T, np.float32), guesses.astype(np.float32))


def _clock(time: Int64, step: Int64) -> Float64:
    """Time of day, within the hour and within the minute [6, n]: points on circles, 0 where a step spans a cycle."""
    out = np.zeros((6, len(time)))
    second = time // SECOND
    for row, cycle in enumerate(_CYCLES):
        at = second % cycle * 3600 // cycle
        there = step < cycle * SECOND
        out[2 * row], out[2 * row + 1] = _SIN[at] * there, _COS[at] * there
    return out
