"""Principal axes of a source's metrics, and how far a step lies from what they explain.

Values become z-scores by slowly ageing means and variances; their covariance ages likewise, and its first eigenvectors
are the axes. What a step leaves unexplained is a residual per metric. Its magnitude (root mean square over the recent
steps, the newest with more weight) is added up over the metrics: −ln p per metric would compress large deviations, and
squares would let one metric speak for all.

Everything is computed for whole blocks of `BLOCK` steps, of which the later ones may not have come yet: each product
has the same shape however the steps were batched, so that the results are bit-equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Float64, Int64

BLOCK = 16
"""Steps between two updates of the model."""
YOUNG = 64.0
"""Values that a metric must have shown before it enters the covariance, and as many again before it counts."""
EXTREME = 1e3
"""A value counts as so many deviations at most for the mean and variance: 1e308 must not spoil them for ever."""
FINITE = 1e150
"""Nor may its square overflow where there is no deviation yet."""
ROUNDING = 1e-9
"""Least deviation, relative to the mean: below it, differences are rounding."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The choices of the model; the defaults were chosen on the `smd` benchmark."""

    rate: float = 5e-5  # of ageing, per step: two weeks' memory where a step is a minute
    explained: float = 0.5  # share of the variance that the axes explain
    clip: float = 30.0  # a z-score counts as so many deviations at most
    smooth: float = 0.05  # weight of a step in the running mean of squared residuals
    sharp: float = 0.5  # weight of the step itself beside that mean: short anomalies are not smoothed away
    gate: float = 0.01  # share of the recent steps, those with the highest scores, that do not update the model
    recent: float = 10_000.0  # steps that the gate looks back: what lasts longer than its share of them becomes normal
    memory: float = 50_000.0  # steps that the tail remembers


VECTORS = ("count", "paired", "absent", "votes", "mean", "var", "energy")
STATE = (*VECTORS, "cov", "axes")


class Model:
    """Means, deviations, covariance and axes of c columns; c grows.

    Args:
        recipe: the choices.
        columns: c.
    """

    def __init__(self, recipe: Recipe, columns: int) -> None:
        self.recipe = recipe
        self.count: Float64 = np.zeros(columns)  # values learned
        self.paired: Float64 = np.zeros(columns)  # those of them in the covariance
        self.absent: Float64 = np.zeros(columns)  # steps since the last value
        self.votes: Float64 = np.zeros(columns)  # 1 for metrics that count, since the last computation of the axes
        self.mean: Float64 = np.zeros(columns)
        self.var: Float64 = np.zeros(columns)
        self.energy: Float64 = np.zeros(columns)  # running mean of squared residuals at the block's beginning
        self.cov: Float64 = np.zeros((columns, columns))
        self.axes: Float64 = np.zeros((columns, 0))
        keep = 1.0 - recipe.smooth
        steps = np.arange(BLOCK)
        self._fade: Float64 = np.power(keep, steps[:, None] + 1.0)
        self._gather: Float64 = np.tril(recipe.smooth * keep ** np.maximum(steps[:, None] - steps, 0.0))

    def grow(self, columns: int) -> None:
        """Room for `columns` metrics."""
        more = columns - len(self.count)
        for name in VECTORS:
            setattr(self, name, np.append(getattr(self, name), np.zeros(more)))
        self.cov = np.pad(self.cov, ((0, more), (0, more)))
        self.axes = np.pad(self.axes, ((0, more), (0, 0)))

    def clear(self, columns: Int64) -> None:
        """Forget what these columns were."""
        for array in self.arrays().values():
            array[columns] = 0.0
        self.cov[:, columns] = 0.0

    def residuals(self, values: Float64) -> Float64:
        """Squared residuals [BLOCK, c] of values [BLOCK, c]; 0 where one is missing (NaN) or does not count."""
        z = self._standard(values)
        rest = z - (z @ self.axes) @ self.axes.T
        rest[~self.voting(values)] = 0.0
        return rest * rest

    def voting(self, values: Float64) -> Bool:
        """Which of the values [BLOCK, c] are there and count."""
        return ~np.isnan(values) & (self.votes > 0.0)

    def magnitudes(self, squares: Float64) -> Float64:
        """How far each metric [BLOCK, c] is from what was expected, ≥ 0, recent steps included."""
        return np.sqrt(self._running(squares) + self.recipe.sharp * squares)

    def _running(self, squares: Float64) -> Float64:
        return self._fade * self.energy + self._gather @ squares

    def _standard(self, values: Float64) -> Float64:
        deviation = np.maximum(np.sqrt(self.var), ROUNDING * np.abs(self.mean))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            z = (values - self.mean) / deviation
        z[np.isnan(z) | (self.count < YOUNG)] = 0.0  # missing, or a constant that is what it was
        return np.clip(z, -self.recipe.clip, self.recipe.clip)

    def learn(self, values: Float64, squares: Float64, keep: Bool) -> None:
        """Update by a complete block [BLOCK, c]; only the steps `keep` [BLOCK] change means and covariance."""
        self.energy = self._running(squares)[-1]
        present = ~np.isnan(values)
        self.absent = np.where(present.any(axis=0), 0.0, self.absent + BLOCK)
        if keep.any():
            kept = values[keep]
            self._learn_covariance(self._standard(kept), present[keep] & (self.count >= YOUNG))
            self._learn_moments(kept, present[keep])

    def _learn_covariance(self, z: Float64, present: Bool) -> None:
        seen = present.sum(axis=0)
        self.paired += seen
        rate = self._rate(seen, self.paired)
        both = np.maximum(rate[:, None], rate) * ((rate[:, None] > 0.0) & (rate > 0.0))
        self.cov += both * (z.T @ z / len(z) - self.cov)

    def _learn_moments(self, values: Float64, present: Bool) -> None:
        seen = present.sum(axis=0)
        self.count += seen
        rate = self._rate(seen, self.count)
        reach = np.where(self.var > 0.0, np.minimum(EXTREME * np.sqrt(self.var), FINITE), FINITE)
        values = np.where(present, np.clip(values, self.mean - reach, self.mean + reach), 0.0)
        middle = values.sum(axis=0) / np.maximum(seen, 1)
        spread = np.where(present, values - middle, 0.0)
        spread = (spread * spread).sum(axis=0) / np.maximum(seen, 1)
        shift = middle - self.mean
        self.var += rate * (spread - self.var + (1.0 - rate) * shift * shift)
        self.mean += rate * shift

    def _rate(self, seen: Int64, count: Float64) -> Float64:
        """Weight [c] of a block's values: of all so far while they are few, then by ageing."""
        rate: Float64 = np.maximum(1.0 - (1.0 - self.recipe.rate) ** seen, seen / np.maximum(count, 1.0))
        return rate

    def renew_axes(self, recent: float) -> None:
        """Recompute the axes of the metrics that are known and had a value in the last `recent` steps; these count."""
        self.votes = ((self.paired >= YOUNG) & (self.absent < recent)).astype(np.float64)
        use = np.flatnonzero(self.votes)
        self.axes = np.zeros((len(self.count), 0))
        if len(use) < 2:
            return  # a metric alone would explain itself
        power, axes = np.linalg.eigh(self.cov[np.ix_(use, use)])
        share = np.cumsum(np.maximum(power[::-1], 0.0))
        enough = int(np.searchsorted(share, self.recipe.explained * share[-1])) + 1
        self.axes = np.zeros((len(self.count), min(enough, len(use) - 1)))
        self.axes[use] = axes[:, ::-1][:, : self.axes.shape[1]]

    def dispensable(self, after: float) -> Bool:
        """Columns [c] of metrics without a value for so many steps, or that were constant for as many."""
        done: Bool = (self.absent >= after) | ((self.var == 0.0) & (self.count >= after))
        return done

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its state."""
        return {name: getattr(self, name) for name in STATE}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """From `arrays`."""
        for name in STATE:
            setattr(self, name, arrays[name].copy())
