"""The windowed Gaussian of the Numenta Anomaly Benchmark: the baseline that a detector of series has to beat."""

from __future__ import annotations

import math

import numpy as np

from logwatch.types import Float64

WINDOW = 6400
STEP = 100
LEAST = 1e-300


def windowed_gaussian(value: Float64) -> Float64:
    """−log10 of the two-sided tail of a normal distribution fitted to the last 6,400 values, every 100 of them anew."""
    scores = np.zeros(len(value))
    for at in range(0, len(value), STEP):
        past = value[max(0, at - WINDOW) : at] if at else value[:1]
        deviation = float(past.std()) or 1e-9
        apart = np.abs(value[at : at + STEP] - past.mean()) / (deviation * math.sqrt(2.0))
        scores[at : at + STEP] = [-math.log10(max(math.erfc(z), LEAST)) for z in apart.tolist()]
    return scores
