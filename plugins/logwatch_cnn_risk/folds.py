"""Groups of deployments dealt out to folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
Bools = NDArray[np.bool_]


def folds_of(groups: NDArray[Any], failing: Bools, seed: int, folds: int = FOLDS) -> NDArray[np.int64]:
    """Fold [n] of each window; groups with failures are dealt out evenly, and so are the others."""
    every, number = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(every))
    bad = np.bincount(number, failing) > 0
    dealt = np.empty(len(every), np.int64)
    dealt[np.concatenate([order[bad[order]], order[~bad[order]]])] = np.arange(len(every)) % folds
    fold: NDArray[np.int64] = dealt[number]
    return fold
