"""Boosted stumps: one threshold of one feature after the other, each a small step (Friedman, 2001)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32

ROUNDS, RATE = 160, 0.1
BINS = 32
SHARE = 0.3
"""Of the features, drawn in each round: what one of two alike can say, the other says in the next."""

DECAY = 20.0
"""Added to the curvature of a side, so that few windows move little."""

Bools = NDArray[np.bool_]


class Boosted(NamedTuple):
    """r stumps: what each adds to the logit where its feature is at most the limit, and where it is beyond."""

    feature: Float32  # [r], whole numbers
    limit: Float32  # [r]
    below: Float32  # [r]
    beyond: Float32  # [r]
    offset: Float32  # [1]

    def logits(self, features: Float32) -> Float32:
        """Logits [n] of features [n, k]."""
        over = features[:, self.feature.astype(np.int64)] > self.limit
        total: Float32 = np.where(over, self.beyond, self.below).sum(axis=1) + self.offset[0]
        return total.astype(np.float32)


def boost(features: Float32, failing: Bools, seed: int, rounds: int = ROUNDS) -> Boosted:
    """Fitted on features [n, k] of windows that fail or do not [n]."""
    rng = np.random.default_rng(seed)
    n, k = features.shape
    limits = np.quantile(features, np.linspace(0, 1, BINS + 1)[1:-1], axis=0).astype(np.float32)  # [b - 1, k]
    bins = np.stack([np.searchsorted(limits[:, at], features[:, at]) for at in range(k)], axis=1)  # [n, k]
    share = np.clip(failing.mean(), 1e-3, 1 - 1e-3)
    offset = np.log(share / (1 - share))
    logit, stumps, drawn = np.full(n, offset), [], max(round(SHARE * k), 1)
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-logit))
        some = np.sort(rng.choice(k, drawn, replace=False))
        feature, cut, below, beyond = _stump(bins[:, some], p - failing, p * (1 - p))
        feature = int(some[feature])
        logit += np.where(bins[:, feature] > cut, beyond, below)
        stumps.append((feature, limits[cut, feature], below, beyond))
    feature_of, limit, below_of, beyond_of = np.array(stumps, np.float32).T.copy()
    return Boosted(feature_of, limit, below_of, beyond_of, np.array([offset], np.float32))


def _stump(
    bins: NDArray[np.int64], slope: NDArray[np.float64], curve: NDArray[np.float64]
) -> tuple[int, int, float, float]:
    """The feature, its last bin below, and both steps that lower the loss most, by both derivatives [n]."""
    k = bins.shape[1]
    place = (bins + BINS * np.arange(k)).ravel()
    sums = [np.bincount(place, np.repeat(one, k), BINS * k).reshape(k, BINS).cumsum(axis=1) for one in (slope, curve)]
    (g, h), (all_g, all_h) = (one[:, :-1] for one in sums), (one[:, -1:] for one in sums)
    left, right = -g / (h + DECAY), -(all_g - g) / (all_h - h + DECAY)
    gain = -g * left - (all_g - g) * right
    feature, cut = divmod(int(gain.argmax()), BINS - 1)
    return feature, cut, RATE * float(left[feature, cut]), RATE * float(right[feature, cut])
