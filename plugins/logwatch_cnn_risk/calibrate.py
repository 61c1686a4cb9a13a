"""Scores to probabilities: a slope and an offset, fitted on windows that the model has not seen (Platt, 1999)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32
from logwatch_cnn_risk.logistic import newton

LEAST_SLOPE = 1e-3
"""A higher score never means a lower risk."""

PRIOR = 20.0
"""Weight of what was expected of a slope: as of so many windows."""


class Platt(NamedTuple):
    """probability = 1 / (1 + exp(-(slope · score + offset)))."""

    slope: float
    offset: float

    def probability(self, scores: Float32) -> Float32:
        """Of scores [n], in (0, 1)."""
        return likely(self.logit(scores))

    def logit(self, scores: Float32) -> NDArray[np.float64]:
        """Of scores [n]: log of the odds, −30 to 30."""
        return np.clip(self.slope * scores.astype(np.float64) + self.offset, -30, 30)


def likely(logit: NDArray[np.float64]) -> Float32:
    """Probabilities [n] of logits [n]."""
    p: Float32 = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return p


def calibrated(scores: Float32, failing: NDArray[np.bool_], slope: float = 0.0) -> Platt:
    """Fitted on scores [n]; truths are drawn in a little, as few windows say nothing of certainty.

    Args:
        slope: expected beforehand: 1 of logits, 0 of scores of any kind; the fewer the windows, the more it weighs.
    """
    positive = int(failing.sum())
    negative = len(failing) - positive
    truth = np.where(failing, (positive + 1) / (positive + 2), 1 / (negative + 2))
    spread = max(float(scores.std()), 1e-6)
    decay = PRIOR / len(scores) if slope else 1e-4
    more, offset = newton(scores[:, None] / spread, truth, decay, slope * scores).tolist()
    return Platt(max(slope + more / spread, LEAST_SLOPE), offset)
