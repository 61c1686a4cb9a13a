"""Where a number lies among its field's past: buckets of equal ratio, and the tails on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Float64, Int64

BUCKETS = 192
_ZERO = 48  # below it negative numbers, an octave each; above it positive ones, half an octave each
_LEAST = 20.0  # octaves below 1 of the smallest positive bucket
_LEAST_NEGATIVE = 8.0
FAR = 7.0
"""Nats at most that a number gains by lying beyond all of the past: there the tail is taken as 1/x, the heaviest."""


def bucket_of(numbers: Float64) -> Int64:
    """Buckets [n], ascending with the number."""
    size = np.abs(numbers)
    octave = np.log2(np.where(size > 0, size, 1.0))
    above = _ZERO + 1 + np.clip(np.floor(2 * (octave + _LEAST)), 0, BUCKETS - _ZERO - 2)
    below = _ZERO - 1 - np.clip(np.floor(octave + _LEAST_NEGATIVE), 0, _ZERO - 1)
    return np.where(numbers > 0, above, np.where(numbers < 0, below, _ZERO)).astype(np.int64)


def edge(bucket: Int64) -> Float64:
    """Lower edges [n] of buckets [n] of positive numbers; 0 of the others."""
    return np.where(bucket > _ZERO, np.exp2((bucket - _ZERO - 1) / 2.0 - _LEAST), 0.0)


def tails(numbers: Float64, of: Int64, counts: NDArray[np.float32], high_only: bool = False) -> Float64:
    """Nats [n] of numbers [n] of fields `of` [n], whose counts are [f, BUCKETS]: −ln of twice the smaller tail, or of
    twice the upper one."""
    running = np.cumsum(counts, axis=1, dtype=np.float64)
    highest = (BUCKETS - 1 - np.argmax(counts[:, ::-1] > 0, axis=1))[of]
    lowest = np.argmax(counts > 0, axis=1)[of]
    bucket = bucket_of(numbers)
    mass, up_to, own = running[of, -1], running[of, bucket], counts[of, bucket].astype(np.float64)
    tail = mass - up_to + own
    if not high_only:
        tail = np.minimum(tail, up_to)
    smaller = tail - 0.5 * own  # its own bucket counts half
    nats: Float64 = -np.log(np.minimum(2 * (smaller + 0.5) / (mass + 1.0), 1.0))
    beyond = np.flatnonzero(((bucket > highest) | ((bucket < lowest) & (not high_only))) & (numbers > 0))
    if len(beyond):
        most, least = edge(highest[beyond] + 1), edge(lowest[beyond])
        nats[beyond] += np.maximum(_ratio(numbers[beyond], most), _ratio(least, numbers[beyond]))
    return nats


def _ratio(more: Float64, less: Float64) -> Float64:
    """ln(more / less) [n] within 0 to FAR, where both are positive."""
    good = (more > 0) & (less > 0)
    ratio = np.log(np.where(good, more, 1.0) / np.where(good, less, 1.0))
    return np.clip(ratio, 0.0, FAR)


def usual(counts: NDArray[np.float32]) -> tuple[float, float]:
    """Between which numbers 99 % of a field's past lie, by its buckets' edges."""
    running = np.cumsum(counts, dtype=np.float64)
    low = int(np.searchsorted(running, 0.005 * running[-1], side="right"))
    high = int(np.searchsorted(running, 0.995 * running[-1]))
    ends = edge(np.array([min(low, BUCKETS - 1), min(high + 1, BUCKETS - 1)]))
    return float(ends[0]), float(ends[1])
