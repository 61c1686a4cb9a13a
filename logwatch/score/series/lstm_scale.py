"""Location and scale of a series for its forecaster, by its own past alone.

They move once in a block of points. A level that shifts pulls them along slowly, a spike hardly at all, and a flat
stretch leaves the scale as it is: it says nothing about how large changes are.
"""

from __future__ import annotations

import numpy as np

from logwatch.types import Bool, Float32, Float64, Int64

BLOCK = 16
"""Points of a block."""

SLOW = 1.0 / 64
"""Rate of a block, from the 64th on: a memory of 1,000 points."""

MOST = 20.0
"""A block counts at most this many times the scale so far."""


def rescaled(scale: Float32, done: Int64, made: Int64, values: Float64) -> Float32:
    """Scales before and after each of the blocks that k series complete.

    Args:
        scale: [k, 3] location, spread and usual change so far.
        done: [k] blocks that each series completed before.
        made: [k] blocks that each completes now, adding up to b.
        values: [b, BLOCK + 1] points of the blocks, after the point before; series by series.

    Returns:
        [k + b, 3] for each series its scale so far, then that after each block.
    """
    first = np.cumsum(made + 1) - (made + 1)
    out = np.empty((len(scale) + len(values), 3), np.float32)
    out[first] = scale
    change = np.abs(np.diff(values, axis=1))
    level, usual = np.median(values[:, 1:], axis=1), change.mean(axis=1)
    begin = np.cumsum(made) - made
    for nth in range(int(made.max(initial=0))):
        who = np.flatnonzero(made > nth)
        block, at, age = begin[who] + nth, first[who] + nth, done[who] + nth
        rate = np.maximum(1.0 / (age + 1), SLOW)
        location, spread, moved = out[at].astype(np.float64).T
        location = location + rate * (level[block] - location)
        around = np.abs(values[block, 1:] - location[:, None]).mean(axis=1)
        at += 1
        out[at, 0] = location
        out[at, 1] = _towards(spread, around, rate, usual[block] > 0)
        out[at, 2] = _towards(moved, usual[block], rate, usual[block] > 0)
    return out


def _towards(scale: Float64, seen: Float64, rate: Float64, moving: Bool) -> Float64:
    slow = scale + rate * (np.minimum(seen, MOST * scale) - scale)
    found: Float64 = np.where(moving, np.where(scale > 0, slow, seen), scale)
    return found
