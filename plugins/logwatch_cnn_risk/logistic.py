"""Logistic regression on the means and slopes of each metric's level, by Newton's method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32

Floats = NDArray[np.float64]

DECAY = 1e-1
STEPS = 25
LEAST_RISE = 1e-7


class Logistic(NamedTuple):
    """Weights of standardised features."""

    middle: Float32  # [k]
    spread: Float32  # [k]
    weights: Float32  # [k + 1], the last one is the offset

    def logits(self, features: Float32) -> Float32:
        """Logits [n] of features [n, k]."""
        scaled = np.clip((features - self.middle) / self.spread, -5, 5)
        logit: Float32 = (scaled @ self.weights[:-1] + self.weights[-1]).astype(np.float32)
        return logit


def statistics(scaled: Float32, own: Float32) -> Float32:
    """Features [n, 4 m]: means and slopes of distances [n, m, c] from training's mean, and from the own past."""
    at = np.linspace(-1, 1, scaled.shape[2], dtype=np.float32)
    return np.concatenate([part for one in (scaled, own) for part in (one.mean(axis=2), one @ at / (at @ at))], axis=1)


def fit(features: Float32, failing: NDArray[np.bool_], decay: float = DECAY) -> Logistic:
    """Features [n, k] of windows that fail or do not [n]."""
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), np.float32(1e-3))
    scaled = np.clip((features - middle) / spread, -5, 5)
    return Logistic(middle, spread, newton(scaled, failing.astype(np.float64), decay).astype(np.float32))


def newton(
    features: NDArray[np.floating], truth: Floats, decay: float, base: NDArray[np.floating] | float = 0.0
) -> Floats:
    """Weights [k + 1] that, beside logits of `base` [n], maximise the likelihood of truths [n] in 0 to 1; the last one,
    the offset, is not held back."""
    x = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    ridge = decay * len(x) * np.ones(x.shape[1])
    ridge[-1] = LEAST_RISE
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(base + x @ weights, -30, 30)))
        gradient = x.T @ (p - truth) + ridge * weights
        curve = (x * np.maximum(p * (1 - p), 1e-6)[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(curve, gradient)
        weights -= step * min(1.0, 10.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return weights
