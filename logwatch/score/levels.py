"""How far something lies from its own past: aged moments of a level, and Student's t."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Float64, Int64

MOMENTS = (("times", "f4"), ("mean", "f4"), ("square", "f4"))
"""Aged sums of 1, y, y² of a level y."""
NAMES = tuple(name for name, _ in MOMENTS)
MEMORY = 8640.0
"""Times over which they age: a day of windows of 10 s."""
LEAST = 16
"""Times before there is an opinion."""
FREEDOM = 8.0
"""Degrees of freedom of Student's t: what logs bring comes in bursts, a normal tail would say e^-1000."""
CLIP = 4.0
"""Deviations beyond which a level is learned as if it were no further: one flood does not widen the normal."""

Moments = Mapping[str, NDArray[Any]] | NDArray[Any]
"""Columns [m], at least those of `MOMENTS`."""


def tail(z: Float64) -> Float64:
    """Nats [m] of what lies z [m] deviations off."""
    nats: Float64 = (FREEDOM + 1) / 2 * np.log1p(z * z / FREEDOM)
    return nats


def above(moments: Moments, level: Float64, least: float) -> Float64:
    """Nats [m] of levels [m] above the usual, 0 of others; NaN before there is an opinion. `least`: a variance below
    which no level is steady."""
    mean, deviation = _usual(moments, least)
    nats = tail(np.maximum((level - mean) / deviation, 0.0))
    return np.where(moments["times"] >= LEAST, nats, np.nan)


def learned(moments: Moments, of: Int64, level: Float64, least: float) -> dict[str, Float64]:
    """Moments [m] after levels [n]: `of` [n] is the index of each one's."""
    mean, deviation = _usual(moments, least)
    most = np.where(moments["times"] >= LEAST, mean + CLIP * deviation, np.inf)
    size, level = len(mean), np.minimum(level, most[of])
    times = np.bincount(of, minlength=size)
    keep, added = np.exp(-times / MEMORY), (times, np.bincount(of, level, size), np.bincount(of, level * level, size))
    return {name: moments[name] * keep + more for name, more in zip(NAMES, added, strict=True)}


def _usual(moments: Moments, least: float) -> tuple[Float64, Float64]:
    """Mean and deviation [m]."""
    n = np.maximum(moments["times"].astype(np.float64), 1.0)
    mean = moments["mean"] / n
    return mean, np.sqrt(np.maximum(moments["square"] / n - mean * mean, least) * (1 + 1 / n))
