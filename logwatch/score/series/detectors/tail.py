"""Tails with a long memory: how rare a magnitude is among the tens of thousands that a series showed before.

A tail is 64 survival counts over bins of a quarter octave: the first eleven bits of a float32 are the number of its
bin. The bins end at the largest magnitude so far; what is 2^16 times smaller counts as zero. Magnitudes stay in the
series' own units: scaled by a running deviation, an anomaly would hide itself. Beyond the rarest 2 % a
generalised-Pareto end by probability-weighted moments (Hosking and Wallis, 1987) goes on where the counts stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from logwatch.score.series.detectors.borrowed import Columns
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
PIECE = 256
"""Ends computed at once: their counts stay in the processor's cache."""


class Tails:
    """Several tails a series.

    Args:
        table: with `fields(name, count)` among its columns.
        name: of the columns.
    """

    def __init__(self, table: Columns, name: str) -> None:
        self._table, self._name = table, name

    @staticmethod
    def fields(name: str, count: int) -> tuple[tuple[Any, ...], ...]:
        """Columns for `count` tails: survival counts, and the number of the last bin (0: none yet)."""
        return (f"{name}_counts", "u2", (count, BINS)), (f"{name}_top", "i2", (count,))

    def score(self, slots: Int32 | slice, magnitudes: Float32, voices: Bool) -> Float32:
        """Nats [n, count] of −ln P(as large or larger), in [0, 69]; NaN without an opinion. Then learns.

        Args:
            slots: [n] rows of the table, each once.
            magnitudes: [n, count] ≥ 0, finite; NaN is neither scored nor learned.
            voices: [n, count] what is scored; the rest is only learned.
        """
        nats = said([self.learn(slots, magnitudes)], np.ascontiguousarray(magnitudes, np.float32).reshape(-1))
        nats[~voices.reshape(-1)] = np.nan
        return nats.reshape(magnitudes.shape)

    def learn(self, slots: Int32 | slice, magnitudes: Float32) -> Before:
        """Learn magnitudes; what was known before them is for `said`. Arguments as those of `score`."""
        of_counts, of_top = self._table.view(f"{self._name}_counts"), self._table.view(f"{self._name}_top")
        counts, top = of_counts[slots].reshape(-1, BINS), of_top[slots].reshape(-1)
        flat = np.ascontiguousarray(magnitudes, np.float32).reshape(-1)
        known = ~np.isnan(flat)
        bins = np.where(known, flat, np.float32(0)).view(np.int32) >> MANTISSA
        before = _before(counts, top, bins)
        _learn(counts, top, bins, known)
        if not isinstance(slots, slice):
            of_counts[slots] = counts.reshape(len(slots), -1, BINS)
            of_top[slots] = top.reshape(len(slots), -1)
        return before


class Before(NamedTuple):
    """What m tails had counted before m values."""

    place: Int32  # [m] of the value's bin
    here: NDArray[np.uint16]  # [m] in this bin or above
    above: NDArray[np.uint16]  # [m] above it
    all_of: Float32  # [m]
    level: Float32  # [m] values that lie in the generalised-Pareto end at least
    rare: Int64  # [r] values that may lie in it
    counts: NDArray[np.uint16]  # [r, BINS] of these
    top: NDArray[np.int16]  # [r]


def _before(counts: NDArray[np.uint16], top: NDArray[np.int16], bins: Int32) -> Before:
    place = np.where(bins > 0, bins - top + (BINS - 1), 0)
    at = np.minimum(np.maximum(place, 0), BINS)
    padded_rows = np.arange(0, counts.size, BINS)
    beyond = at == BINS
    flat = counts.reshape(-1)
    here = flat[padded_rows + np.minimum(at, BINS - 1)]
    above = flat[padded_rows + np.minimum(at + 1, BINS - 1)]
    here[beyond] = 0
    above[at >= BINS - 1] = 0
    all_of = counts[:, 0].astype(np.float32)
    some = np.maximum(all_of, 1)
    level = np.minimum(np.maximum(LEAST / some, LEVEL), SHARE).astype(np.float32) * some
    rare = np.flatnonzero((above <= level) & (counts[:, 1] >= level))  # no fewer than there are
    return Before(place, here, above, all_of, level, rare, counts[rare], top[rare])


def said(parts: Sequence[Before], values: Float32) -> Float32:
    """Nats of values [m]: those of the parts, one after the other; NaN where nothing was counted, and of NaN."""
    if not parts:
        return values
    known = ~np.isnan(values)
    values = np.where(known, values, np.float32(0))
    place, here, above, all_of, level = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("place", "here", "above", "all_of", "level")
    )
    part = np.where(place < 0, 0, values.view(np.int32) & ((1 << MANTISSA) - 1)).astype(np.float32) / (1 << MANTISSA)
    half = np.float32(0.5)
    nats = np.log(all_of + half) - (1 - part) * np.log(here.astype(np.float32) + half)
    nats -= part * np.log(above.astype(np.float32) + half)
    begin = np.cumsum([0, *(len(one.place) for one in parts)])
    rare = np.concatenate([one.rare + at for one, at in zip(parts, begin.tolist(), strict=False)])
    is_rare = np.flatnonzero(nats[rare] > np.log(np.maximum(all_of[rare], 1) / level[rare]))
    counts, top = (np.concatenate([getattr(one, name) for one in parts]) for name in ("counts", "top"))
    for at in range(0, len(is_rare), PIECE):
        some = is_rare[at : at + PIECE]
        rows = rare[some]
        nats[rows] = _pareto(counts[some].astype(np.float64), top[some], values[rows].astype(np.float64), level[rows])
    nats[(all_of == 0) | ~known] = np.nan
    found: Float32 = np.clip(nats, 0, CAP).astype(np.float32)
    return found


def _pareto(counts: Float64, top: NDArray[np.int16], values: Float64, level: Float32) -> Float64:
    """Nats [k] by generalised-Pareto ends; at least `level` [k] values lie in each, and some below it."""
    rows = np.arange(len(values))
    first = top.astype(np.int64) + (1 - BINS)
    start = np.minimum(np.count_nonzero(counts >= level[:, None], axis=1) - 1, BINS - 2)
    base = counts[rows, start]
    tail = counts / base[:, None]
    next_tail = np.zeros_like(tail)
    next_tail[:, :-1] = tail[:, 1:]
    width = np.where(start[:, None] <= _LADDER, _WIDTHS[first - _LOWEST], 0.0)
    mean = (width * (tail + next_tail)).sum(axis=1) / 2.0  # the integral of the survival
    square = (width * (tail * tail + tail * next_tail + next_tail * next_tail)).sum(axis=1) / 3.0
    shape = 2.0 - mean / np.maximum(mean - square, 1e-9 * mean)
    xi = np.clip(shape * base / (base + XI_PRIOR), *XI)
    sigma = np.maximum(mean * (1.0 - xi), 1e-300)
    over = np.maximum(values - _EDGES[first + start - _LOWEST], 0.0)
    nats: Float64 = np.log1p(xi * over / sigma) / xi - np.log(base / counts[:, 0])
    return nats


_LOWEST, _HIGHEST = 1 - BINS, (0x7F7FFFFF >> MANTISSA) + 2
_EDGES: Float64 = (
    (np.arange(_LOWEST, _HIGHEST, dtype=np.int32).clip(0, 0x7F7FFFFF >> MANTISSA) << MANTISSA)
    .view(np.float32)
    .astype(np.float64)
)
"""Lower edges of the bins from `_LOWEST` on; those below 0 are 0."""
_WIDTHS = sliding_window_view(np.diff(_EDGES), BINS)
"""Of the bins of a tail, by its first bin from `_LOWEST` on."""


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
