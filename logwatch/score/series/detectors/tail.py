"""Tails with a long memory: how rare a magnitude is among the tens of thousands that a series showed before.

A tail is 64 survival counts over bins of a quarter octave: the first eleven bits of a float32 are the number of its
bin. The bins end at the largest magnitude so far; what is 2^16 times smaller counts as zero. Magnitudes stay in the
series' own units: scaled by a running deviation, an anomaly would hide itself. Beyond the rarest 2 % a
generalised-Pareto end by probability-weighted moments (Hosking and Wallis, 1987) goes on where the counts stop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.keys import KeyTable
from logwatch.types import Bool, Float32, Float64, Int32, Int64

BINS = 64
MANTISSA = 21
"""Bits of a float32 below its bin: two of the mantissa are left, so four bins an octave."""
HEADROOM = 24
"""Bins above the first magnitude of a series."""
MEMORY = 50_000
"""Values at which the counts are halved: every second one of the ordered past is let go."""
LEVEL = 0.02  # share beyond which the generalised-Pareto end begins
LEAST = 20.0  # values that it has at least
SHARE = 0.5  # but no more than this share
XI = (1e-3, 0.2)  # never an end point, and never so heavy that a few values make everything likely
XI_PRIOR = 100.0  # values that an exponential end counts for
CAP = 30.0 * float(np.log(10.0))
_LADDER: Int32 = np.arange(BINS, dtype=np.int32)
_RUNGS: Int32 = np.arange(1 - BINS, 2, dtype=np.int32)  # of the bins' edges, from that of the last one


class Tails:
    """Several tails a series.

    Args:
        table: with `fields(name, count)` among its columns.
        name: of the columns.
    """

    def __init__(self, table: KeyTable, name: str) -> None:
        self._table, self._name = table, name

    @staticmethod
    def fields(name: str, count: int) -> tuple[tuple[Any, ...], ...]:
        """Columns for `count` tails: survival counts, and the number of the last bin (0: none yet)."""
        return (f"{name}_counts", "u2", (count, BINS)), (f"{name}_top", "i2", (count,))

    def score(self, slots: Int32, magnitudes: Float32, voices: Bool) -> Float32:
        """Nats [n, count] of −ln P(as large or larger), in [0, 69]; NaN without an opinion. Then learns.

        Args:
            slots: [n] rows of the table, each once.
            magnitudes: [n, count] ≥ 0, finite; NaN is neither scored nor learned.
            voices: [n, count] what is scored; the rest is only learned.
        """
        of_counts, of_top = self._table.view(f"{self._name}_counts"), self._table.view(f"{self._name}_top")
        counts, top = of_counts[slots].reshape(-1, BINS), of_top[slots].reshape(-1)
        flat = np.ascontiguousarray(magnitudes, np.float32).reshape(-1)
        known = ~np.isnan(flat)
        flat = np.where(known, flat, np.float32(0))
        bins = flat.view(np.int32) >> MANTISSA
        nats = _nats(counts, top, flat, bins)
        _learn(counts, top, bins, known)
        of_counts[slots] = counts.reshape(len(slots), -1, BINS)
        of_top[slots] = top.reshape(len(slots), -1)
        nats[~(known & voices.reshape(-1))] = np.nan
        return nats.reshape(magnitudes.shape)


def _nats(counts: NDArray[np.uint16], top: NDArray[np.int16], values: Float32, bins: Int32) -> Float32:
    """Nats [m] of values [m] by the counts [m, BINS] of before; NaN where nothing was counted."""
    rows = np.arange(len(values))
    place = np.where(bins > 0, bins - top + (BINS - 1), 0)
    part = np.where(place < 0, 0, values.view(np.int32) & ((1 << MANTISSA) - 1)).astype(np.float32) / (1 << MANTISSA)
    at = np.clip(place, 0, BINS - 1)
    all_of = counts[:, 0].astype(np.float32)
    here = np.where(place < BINS, counts[rows, at], 0).astype(np.float32)
    above = np.where(place < BINS - 1, counts[rows, np.minimum(at + 1, BINS - 1)], 0).astype(np.float32)
    half = np.float32(0.5)
    nats = np.log(all_of + half) - (1 - part) * np.log(here + half) - part * np.log(above + half)
    level = np.clip(LEAST / np.maximum(all_of, 1), LEVEL, SHARE).astype(np.float32) * np.maximum(all_of, 1)
    rare = np.flatnonzero((nats > np.log(np.maximum(all_of, 1) / level)) & (counts[:, 1] >= level))
    if len(rare):
        nats[rare] = _pareto(counts[rare].astype(np.float64), top[rare], values[rare].astype(np.float64), level[rare])
    nats[all_of == 0] = np.nan
    found: Float32 = np.clip(nats, 0, CAP).astype(np.float32)
    return found


def _pareto(counts: Float64, top: NDArray[np.int16], values: Float64, level: Float32) -> Float64:
    """Nats [k] by generalised-Pareto ends; at least `level` [k] values lie in each, and some below it."""
    rows = np.arange(len(values))
    edges = _edge(top.astype(np.int32)[:, None] + _RUNGS)
    start = np.minimum(np.count_nonzero(counts >= level[:, None], axis=1) - 1, BINS - 2)
    base = counts[rows, start]
    tail = counts / base[:, None]
    next_tail = np.concatenate([tail[:, 1:], np.zeros((len(rows), 1))], axis=1)
    width = np.where(start[:, None] <= _LADDER, np.diff(edges, axis=1), 0.0)
    mean = (width * (tail + next_tail)).sum(axis=1) / 2.0  # the integral of the survival
    square = (width * (tail * tail + tail * next_tail + next_tail * next_tail)).sum(axis=1) / 3.0
    shape = 2.0 - mean / np.maximum(mean - square, 1e-9 * mean)
    xi = np.clip(shape * base / (base + XI_PRIOR), *XI)
    sigma = np.maximum(mean * (1.0 - xi), 1e-300)
    over = np.maximum(values - edges[rows, start], 0.0)
    nats: Float64 = np.log1p(xi * over / sigma) / xi - np.log(base / counts[:, 0])
    return nats


def _edge(bins: NDArray[np.signedinteger]) -> Float64:
    """Lower edges of bins."""
    bits = np.clip(bins, 0, 0x7F7FFFFF >> MANTISSA) << MANTISSA
    return np.ascontiguousarray(bits, np.int32).view(np.float32).astype(np.float64)


def _learn(counts: NDArray[np.uint16], top: NDArray[np.int16], bins: Int32, known: Bool) -> None:
    """Count values, in place; the bins move up where one lies beyond the last."""
    beyond = np.flatnonzero(bins > top)
    if len(beyond):
        _move(counts, top, bins, beyond)
    place = np.where(bins > 0, np.maximum(bins - top + (BINS - 1), 0), 0)
    place = np.where(known, place, -1).astype(np.int16)
    counts += _LADDER.astype(np.int16) <= place[:, None]
    full = np.flatnonzero(counts[:, 0] >= MEMORY)
    if len(full):
        counts[full] >>= 1


def _move(counts: NDArray[np.uint16], top: NDArray[np.int16], bins: Int32, rows: Int64) -> None:
    """Let the bins of some rows end at, or for the first time above, their new values; in place."""
    fresh = top[rows] == 0
    goal = bins[rows] + np.where(fresh, HEADROOM, 0)
    by = np.where(fresh, BINS, goal - top[rows])  # without bins yet, all that was counted was zero
    source = _LADDER + by[:, None]
    moved = np.take_along_axis(counts[rows], np.minimum(source, BINS - 1), axis=1)
    moved[source >= BINS] = 0
    moved[:, 0] = counts[rows, 0]
    counts[rows], top[rows] = moved, goal
